/**
 * What every function shares: the parts of Lambda's context that are used, work that is done once per container, and work under a deadline.
 * One container serves one invocation at a time, and is frozen between them; so whatever is kept must stand a long pause.
 */
import type { Clock } from '../../base/clock.ts';

/** The part of Lambda's context that the handlers use. */
export type LambdaContext = {
  /** Until the function is cut off [ms]. */
  getRemainingTimeInMillis(): number;
  readonly functionName?: string;
};

/** A function's entry point. */
export type LambdaHandler<Answer> = (event: unknown, context: LambdaContext) => Promise<Answer>;

/**
 * Runs `build` at the first call and gives every later caller the same result. A failed build is forgotten, so that the next invocation tries again
 * (a secret that could not be read, a cluster that was just being replaced).
 */
export function oncePerContainer<T>(build: () => Promise<T>): () => Promise<T> {
  let built: Promise<T> | undefined;
  return () => {
    const running = (built ??= build());
    running.catch(() => {
      if (built === running) built = undefined;
    });
    return running;
  };
}

/** Time that is kept for the answer, the wakes and the log lines at the end of an invocation [ms]. */
export const ANSWER_MARGIN_MS = 1_500;

/** Left for work in this invocation, after the margin [ms]; 0 when there is nothing left. */
export function workMs(context: LambdaContext, marginMs: number = ANSWER_MARGIN_MS): number {
  return Math.max(0, context.getRemainingTimeInMillis() - marginMs);
}

export type Outcome<T> = { readonly kind: 'done'; readonly value: T } | { readonly kind: 'late' };

/** Waits for `work` at most `ms`. `late` does not stop the work: what it writes afterwards must be harmless. Rejects as `work` does. */
export async function withinMs<T>(work: Promise<T>, options: { clock: Clock; ms: number }): Promise<Outcome<T>> {
  const ended = new AbortController();
  // A late failure has nobody waiting for it any more; it must not end the process.
  work.catch(() => {});
  const late = options.clock.sleep(options.ms, ended.signal).then((): Outcome<T> => ({ kind: 'late' }));
  const done = work.then((value): Outcome<T> => ({ kind: 'done', value }));
  try {
    return await Promise.race([done, late]);
  } finally {
    ended.abort();
  }
}
