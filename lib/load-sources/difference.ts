/** Two readings of one server → the load between them. */
import { HISTOGRAM_BOUNDS_MAX } from '../../events/schema/inference-load.ts';
import type { InferenceLoad } from '../../events/schema/index.ts';
import { GAUGES } from './mapping.ts';
import type { CounterName, GaugeName, RatioName } from './mapping.ts';
import type { Reading } from './reading.ts';

export type Measures = Omit<
  InferenceLoad,
  'schema' | 'workload' | 'source' | 'intervalStartMs' | 'intervalEndMs' | 'ready'
>;

/** A process whose start differs by less is the same one [s]: some servers compute it anew each time. */
const RESTART_SEC_MIN = 1;
/** The server's clock may differ by so much from ours [ms]. */
const SKEW_MS_MAX = 60_000;

/**
 * Counters: what was added, series by series; a series that fell, is new, or belongs to a restarted process counts from 0. Gauges and ratios: the mean of both
 * ends (of the second one alone after a restart). Arrivals, where the server doesn't count them: everything that finished + the change
 * of what is inside, at least 0.
 */
export function differenceOf(before: Reading, now: Reading): Measures {
  const previous = isRestart(before, now) ? startOf(now) : before;
  const delta = (name: CounterName): number | undefined => counterDelta(previous, { now, name });
  const requests = {
    arrived: delta('arrived') ?? arrivedOf(previous, now),
    completed: delta('completed'),
    failed: delta('failed'),
    cancelled: delta('cancelled'),
  };
  const utilization = {
    gpuRatio: meanOf(previous.ratios, { now: now.ratios, name: 'gpuRatio' }),
    kvCacheRatio: meanOf(previous.ratios, { now: now.ratios, name: 'kvCacheRatio' }),
  };
  return withoutUndefined({
    inFlight: meanOf(previous.gauges, { now: now.gauges, name: 'inFlight' }),
    queued: meanOf(previous.gauges, { now: now.gauges, name: 'queued' }),
    requests: group(requests),
    tokens: group({ input: delta('inputTokens'), output: delta('outputTokens') }),
    utilization: group(utilization),
    ttftMs: histogramDelta(previous, now),
  });
}

/**
 * The process started after the last scrape. A start that merely differs is no restart: several workers behind one port answer in turn, and
 * taking each change for a restart would count everything they ever did again and again.
 */
function isRestart(before: Reading, { startSec }: Reading): boolean {
  if (before.startSec === undefined || startSec === undefined) return false;
  return startSec - before.startSec > RESTART_SEC_MIN && startSec * 1_000 > before.atMs - SKEW_MS_MAX;
}

/** What would have been read when the process began: nothing counted, nothing known of the levels. */
function startOf(now: Reading): Reading {
  return { ...now, isComplete: true, gauges: {}, ratios: {}, counters: {}, ttft: new Map() };
}

type Named = { readonly now: Reading; readonly name: CounterName };

function counterDelta(previous: Reading, { now, name }: Named): number | undefined {
  const values = now.counters[name];
  if (values === undefined) return undefined;
  let total = 0;
  for (const [key, value] of values) {
    const before = previous.counters[name]?.get(key) ?? (previous.isComplete ? 0 : value);
    // A value that fell was reset: everything in it is new.
    total += value < before ? value : value - before;
  }
  return total;
}

/** Requests that came in: undefined when the server tells neither what finished nor what is inside. */
function arrivedOf(previous: Reading, now: Reading): number | undefined {
  const completed = counterDelta(previous, { now, name: 'completed' });
  const inside = insideOf(now);
  if (completed === undefined || inside === undefined) return undefined;
  const failed = counterDelta(previous, { now, name: 'failed' }) ?? 0;
  const cancelled = counterDelta(previous, { now, name: 'cancelled' }) ?? 0;
  // What was inside a process that is gone neither finished nor counts against what came since.
  const insideBefore = hasFallen(previous, now) ? 0 : (insideOf(previous) ?? 0);
  return Math.max(0, completed + failed + cancelled + Math.floor(inside) - Math.floor(insideBefore));
}

function hasFallen(previous: Reading, now: Reading): boolean {
  const values = now.counters.completed;
  return [...(previous.counters.completed ?? [])].some(([key, value]) => (values?.get(key) ?? value) < value);
}

/** Running and waiting; undefined unless at least what runs is known. */
function insideOf({ gauges }: Reading): number | undefined {
  if (gauges.inFlight === undefined) return undefined;
  return GAUGES.reduce((sum, name) => sum + (gauges[name] ?? 0), 0);
}

function meanOf<Name extends GaugeName | RatioName>(
  before: Readonly<Partial<Record<Name, number>>>,
  { now, name }: { readonly now: Readonly<Partial<Record<Name, number>>>; readonly name: Name },
): number | undefined {
  const value = now[name];
  return value === undefined ? undefined : (value + (before[name] ?? value)) / 2;
}

/** Observations per bucket, over all series; undefined when there are too many bounds, or none. */
function histogramDelta(previous: Reading, now: Reading): Measures['ttftMs'] {
  if (now.ttft === undefined || previous.ttft === undefined) return undefined;
  const perBound = new Map<number, number>();
  for (const [key, buckets] of now.ttft) {
    let below = 0;
    const before = previous.ttft.get(key);
    if (before === undefined && !previous.isComplete) continue;
    const isReset = [...buckets].some(([bound, count]) => count < (before?.get(bound) ?? 0));
    for (const [bound, count] of [...buckets].toSorted(([a], [b]) => a - b)) {
      const added = count - (isReset ? 0 : (before?.get(bound) ?? 0));
      perBound.set(bound, (perBound.get(bound) ?? 0) + Math.max(0, added - below));
      below = Math.max(below, added);
    }
  }
  const bounds = [...perBound.keys()].filter(Number.isFinite).toSorted((a, b) => a - b);
  if (bounds.length === 0 || bounds.length > HISTOGRAM_BOUNDS_MAX) return undefined;
  const counts = [...bounds, Infinity].map((bound) => perBound.get(bound) ?? 0);
  return { bounds, counts };
}

type Defined<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

function withoutUndefined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}

/** Undefined instead of an object without fields. */
function group<T extends object>(fields: T): Defined<T> | undefined {
  const defined = withoutUndefined(fields);
  return Object.keys(defined).length === 0 ? undefined : defined;
}
