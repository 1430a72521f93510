/** The window law said a second time, as plainly as possible: a list of all records, folded at once with big integers. Slow, and nothing shared with fold.ts. */
import type { InferenceLoad } from '../../../events/schema/index.ts';
import type { LoadEvent } from '../../../events/validate.ts';
import type { LoadWindow } from '../../../lib/core/window/load-window.ts';

export type Delivered = {
  readonly topicPartition: string;
  readonly offset: number;
  readonly timestampMs: number;
  readonly event: LoadEvent;
};

/** From when on a first token is late, in every log. */
export const LATE_AFTER_MS = 300;

const BUCKET = 5_000;
const RING = 180;

/** Plain data: bucket index and class → accumulator → sum, and what is remembered of sources and partitions. */
export type PlainWindow = {
  readonly buckets: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly sources: Readonly<Record<string, unknown>>;
  readonly applied: Readonly<Record<string, unknown>>;
  readonly firstHeardMs: number;
};

/** `log` holds each record once, in an order that keeps every source's own. */
export function naiveWindow(log: readonly Delivered[]): PlainWindow {
  const buckets = new Map<string, Map<string, bigint>>();
  const sources = new Map<string, { end: number; seen: number; interval: number; inFlight: number; ready: unknown }>();
  const applied = new Map<string, { offset: number; timestampMs: number }>();
  let [firstHeardMs, newest] = [0, -1];
  for (const { topicPartition, offset, timestampMs, event } of log) {
    const mark = applied.get(topicPartition);
    applied.set(topicPartition, {
      offset: Math.max(offset, mark?.offset ?? 0),
      timestampMs: Math.max(timestampMs, mark?.timestampMs ?? 0),
    });
    const { intervalStartMs: start, intervalEndMs: end, source } = event;
    firstHeardMs = firstHeardMs === 0 ? start : Math.min(firstHeardMs, start);
    const known = sources.get(source);
    const from = Math.max(start, known?.end ?? 0);
    if (known === undefined || end > known.end) {
      const inFlight = 'inFlight' in event && event.inFlight !== undefined ? Math.round(event.inFlight * 1_000) : -1;
      const ready = 'ready' in event ? (event.ready ?? null) : null;
      sources.set(source, { end, seen: timestampMs, interval: end - start, inFlight, ready });
    }
    if (from >= end) continue;
    newest = Math.max(newest, Math.floor((end - 1) / BUCKET));
    for (const [index, shares] of split(event, from)) {
      const sums = buckets.get(index) ?? new Map<string, bigint>();
      buckets.set(index, sums);
      for (const [name, value] of shares) {
        const old = sums.get(name) ?? 0n;
        sums.set(name, name === 'oldestAgeMs' ? (value > old ? value : old) : old + value);
      }
    }
  }
  const oldest = newest - RING + 1;
  return {
    buckets: Object.fromEntries(
      [...buckets]
        .filter(([key]) => Number(key.split('/')[0]) >= oldest)
        .map(([key, sums]) => [
          key,
          Object.fromEntries([...sums].filter(([, v]) => v > 0n).map(([n, v]) => [n, Number(v)])),
        ]),
    ),
    sources: Object.fromEntries(
      [...sources]
        .filter(([, mark]) => mark.end > oldest * BUCKET)
        .map(([name, { end, seen, interval, inFlight, ready }]) => [
          name,
          { lastEndMs: end, lastSeenMs: seen, intervalMs: interval, inFlightMilli: inFlight, ready },
        ]),
    ),
    applied: Object.fromEntries([...applied].filter(([, mark]) => mark.timestampMs >= oldest * BUCKET)),
    firstHeardMs,
  };
}

/** Shares of one event per `INDEX/CLASS`: for each ms-exact cut the difference of rounded-down running totals. */
function split(event: LoadEvent, from: number): [string, [string, bigint][]][] {
  const { intervalStartMs: start, intervalEndMs: end } = event;
  const length = BigInt(end - start);
  const cls = event.source.startsWith('gateway/') ? 'gateway' : /^(queue|kafka)\//.test(event.source) ? 'queue' : 'pod';
  const parts: [string, [string, bigint][]][] = [];
  for (let index = Math.floor(from / BUCKET); index * BUCKET < end; index++) {
    const a = BigInt(Math.max(from, index * BUCKET) - start);
    const b = BigInt(Math.min(end, (index + 1) * BUCKET) - start);
    const shares: [string, bigint][] = [['coveredMs', b - a]];
    for (const [name, cover, total] of totals(event, end - start)) {
      shares.push([name, name === 'oldestAgeMs' ? total : (total * b) / length - (total * a) / length]);
      if (cover !== '' && !shares.some(([other]) => other === cover)) shares.push([cover, b - a]);
    }
    parts.push([`${index}/${cls}`, shares]);
  }
  return parts;
}

function totals(event: LoadEvent, length: number): [string, string, bigint][] {
  const all: [string, string, number | undefined][] =
    'depth' in event
      ? [
          ['depth', 'depthMs', event.depth * length],
          ['work', 'workMs', times(event.work?.queued, length)],
          ['arrived', 'arrivedMs', times(event.enqueued, 1_000)],
          ['completed', '', times(event.dequeued, 1_000)],
          ['oldestAgeMs', '', event.oldestAgeMs],
        ]
      : [
          ['inFlight', 'inFlightMs', times(event.inFlight, length)],
          ['queued', 'queuedMs', times(event.queued, length)],
          ['gpuRatio', 'gpuMs', times(event.utilization?.gpuRatio, length * 1_000)],
          ['kvCacheRatio', 'kvCacheMs', times(event.utilization?.kvCacheRatio, length * 1_000)],
          ['arrived', 'arrivedMs', times(event.requests?.arrived, 1_000)],
          ['completed', '', times(event.requests?.completed, 1_000)],
          ['failed', '', times(event.requests?.failed, 1_000)],
          ['cancelled', '', times(event.requests?.cancelled, 1_000)],
          ['inputTokens', 'tokensMs', times(event.tokens?.input, 1_000)],
          ['outputTokens', 'tokensMs', times(event.tokens?.output, 1_000)],
          ['firstTokens', 'firstTokensMs', times(sumOf(event.ttftMs?.counts), 1_000)],
          ['lateTokens', '', times(lateOf(event.ttftMs), 1_000)],
        ];
  return all.flatMap(([name, cover, value]) => (value === undefined ? [] : [[name, cover, BigInt(Math.round(value))]]));
}

function sumOf(counts: readonly number[] | undefined): number | undefined {
  return counts?.reduce((sum, count) => sum + count, 0);
}

/** Evenly within a bucket, nothing above the last bound. */
function lateOf(histogram: InferenceLoad['ttftMs']): number | undefined {
  if (histogram === undefined) return undefined;
  const edges = [0, ...histogram.bounds];
  return histogram.bounds.reduce((late, bound, index) => {
    const from = edges[index] ?? 0;
    const share = (bound - Math.min(bound, Math.max(from, LATE_AFTER_MS))) / (bound - from);
    return late + share * (histogram.counts[index] ?? 0);
  }, overflowOf(histogram));
}

function overflowOf({ bounds, counts }: NonNullable<InferenceLoad['ttftMs']>): number {
  return (bounds.at(-1) ?? 0) >= LATE_AFTER_MS ? (counts.at(-1) ?? 0) : 0;
}

function times(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor;
}

/** A window of the real fold in the same plain form. */
export function plainOf(window: LoadWindow): PlainWindow {
  const buckets: Record<string, Record<string, number>> = {};
  for (const bucket of window.buckets) {
    for (const [cls, sums] of Object.entries(bucket?.byClass ?? {})) {
      buckets[`${bucket?.index}/${cls}`] = Object.fromEntries(Object.entries(sums).filter(([, value]) => value > 0));
    }
  }
  return {
    buckets,
    sources: Object.fromEntries(window.sources),
    applied: Object.fromEntries(window.applied),
    firstHeardMs: window.firstHeardMs,
  };
}
