/** Runs the tasks of a replay, on several threads where there is something to win. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { ConfigError } from '../../base/errors.ts';
import type { Ground } from './ground.ts';
import { runTask } from './tasks.ts';
import type { Outcome, Task } from './task.ts';

/** A thread takes some 100 MB of memory beside the trace. */
const WORKERS_MAX = 8;

export type TaskRun = {
  readonly ground: Ground;
  readonly tasks: readonly Task[];
  /** Bundle of `worker.ts`; null: everything in this thread. */
  readonly workerFile: URL | null;
  /** Default: as many as there are processors. */
  readonly threads?: number;
  /** With the place of the task in the list. */
  readonly onStart: (index: number) => void;
  /** With its outcome, when it has one. */
  readonly onOutcome?: (index: number, outcome: Outcome) => void;
};

/** What a worker answers. */
export type Answer =
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  | { readonly kind: 'failed'; readonly isConfig: boolean; readonly message: string };

/** Outcomes in the order of the tasks, the same on one thread or many. Tasks are started in their order: the long ones belong first. */
export async function runTasks(run: TaskRun): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const waiting = run.tasks.entries();
  const workOff = async (runOne: (task: Task) => Promise<Outcome>): Promise<void> => {
    for (const [index, task] of waiting) {
      run.onStart(index);
      const outcome = await runOne(task);
      outcomes[index] = outcome;
      run.onOutcome?.(index, outcome);
    }
  };
  const count = Math.min(WORKERS_MAX, run.threads ?? availableParallelism(), run.tasks.length);
  if (run.workerFile === null || count < 2) {
    await workOff((task) => runTask(run.ground, task));
    return outcomes;
  }
  const { workerFile, ground } = run;
  const workers = Array.from({ length: count }, () => new Worker(workerFile, { workerData: ground }));
  try {
    await Promise.all(workers.map((worker) => workOff((task) => ask(worker, task))));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return outcomes;
}

/** One task on one worker. Throws what the task threw, and when the thread ends without an answer. */
async function ask(worker: Worker, task: Task): Promise<Outcome> {
  const answer = await new Promise<Answer>((resolve, reject) => {
    const failed = (error: unknown): void => reject(error);
    const ended = (code: number): void =>
      reject(new Error(`Cannot finish a replay: expected an answer of its thread, current value is exit ${code}`));
    worker.once('message', (message: Answer) => {
      worker.off('error', failed).off('exit', ended);
      resolve(message);
    });
    worker.once('error', failed).once('exit', ended);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage(task);
  });
  if (answer.kind === 'outcome') return answer.outcome;
  throw answer.isConfig ? new ConfigError(answer.message) : new Error(answer.message);
}
