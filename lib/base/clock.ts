/** The only place that touches the real clock. */

/** Time as an argument: the process host and Lambda use {@link systemClock}, tests and the simulator {@link VirtualClock}. */
export type Clock = {
  /** Wall time [epoch ms]. */
  nowMs(): number;
  /** Time that never jumps, for durations [ms]. */
  monotonicMs(): number;
  /** Resolves after `ms`, or at once (without an error) when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
};

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const finish = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, ms);
      signal?.addEventListener('abort', finish, { once: true });
    }),
};

type Sleeper = { readonly atMs: number; readonly wake: () => void };

/** A clock that stands still until told to advance; sleepers wake in the order of their time. */
export class VirtualClock implements Clock {
  #nowMs: number;
  readonly #startMs: number;
  #sleepers: Sleeper[] = [];

  constructor(startMs = 1_763_920_800_000) {
    this.#nowMs = startMs;
    this.#startMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper: Sleeper = {
        atMs: this.#nowMs + ms,
        wake: () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        },
      };
      const abort = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        resolve();
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#sleepers.push(sleeper);
    });
  }

  /** Moves time on by `ms`, waking every sleeper whose time has come and letting its promise reactions run in between. */
  async advance(ms: number): Promise<void> {
    // What was called before falls asleep now, not at the end of the step.
    await settle();
    const endMs = this.#nowMs + ms;
    for (;;) {
      const next = this.#sleepers.filter((s) => s.atMs <= endMs).toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#sleepers = this.#sleepers.filter((s) => s !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.wake();
      await settle();
    }
    this.#nowMs = endMs;
    await settle();
  }
}

/** Lets already resolved promises run their reactions (a turn of the event loop, no waiting). */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
