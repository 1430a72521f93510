/** Running sequences of a server by the step of their last token: a binary heap. */
import type { Job } from './job.ts';

/** Bound once, because every step looks at it. */
const NEVER = Infinity;

export type FinishQueue = { readonly length: number; readonly soonestStep: number; push(job: Job): void; pop(): Job };

/** Empty. */
export function createFinishQueue(): FinishQueue {
  const heap: Job[] = [];
  const stepAt = (index: number): number => heap[index]?.lastStep ?? NEVER;
  const put = (index: number, job: Job): void => {
    heap[index] = job;
  };

  return {
    get length() {
      return heap.length;
    },
    get soonestStep() {
      return stepAt(0);
    },
    push: (job) => {
      let index = heap.length;
      heap.push(job);
      for (let parent = (index - 1) >> 1; index > 0 && stepAt(parent) > job.lastStep; parent = (index - 1) >> 1) {
        put(index, heap[parent] ?? job);
        index = parent;
      }
      put(index, job);
    },
    pop: () => {
      const top = heap[0];
      const last = heap.pop();
      if (top === undefined || last === undefined)
        throw new RangeError('Cannot pop "finish queue": expected a job, current value is none');
      if (heap.length === 0) return top;
      let index = 0;
      for (let child = 1; child < heap.length; child = 2 * index + 1) {
        if (stepAt(child + 1) < stepAt(child)) child++;
        if (stepAt(child) >= last.lastStep) break;
        put(index, heap[child] ?? last);
        index = child;
      }
      put(index, last);
      return top;
    },
  };
}
