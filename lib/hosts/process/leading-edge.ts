/** Debounces evaluations: the first touch runs at once, later ones within the debounce are gathered into the next run. */
import type { Clock } from '../../base/clock.ts';

export type LeadingEdge = {
  /** Workload → broker's time of the event [epoch ms]; the earliest one of a run is kept. */
  touch(workloads: readonly string[], triggerMs: number): void;
  /** Resolves when the running evaluation, if any, has ended. Nothing starts after. */
  stop(): Promise<void>;
};

/** `run` is never called twice at the same time. `debounceMs` ≥ 0: least time between the starts of two runs. Errors of `run` go to `onError`. */
export function leadingEdge(options: {
  readonly clock: Clock;
  readonly debounceMs: number;
  readonly run: (triggers: ReadonlyMap<string, number>) => Promise<void>;
  readonly onError: (error: unknown) => void;
}): LeadingEdge {
  let pending = new Map<string, number>();
  let looping: Promise<void> | null = null;
  let lastStartMs = -Infinity;
  const stopping = new AbortController();

  const loop = async (): Promise<void> => {
    while (pending.size > 0 && !stopping.signal.aborted) {
      const waitMs = lastStartMs + options.debounceMs - options.clock.monotonicMs();
      if (waitMs > 0) await options.clock.sleep(waitMs, stopping.signal);
      if (stopping.signal.aborted) return;
      const triggers = pending;
      pending = new Map();
      lastStartMs = options.clock.monotonicMs();
      try {
        await options.run(triggers);
      } catch (error) {
        options.onError(error);
      }
    }
    // In the same turn as the last look at `pending`: a touch between the two would wait for the next one.
    looping = null;
  };

  return {
    touch: (workloads, triggerMs) => {
      for (const workload of workloads) pending.set(workload, Math.min(pending.get(workload) ?? Infinity, triggerMs));
      if (pending.size === 0 || looping !== null || stopping.signal.aborted) return;
      looping = loop();
    },
    stop: async () => {
      stopping.abort();
      await looping;
    },
  };
}
