/** Adding one sample to a bucket: integers only, so that the order of samples never shows. */
import type { InferenceLoad, QueueDepth } from '../../../events/schema/index.ts';
import type { Accumulators } from './load-window.ts';

export type LoadEvent = InferenceLoad | QueueDepth;

/** One sample in integers: totals over its whole interval, in the units of {@link Accumulators}. -1: not measured. */
export type Totals = {
  inFlight: number;
  queued: number;
  depth: number;
  work: number;
  gpuRatio: number;
  kvCacheRatio: number;
  arrived: number;
  completed: number;
  failed: number;
  cancelled: number;
  inputTokens: number;
  outputTokens: number;
  oldestAgeMs: number;
  firstTokens: number;
  lateTokens: number;
};

/** All accumulators at zero. */
export function zeroAccumulators(): Accumulators {
  return {
    coveredMs: 0,
    inFlight: 0,
    queued: 0,
    depth: 0,
    work: 0,
    gpuRatio: 0,
    kvCacheRatio: 0,
    inFlightMs: 0,
    queuedMs: 0,
    depthMs: 0,
    workMs: 0,
    gpuMs: 0,
    kvCacheMs: 0,
    arrived: 0,
    completed: 0,
    failed: 0,
    cancelled: 0,
    inputTokens: 0,
    outputTokens: 0,
    arrivedMs: 0,
    tokensMs: 0,
    firstTokens: 0,
    lateTokens: 0,
    firstTokensMs: 0,
    oldestAgeMs: 0,
  };
}

/**
 * A sample's totals over its interval of `lengthMs`. Gauges are rounded to the nearest value·ms, ratios to value·ms / 1000, counts to thousandths.
 * First tokens are counted only where the objective says from when on one is late [ms].
 */
export function totalsOf(event: LoadEvent, of: { readonly lengthMs: number; readonly lateAfterMs?: number }): Totals {
  return 'depth' in event ? queueTotals(event, of.lengthMs) : loadTotals(event, of);
}

function loadTotals(
  event: InferenceLoad,
  { lengthMs, lateAfterMs }: { readonly lengthMs: number; readonly lateAfterMs?: number },
): Totals {
  const { requests, tokens, utilization } = event;
  const first = lateAfterMs === undefined ? null : firstTokensOf(event.ttftMs, lateAfterMs);
  return {
    firstTokens: first === null ? -1 : first.all,
    lateTokens: first === null ? -1 : first.late,
    inFlight: integral(event.inFlight, lengthMs),
    queued: integral(event.queued, lengthMs),
    depth: -1,
    work: -1,
    gpuRatio: integral(utilization?.gpuRatio, lengthMs * 1_000),
    kvCacheRatio: integral(utilization?.kvCacheRatio, lengthMs * 1_000),
    arrived: milli(requests?.arrived),
    completed: milli(requests?.completed),
    failed: milli(requests?.failed),
    cancelled: milli(requests?.cancelled),
    inputTokens: milli(tokens?.input),
    outputTokens: milli(tokens?.output),
    oldestAgeMs: -1,
  };
}

function queueTotals(event: QueueDepth, lengthMs: number): Totals {
  return {
    inFlight: -1,
    queued: -1,
    depth: integral(event.depth, lengthMs),
    work: integral(event.work?.queued, lengthMs),
    gpuRatio: -1,
    kvCacheRatio: -1,
    arrived: milli(event.enqueued),
    completed: milli(event.dequeued),
    failed: -1,
    cancelled: -1,
    inputTokens: -1,
    outputTokens: -1,
    oldestAgeMs: event.oldestAgeMs === undefined ? -1 : Math.round(event.oldestAgeMs),
    firstTokens: -1,
    lateTokens: -1,
  };
}

/**
 * Milli-counts of a histogram, in all and above a time; null without one. Within a bucket times are taken to be spread evenly, above the last bound to be late only from that bound on:
 * what cannot be told is not held against anybody.
 */
function firstTokensOf(
  histogram: InferenceLoad['ttftMs'],
  lateAfterMs: number,
): { readonly all: number; readonly late: number } | null {
  if (histogram === undefined) return null;
  let [all, late, from] = [0, 0, 0];
  for (const [index, count] of histogram.counts.entries()) {
    const to = histogram.bounds[index] ?? Infinity;
    all += count;
    if (from >= lateAfterMs) late += count;
    else if (to > lateAfterMs && to < Infinity) late += (count * (to - lateAfterMs)) / (to - from);
    from = to;
  }
  return { all: all * 1_000, late: Math.round(late * 1_000) };
}

function integral(value: number | undefined, factor: number): number {
  return value === undefined ? -1 : Math.round(value * factor);
}

function milli(count: number | undefined): number {
  return count === undefined ? -1 : count * 1_000;
}

/** A part of an interval, in ms from its start: 0 ≤ fromMs < toMs ≤ lengthMs. */
export type Part = { fromMs: number; toMs: number; lengthMs: number };

/** Adds the share of `totals` that falls into `part`. The shares of all parts of an interval add up to exactly its totals. */
export function addPart(into: Accumulators, totals: Totals, part: Part): void {
  const ms = part.toMs - part.fromMs;
  into.coveredMs = add(into.coveredMs, ms);
  if (totals.inFlight >= 0) {
    into.inFlight = add(into.inFlight, shareOf(totals.inFlight, part));
    into.inFlightMs = add(into.inFlightMs, ms);
  }
  if (totals.queued >= 0) {
    into.queued = add(into.queued, shareOf(totals.queued, part));
    into.queuedMs = add(into.queuedMs, ms);
  }
  if (totals.depth >= 0) addQueuePart(into, totals, part);
  if (totals.gpuRatio >= 0) {
    into.gpuRatio = add(into.gpuRatio, shareOf(totals.gpuRatio, part));
    into.gpuMs = add(into.gpuMs, ms);
  }
  if (totals.kvCacheRatio >= 0) {
    into.kvCacheRatio = add(into.kvCacheRatio, shareOf(totals.kvCacheRatio, part));
    into.kvCacheMs = add(into.kvCacheMs, ms);
  }
  addCounts(into, totals, part);
}

function addQueuePart(into: Accumulators, totals: Totals, part: Part): void {
  const ms = part.toMs - part.fromMs;
  into.depth = add(into.depth, shareOf(totals.depth, part));
  into.depthMs = add(into.depthMs, ms);
  if (totals.work >= 0) {
    into.work = add(into.work, shareOf(totals.work, part));
    into.workMs = add(into.workMs, ms);
  }
  if (totals.oldestAgeMs > into.oldestAgeMs) into.oldestAgeMs = totals.oldestAgeMs;
}

function addCounts(into: Accumulators, totals: Totals, part: Part): void {
  const ms = part.toMs - part.fromMs;
  if (totals.firstTokens >= 0) {
    into.firstTokensMs = add(into.firstTokensMs, ms);
    into.firstTokens = add(into.firstTokens, shareOf(totals.firstTokens, part));
    into.lateTokens = add(into.lateTokens, shareOf(totals.lateTokens, part));
  }
  if (totals.arrived >= 0) {
    into.arrived = add(into.arrived, shareOf(totals.arrived, part));
    into.arrivedMs = add(into.arrivedMs, ms);
  }
  if (totals.completed > 0) into.completed = add(into.completed, shareOf(totals.completed, part));
  if (totals.failed > 0) into.failed = add(into.failed, shareOf(totals.failed, part));
  if (totals.cancelled > 0) into.cancelled = add(into.cancelled, shareOf(totals.cancelled, part));
  if (totals.inputTokens >= 0 || totals.outputTokens >= 0) {
    into.tokensMs = add(into.tokensMs, ms);
    if (totals.inputTokens > 0) into.inputTokens = add(into.inputTokens, shareOf(totals.inputTokens, part));
    if (totals.outputTokens > 0) into.outputTokens = add(into.outputTokens, shareOf(totals.outputTokens, part));
  }
}

/** The difference of the rounded-down running total at both ends: whole numbers whose sum over adjoining parts telescopes. */
function shareOf(total: number, part: Part): number {
  return runningTotal(total, part.toMs, part.lengthMs) - runningTotal(total, part.fromMs, part.lengthMs);
}

function runningTotal(total: number, atMs: number, lengthMs: number): number {
  // The product of both may exceed 2^53: what goes into every millisecond is counted apart, and each product is exact.
  const perMs = Math.floor(total / lengthMs);
  return perMs * atMs + Math.floor(((total - perMs * lengthMs) * atMs) / lengthMs);
}

/** Saturates at 2^53 - 1 instead of losing integers; a saturating sum of non-negative numbers does not depend on their order either. */
function add(sum: number, value: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, sum + value);
}
