/**
 * What a window says now, one reading per signal.
 *
 * Span: what was heard last, up to the newest interval end (not up to now: silence is not zero), longer when sources report rarely.
 * Rates and ratios are read over 15 s: seven reports of a bridge that scrapes every 2 s, so that one lost report moves a mean by a seventh.
 * Counts of what is there now (in flight, waiting, queue depth) are a state, not a rate: they need no averaging against noise, and every second of it is a
 * second of reaction lost. They are read over the buckets of the last 3 s, which is a mean over 3 to 8 s.
 * A jump of arrivals is looked for in the buckets of the newest half of a report, a mean over 1 to 6 s: the reading says of how many, because its noise depends on that.
 *
 * A count or rate is the sum over the sources that were heard. Nothing is scaled up for sources that were not: `coverageRatio` says how much of
 * the expected source time was heard, and the caller decides what that allows. Where a gateway reports a signal it is taken (it sees arrivals that
 * reach no pod), else pods, else queues; classes are never added to each other.
 */
import type { Reading, Readings, SignalName } from '../types.ts';
import {
  BUCKET_MS,
  type LoadWindow,
  RING_LENGTH,
  RING_MS,
  type SourceClass,
  sourceClassOf,
  type WindowBucket,
} from './load-window.ts';
import { accumulatorsIn, bucketAt, SIGNALS, type SignalSource } from './signals.ts';

export { warmRatioOf } from './warm.ts';

/** Default read span of rates and ratios [ms]. */
const SPAN_MS = 15_000;

/** Default read span of counts that are a state [ms]; whole buckets are read, so it is 3 to 8 s. */
const STATE_SPAN_MS = 3_000;

/** Default read span of what is looked at for jumps [ms], or half the longest interval of a source if that is more. */
const NEWEST_SPAN_MS = 1_000;

/** A signal not heard for longer is missing [ms]; for sources with longer intervals it is {@link FRESH_INTERVALS} of them. */
export const FRESH_MS = 30_000;
export const FRESH_INTERVALS = 2.5;

/** Below a tenth of the expected source time a sum over sources says nothing. */
const COVERAGE_RATIO_MIN = 0.1;

/** A source is due again after its interval; it counts as alive for another interval and this delivery jitter [ms]. */
const LIVE_SLACK_MS = 2_000;

export type ReadOptions = {
  readonly nowMs: number;
  /** Ready pods of the target; null when the cluster was not observed (then the pods that report are what is expected). */
  readonly readyReplicas: number | null;
  /** For every signal [ms]; default {@link SPAN_MS} and {@link STATE_SPAN_MS}. */
  readonly spanMs?: number;
};

/** All readings of a window. A window that does not exist gives missing readings. */
export function readingsOf(window: LoadWindow | undefined, options: ReadOptions): Readings {
  const views = window === undefined ? {} : viewsOf(window, options);
  const readings: Partial<Record<SignalName, Reading>> = {};
  for (const signal of Object.keys(SIGNALS) as SignalName[]) readings[signal] = readOne(signal, views, options.nowMs);
  return readings as Readings;
}

/** One class of sources within the read spans. */
type View = {
  /** For rates and ratios, and for counts that are a state. */
  readonly buckets: readonly WindowBucket[];
  readonly stateBuckets: readonly WindowBucket[];
  /** For a jump. */
  readonly newestBuckets: readonly WindowBucket[];
  /** Newest interval end heard [epoch ms]. */
  readonly endMs: number;
  /** All living sources were heard up to here [epoch ms]. */
  readonly completeMs: number;
  readonly liveSources: number;
  readonly expectedSources: number;
  readonly freshMs: number;
  /** Longest interval of a source [ms]. */
  readonly intervalMs: number;
};

type Views = Partial<Record<SourceClass, View>>;

function viewsOf(window: LoadWindow, options: ReadOptions): Views {
  const views: Views = {};
  const living = livingOf(window);
  for (const sourceClass of ['gateway', 'pod', 'queue'] as const) {
    const live = living[sourceClass];
    if (live === undefined) continue;
    const expectedSources = sourceClass === 'pod' ? (options.readyReplicas ?? live.count) : live.count;
    const bucketsOf = (spanMs: number, intervals: number): WindowBucket[] =>
      bucketsBetween(window, live.endMs - Math.min(RING_MS, Math.max(spanMs, intervals * live.intervalMs)), live.endMs);
    views[sourceClass] = {
      buckets: bucketsOf(options.spanMs ?? SPAN_MS, 2),
      stateBuckets: bucketsOf(options.spanMs ?? STATE_SPAN_MS, 2),
      newestBuckets: bucketsOf(options.spanMs ?? NEWEST_SPAN_MS, 0.5),
      endMs: live.endMs,
      completeMs: live.completeMs,
      liveSources: live.count,
      expectedSources,
      intervalMs: live.intervalMs,
      freshMs: Math.max(FRESH_MS, FRESH_INTERVALS * live.intervalMs),
    };
  }
  return views;
}

type Live = { count: number; readonly endMs: number; completeMs: number; intervalMs: number };

/** The sources of each class that are not overdue, seen from its newest report. */
function livingOf(window: LoadWindow): Readonly<Partial<Record<SourceClass, Live>>> {
  const endsMs: Record<SourceClass, number> = { gateway: -1, pod: -1, queue: -1 };
  for (const [name, { lastEndMs }] of window.sources) {
    const sourceClass = sourceClassOf(name);
    if (lastEndMs > endsMs[sourceClass]) endsMs[sourceClass] = lastEndMs;
  }
  const living: Partial<Record<SourceClass, Live>> = {};
  for (const [name, mark] of window.sources) {
    const sourceClass = sourceClassOf(name);
    const endMs = endsMs[sourceClass];
    if (mark.lastEndMs < endMs - 2 * mark.intervalMs - LIVE_SLACK_MS) continue;
    const live = (living[sourceClass] ??= { count: 0, endMs, completeMs: endMs, intervalMs: 0 });
    live.count++;
    live.completeMs = Math.min(live.completeMs, mark.lastEndMs);
    live.intervalMs = Math.max(live.intervalMs, mark.intervalMs);
  }
  return living;
}

function bucketsBetween(window: LoadWindow, fromMs: number, toMs: number): WindowBucket[] {
  const buckets: WindowBucket[] = [];
  const first = Math.max(Math.floor(fromMs / BUCKET_MS), Math.floor(toMs / BUCKET_MS) - RING_LENGTH + 1);
  for (let index = first; index * BUCKET_MS < toMs; index++) {
    const bucket = bucketAt(window, index);
    if (bucket !== undefined) buckets.push(bucket);
  }
  return buckets;
}

function readOne(signal: SignalName, views: Views, nowMs: number): Reading {
  const source = SIGNALS[signal];
  let missing: Reading = { kind: 'missing', reason: `no source reported ${source.says} yet`, ageMs: null };
  for (const sourceClass of source.classes) {
    const view = views[sourceClass];
    const reading = view === undefined ? undefined : readClass(source, sourceClass, view, nowMs);
    if (reading?.kind === 'value') return reading;
    // The most preferred class that was ever heard explains best what is missing.
    if (reading !== undefined && missing.ageMs === null) missing = reading;
  }
  return missing;
}

/** Undefined when this class never reported the signal in its span. */
function readClass(source: SignalSource, sourceClass: SourceClass, view: View, nowMs: number): Reading | undefined {
  const sums = sumsOf(source, sourceClass, view);
  if (sums.coveredMs === 0) return undefined;
  const ageMs = Math.max(0, nowMs - view.endMs);
  if (ageMs > view.freshMs) {
    const reason = `last ${sourceClass} report of ${source.says} is ${secondsText(ageMs)} s old, limit ${secondsText(view.freshMs)} s`;
    return { kind: 'missing', reason, ageMs };
  }
  const expectedMs = view.expectedSources * sums.wallMs;
  // Nothing expected (no ready pod) and still something heard: pods that start or leave, all there is.
  const coverageRatio = expectedMs === 0 ? 1 : Math.min(1, sums.coveredMs / expectedMs);
  if (coverageRatio < COVERAGE_RATIO_MIN) {
    const share = (coverageRatio * 100).toFixed(1);
    const reason = `only ${share} % of the expected ${sourceClass} time reported ${source.says}, limit ${COVERAGE_RATIO_MIN * 100} %`;
    return { kind: 'missing', reason, ageMs };
  }
  // A report is spread evenly over its interval: a part of one is as noisy as all of it.
  const over = source.isNewest === true ? { overMs: Math.max(sums.wallMs, view.intervalMs) } : {};
  return { kind: 'value', value: valueOf(source, sums), coverageRatio, ageMs, from: sourceClass, ...over };
}

type Sums = {
  readonly sum: number;
  /** What a share is of. */
  readonly whole: number;
  readonly max: number;
  /** Source time that reported the signal [ms]. */
  readonly coveredMs: number;
  /** Time those reports stand for [ms]. */
  readonly wallMs: number;
};

/**
 * Sums over the span. A bucket that all living sources have passed stands for its 5 s, or for what was heard of it if that is less (unheard time is
 * not zero load). A bucket still being reported stands for its covered time over the living sources that report this signal.
 */
function sumsOf(source: SignalSource, sourceClass: SourceClass, view: View): Sums {
  const buckets =
    source.isNewest === true ? view.newestBuckets : source.kind === 'gauge' ? view.stateBuckets : view.buckets;
  const { field, cover, of } = source;
  let [sum, whole, heardMs, coveredMs, wallMs, max] = [0, 0, 0, 0, 0, 0];
  for (const bucket of buckets) {
    const part = accumulatorsIn(bucket, sourceClass);
    if (part === undefined) continue;
    sum += part[field];
    if (of !== undefined) whole += part[of];
    heardMs += part.coveredMs;
    coveredMs += part[cover];
  }
  const reporters = heardMs === 0 ? 0 : (view.liveSources * coveredMs) / heardMs;
  for (const bucket of buckets) {
    const part = accumulatorsIn(bucket, sourceClass);
    const partMs = part?.[cover] ?? 0;
    if (part === undefined || partMs === 0) continue;
    const isComplete = (bucket.index + 1) * BUCKET_MS <= view.completeMs;
    wallMs += Math.min(BUCKET_MS, isComplete ? partMs : partMs / reporters);
    max = Math.max(max, part[field]);
  }
  return { sum, whole, max, coveredMs, wallMs };
}

/** In the unit of the signal. `wallMs` and `coveredMs` are positive here. */
function valueOf(source: SignalSource, sums: Sums): number {
  if (source.kind === 'ratio') return sums.sum / 1_000 / sums.coveredMs;
  // Of nothing, nothing is late.
  if (source.kind === 'share') return sums.whole === 0 ? 0 : sums.sum / sums.whole;
  if (source.kind === 'age') return sums.max / 1_000;
  // A gauge's value·ms over ms; a rate's thousandths over ms, which is counts per second.
  return sums.sum / sums.wallMs;
}

function secondsText(ms: number): string {
  return (ms / 1_000).toFixed(0);
}
