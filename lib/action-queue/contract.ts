/**
 * To add an action queue (say, SQS):
 * 1. implement {@link ActionQueue} and {@link ActionWorker} in a file of its own,
 * 2. name it in `index.ts`,
 * 3. run `test/conformance/action-queue.ts` against it.
 *
 * The queue carries wake-ups, not counts: a job names what to look at, the handler reads the newest plan.
 */

export type ActionJob =
  | { readonly kind: 'target'; readonly pool: string; readonly id: string }
  | { readonly kind: 'nodeGroup'; readonly pool: string; readonly id: string }
  /** One alert message to one hook; `payload` is the ops-alert event as JSON. */
  | { readonly kind: 'alert'; readonly hook: string; readonly id: string; readonly payload: string };

/** One step of under 3 s ended: finished, or to be looked at again. */
export type StepResult = { readonly done: true } | { readonly done: false; readonly againInMs: number };

/** Throwing a retryable error backs off (bounded, jittered); any other error, or the last attempt, makes the job dead. */
export type ActionHandler = (job: ActionJob, context: { readonly attempt: number }) => Promise<StepResult>;

export type DeadJob = { readonly job: ActionJob; readonly error: string; readonly attempts: number };

export type ActionQueue = {
  /**
   * Wakes the handler of each job. At most one job per `kind`/`id` waits, and one more follows when it is running: nothing is lost, nothing piles up.
   * A wake without delay overtakes a waiting delayed one. Throws TransientError within 1 s when the queue cannot be reached.
   */
  wake(jobs: readonly ActionJob[], options?: { readonly delayMs?: number }): Promise<void>;
  /** Waiting + delayed + active. */
  depth(): Promise<number>;
  close(): Promise<void>;
};

export type ActionWorker = {
  /** Long-running mode. */
  start(handler: ActionHandler, onDead: (dead: DeadJob) => Promise<void>): Promise<void>;
  /** Lambda mode: works off due jobs until none is left or the deadline comes; takes over stalled ones. Returns how many steps ran. */
  drain(
    handler: ActionHandler,
    options: { readonly deadlineMs: number; readonly onDead: (dead: DeadJob) => Promise<void> },
  ): Promise<number>;
  /** Lets running steps finish, then closes. */
  close(): Promise<void>;
};

/** A step takes at most this long [ms]; the lock of a job lives 5 s and is checked every 2.5 s, so a dead worker's job is taken over within 10 s. */
export const STEP_MS_MAX = 3_000;
export const LOCK_MS = 5_000;
export const STALLED_CHECK_MS = 2_500;
