/** What arrives at the engine of requests. */
import type { TraceRequest } from '../contract.ts';
import { jobOf } from './job.ts';
import type { Job } from './job.ts';

/** Reads the requests as the plant's time reaches them. */
export function jobCursor(
  requests: Iterable<TraceRequest>,
  at: { readonly startMs: number; readonly execSec: number },
): { readonly nextMs: number; readonly count: number; next(toMs: number): Job | null } {
  const iterator = requests[Symbol.iterator]();
  let request = iterator.next();
  let count = 0;
  const nextMs = (): number => (request.done === true ? Infinity : at.startMs + request.value.arrivalMs);
  return {
    get nextMs() {
      return nextMs();
    },
    get count() {
      return count;
    },
    next: (toMs) => {
      if (request.done === true || nextMs() > toMs) return null;
      const job = jobOf(request.value, at);
      request = iterator.next();
      count++;
      return job;
    },
  };
}
