/**
 * How long the longest request takes, as far as it can be known from what is reported. No event says how long a request took: there are gauges of what is in flight and counts of what
 * began and ended. What they prove is a lower bound: the requests seen in a span spent (integral of in-flight) seconds there together, so the longest of n spent at least an nth of it.
 */
import { BUCKET_MS, RING_LENGTH, sourceClassOf } from './load-window.ts';
import type { LoadWindow, SourceClass, WindowBucket } from './load-window.ts';
import { accumulatorsIn, bucketAt } from './signals.ts';

/** Spans looked at, up to now [ms]: a bound is at most its span, and a short span sees what long ones average away. */
const SPANS_MS = [60_000, 300_000, RING_LENGTH * BUCKET_MS] as const;

/** Sources that count requests must be those that report them in flight, to so much of their time: else too few are counted. */
const COUNTED_RATIO_MIN = 0.99;

/** In the last 15 minutes at least one request took so long or longer [s, ≥ 0]; null where sources do not report both requests in flight and their counts. O(ring). */
export function longestRequestSecMin(window: LoadWindow, nowMs: number): number | null {
  const bounds = (['gateway', 'pod'] as const).flatMap((sourceClass) =>
    SPANS_MS.flatMap((spanMs) => boundIn(window, { sourceClass, fromMs: nowMs - spanMs, nowMs }) ?? []),
  );
  return bounds.length === 0 ? null : Math.max(...bounds);
}

type Span = { readonly sourceClass: SourceClass; readonly fromMs: number; readonly nowMs: number };

function boundIn(window: LoadWindow, span: Span): number | null {
  let [inFlight, inFlightMs, arrived, ended, countedMs] = [0, 0, 0, 0, 0];
  for (const bucket of bucketsIn(window, span)) {
    const heard = accumulatorsIn(bucket, span.sourceClass);
    if (heard === undefined) continue;
    inFlight += heard.inFlight;
    inFlightMs += heard.inFlightMs;
    arrived += heard.arrived;
    ended += heard.completed + heard.failed + heard.cancelled;
    countedMs += heard.arrivedMs;
  }
  if (inFlightMs === 0 || countedMs < COUNTED_RATIO_MIN * inFlightMs) return null;
  // Sources may leave out what ended, or what began; counts are thousandths.
  const requests = Math.max(arrived, ended) / 1_000 + stillThere(window, span);
  return requests === 0 ? 0 : inFlight / 1_000 / requests;
}

function bucketsIn(window: LoadWindow, { fromMs, nowMs }: Span): readonly WindowBucket[] {
  const buckets: WindowBucket[] = [];
  for (let index = Math.ceil(fromMs / BUCKET_MS); index * BUCKET_MS < nowMs; index++) {
    const bucket = bucketAt(window, index);
    if (bucket !== undefined) buckets.push(bucket);
  }
  return buckets;
}

/** Requests that had not ended when their source spoke last: counted in full, also those of sources that left. */
function stillThere(window: LoadWindow, { sourceClass, fromMs }: Span): number {
  let requests = 0;
  for (const [name, mark] of window.sources) {
    if (mark.lastEndMs > fromMs && sourceClassOf(name) === sourceClass) requests += Math.max(0, mark.inFlightMilli);
  }
  return requests / 1_000;
}
