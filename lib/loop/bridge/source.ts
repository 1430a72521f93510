/** One source of one workload, measured again and again. */
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import type { LoadSource } from '../../load-sources/contract.ts';
import type { BridgeBuffer } from './buffer.ts';

export type SourceLoop = {
  /** Servers that could not be measured the last time. */
  failing(): number;
  /** Resolves when the running measurement has ended and the source is closed. Never rejects. */
  stop(): Promise<void>;
};

export type SourceLoopOptions = {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly workload: string;
  readonly source: LoadSource;
  readonly buffer: BridgeBuffer;
  readonly scrapeEveryMs: number;
  /** When in the period it has its turn [ms], 0 to `scrapeEveryMs`. */
  readonly phaseMs: number;
};

/** Failures named in one log line; the rest is only counted. */
const NAMED_MAX = 5;

/** Measures for the first time after `phaseMs`, then every `scrapeEveryMs`. A turn that comes while the last measurement still runs is left out. */
export function startSourceLoop(options: SourceLoopOptions): SourceLoop {
  const stopping = new AbortController();
  let failing: ReadonlyMap<string, string> = new Map();

  const loop = async (): Promise<void> => {
    const { clock, scrapeEveryMs } = options;
    let nextMs = clock.monotonicMs() + options.phaseMs;
    for (;;) {
      await clock.sleep(nextMs - clock.monotonicMs(), stopping.signal);
      if (stopping.signal.aborted) break;
      const now = await measure(options);
      tell(options, { before: failing, now });
      failing = now;
      const lateMs = Math.max(0, clock.monotonicMs() - nextMs);
      nextMs += scrapeEveryMs * (Math.floor(lateMs / scrapeEveryMs) + 1);
    }
  };
  const ended = loop();

  return {
    failing: () => failing.size,
    stop: async () => {
      stopping.abort();
      // Closing ends a measurement that still runs.
      await Promise.all([close(options), ended]);
    },
  };
}

async function close({ source, log, workload }: SourceLoopOptions): Promise<void> {
  try {
    await source.close();
  } catch (error) {
    log.warn('load source was not closed cleanly', { workload, error: messageOf(error) });
  }
}

/** What failed, by source, with its reason. Never throws. */
async function measure({ source, buffer, metrics, workload }: SourceLoopOptions): Promise<ReadonlyMap<string, string>> {
  try {
    const { events, failures } = await source.collect();
    buffer.put(events);
    if (failures.length > 0) metrics.count('bridge_source_failures_total', failures.length, { workload });
    return new Map(failures.map((failure) => [failure.source, failure.reason]));
  } catch (error) {
    metrics.count('bridge_source_failures_total', 1, { workload });
    return new Map([['all', messageOf(error)]]);
  }
}

type Change = { readonly before: ReadonlyMap<string, string>; readonly now: ReadonlyMap<string, string> };

/** Says what began to fail and what no longer does, not each failure. */
function tell({ log, workload }: SourceLoopOptions, { before, now }: Change): void {
  const began = [...now].filter(([source]) => !before.has(source));
  const ended = [...before.keys()].filter((source) => !now.has(source));
  if (began.length > 0) {
    const named = began.slice(0, NAMED_MAX).map(([source, reason]) => ({ source, reason }));
    log.warn('load could not be measured', { workload, count: began.length, failing: now.size, named });
  }
  if (ended.length > 0) {
    const named = ended.slice(0, NAMED_MAX);
    log.info('load sources came back or are gone', { workload, count: ended.length, failing: now.size, named });
  }
}
