/** Runs something again and again, one at a time, sooner when woken. */
import type { Clock } from '../../base/clock.ts';

export type Periodic = {
  /** Run soon; while one is running, once more after it. */
  wake(): void;
  /** Resolves when the running call has ended. */
  stop(): Promise<void>;
};

/** First run at once, then `everyMs` after the end of each. Errors go to `onError` and never end the loop. */
export function periodic(options: {
  readonly clock: Clock;
  readonly everyMs: number;
  readonly run: () => Promise<void>;
  readonly onError: (error: unknown) => void;
}): Periodic {
  const stopping = new AbortController();
  let woken = false;
  let nap = new AbortController();

  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      woken = false;
      try {
        await options.run();
      } catch (error) {
        options.onError(error);
      }
      if (stopping.signal.aborted) return;
      if (woken) continue;
      nap = new AbortController();
      await options.clock.sleep(options.everyMs, nap.signal);
    }
  };
  const running = loop();

  return {
    wake: () => {
      woken = true;
      nap.abort();
    },
    stop: async () => {
      stopping.abort();
      nap.abort();
      await running;
    },
  };
}
