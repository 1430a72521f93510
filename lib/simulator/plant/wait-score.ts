/** Counts requests and their waits against the limit, of the scored time only. */
import { createWaitHistogram } from './wait-histogram.ts';
import type { WaitHistogram } from './wait-histogram.ts';

/** Requests that arrived evenly over a time and were admitted evenly over another, in the same order. Times [ms]; requests may be a fraction. */
export type AdmittedSpan = {
  readonly requests: number;
  readonly arrivedFromMs: number;
  readonly arrivedToMs: number;
  readonly admittedFromMs: number;
  readonly admittedToMs: number;
};

export type WaitScore = {
  /** Requests that arrived, evenly over a time from `fromMs` on. */
  arrived(fromMs: number, requests: number): void;
  admitted(span: AdmittedSpan): void;
  /** Misses among those that were admitted so far. */
  missesSoFar(): number;
  /** Figures as of now. `waiting`: spans that are still waiting, as if they were admitted now; those over the limit count as misses. */
  totals(waiting: Iterable<AdmittedSpan>): {
    readonly requestCount: number;
    readonly sloMissCount: number;
    readonly waitSec: { readonly p50: number; readonly p99: number; readonly max: number };
  };
};

/** Counts what arrives at or after `scoreFromMs`; a wait of more than `limitSec` is a miss. */
export function createWaitScore(limits: { readonly limitSec: number; readonly scoreFromMs: number }): WaitScore {
  const histogram = createWaitHistogram();
  let requestCount = 0;
  let missCount = 0;
  const scored = (fromMs: number): boolean => fromMs >= limits.scoreFromMs;
  const missesOf = (span: AdmittedSpan): number => span.requests * shareOver(span, limits.limitSec * 1000);

  return {
    arrived: (fromMs, requests) => {
      if (scored(fromMs)) requestCount += requests;
    },
    admitted: (span) => {
      if (!scored(span.arrivedFromMs)) return;
      missCount += missesOf(span);
      note(histogram, span);
    },
    missesSoFar: () => missCount,
    totals: (waiting) => {
      const all = createWaitHistogram();
      all.merge(histogram);
      let sloMissCount = missCount;
      for (const span of waiting) {
        if (!scored(span.arrivedFromMs)) continue;
        sloMissCount += missesOf(span);
        note(all, span);
      }
      const waitSec = { p50: all.quantileSec(0.5), p99: all.quantileSec(0.99), max: all.maxSec };
      return { requestCount, sloMissCount, waitSec };
    },
  };
}

function note(histogram: WaitHistogram, span: AdmittedSpan): void {
  const fromSec = (span.admittedFromMs - span.arrivedFromMs) / 1000;
  const toSec = (span.admittedToMs - span.arrivedToMs) / 1000;
  if (fromSec === toSec) histogram.add(fromSec, span.requests);
  else histogram.addSpan({ fromSec, toSec }, span.requests);
}

/** Rounding of times must not turn a wait of exactly the limit into a miss [ms]. */
const LIMIT_TOLERANCE_MS = 1e-6;

/** Share of a span whose wait is over the limit: waits change evenly from its first request to its last. */
function shareOver(span: AdmittedSpan, limitMs: number): number {
  const fromMs = span.admittedFromMs - span.arrivedFromMs - limitMs - LIMIT_TOLERANCE_MS;
  const toMs = span.admittedToMs - span.arrivedToMs - limitMs - LIMIT_TOLERANCE_MS;
  if (fromMs <= 0 && toMs <= 0) return 0;
  if (fromMs > 0 && toMs > 0) return 1;
  return Math.max(fromMs, toMs) / Math.abs(toMs - fromMs);
}
