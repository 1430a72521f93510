/** Rolling average over time buckets, as the Knative autoscaler keeps it: each bucket weighs the same. */
import { assert } from '../../../base/assert.ts';

export type MetricWindow = {
  /** Adds `value` to the bucket of `atMs`. Late values count while they are inside of the window, older ones are dropped. */
  record(value: number, atMs: number): void;
  /** Average at `nowMs`; 0 after a window of silence. */
  average(nowMs: number): number;
  /** More than one window of silence (exactly one is still a valid 0). */
  isEmpty(nowMs: number): boolean;
  /** Another length from now on, keeping what fits. `nowMs` decides whether there is anything to keep. */
  resize(windowMs: number, nowMs: number): void;
};

/** The buckets themselves, for averages that weigh them. */
export type BucketRing = Omit<MetricWindow, 'average'> & {
  readonly bucketCount: number;
  /** Buckets from the last write to `nowMs`; ≤ 0 when `nowMs` is not after it; `bucketCount` or more: a window of silence. */
  bucketsSinceWrite(nowMs: number): number;
  /** A whole window, or more, went by without a value. */
  isSilent(nowMs: number): boolean;
  /** Buckets from the first write to the last, both included. */
  writtenCount(): number;
  /** Sum of all buckets, kept as it changes: adding afresh would round differently from the original. */
  total(): number;
  /** Value of the bucket `ago` buckets before the last write, 0 ≤ ago < bucketCount. */
  valueAt(ago: number): number;
};

/** Buckets start at multiples of `bucketMs` of absolute time. Both lengths > 0 [ms]; a window that is no multiple gets one more bucket.
 *  Source: TimedFloat64Buckets (Knative Serving 0.51). */
export function makeBucketRing(lengths: { readonly windowMs: number; readonly bucketMs: number }): BucketRing {
  const { bucketMs } = lengths;
  let { windowMs } = lengths;
  assert(windowMs > 0 && bucketMs > 0, 'a window and its buckets are longer than 0');
  let buckets = emptyBuckets(windowMs, bucketMs);
  let first: number | null = null;
  let last: number | null = null;
  let total = 0;

  const slot = (index: number): number => ((index % buckets.length) + buckets.length) % buckets.length;
  const indexOf = (atMs: number): number => Math.floor(atMs / bucketMs);
  const silenceMs = (nowMs: number): number => (last === null ? Infinity : (indexOf(nowMs) - last) * bucketMs);

  const moveTo = (index: number): void => {
    if (last === null || (index - last) * bucketMs >= windowMs) {
      buckets.fill(0);
      total = 0;
      first = index;
    } else {
      for (let skipped = last + 1; skipped <= index; skipped += 1) {
        total -= buckets[slot(skipped)] ?? 0;
        buckets[slot(skipped)] = 0;
      }
    }
    last = index;
  };

  return {
    get bucketCount() {
      return buckets.length;
    },
    record: (value, atMs) => {
      const index = indexOf(atMs);
      if (last !== null && index !== last && (index - last) * bucketMs + windowMs <= 0) return;
      if (first === null || index < first) first = index;
      if (last === null || index > last) moveTo(index);
      buckets[slot(index)] = (buckets[slot(index)] ?? 0) + value;
      total += value;
    },
    isEmpty: (nowMs) => silenceMs(nowMs) > windowMs,
    isSilent: (nowMs) => silenceMs(nowMs) >= windowMs,
    bucketsSinceWrite: (nowMs) => (last === null ? Infinity : indexOf(nowMs) - last),
    writtenCount: () => (first === null || last === null ? 0 : last - first + 1),
    total: () => total,
    valueAt: (ago) => (last === null ? 0 : (buckets[slot(last - ago)] ?? 0)),
    resize: (newWindowMs, nowMs) => {
      if (newWindowMs === windowMs) return;
      const kept = emptyBuckets(newWindowMs, bucketMs);
      total = 0;
      if (last === null || silenceMs(nowMs) > windowMs) {
        first = null;
        last = null;
      } else {
        const count = Math.min(kept.length, buckets.length);
        for (let ago = 0; ago < count; ago += 1) {
          const index = last - ago;
          kept[((index % kept.length) + kept.length) % kept.length] = buckets[slot(index)] ?? 0;
          total += buckets[slot(index)] ?? 0;
        }
        // What lay before the old window is gone: a longer one must not count it as written.
        first = Math.max(first ?? last, last - buckets.length + 1);
      }
      buckets = kept;
      windowMs = newWindowMs;
    },
  };
}

/** Average over the buckets that were written since the start of the window: a young window is a partial average, silence at its end shortens it,
 *  gaps inside count as 0. Rounded to six decimals. */
export function makeLinearWindow(lengths: { readonly windowMs: number; readonly bucketMs: number }): MetricWindow {
  const ring = makeBucketRing(lengths);
  return {
    ...windowOf(ring),
    average: (nowMs) => {
      if (ring.isSilent(nowMs)) return 0;
      const silent = Math.max(0, ring.bucketsSinceWrite(nowMs));
      const kept = ring.bucketCount - silent;
      let sum = ring.total();
      // The buckets that fell out are the oldest ones, in the order in which they do.
      for (let ago = ring.bucketCount - 1; ago >= kept; ago -= 1) sum -= ring.valueAt(ago);
      return Math.round((sum / Math.min(ring.writtenCount(), kept)) * 1e6) / 1e6;
    },
  };
}

/** The part of a ring that every kind of average shares. */
export function windowOf(ring: BucketRing): Omit<MetricWindow, 'average'> {
  return { record: ring.record, isEmpty: ring.isEmpty, resize: ring.resize };
}

function emptyBuckets(windowMs: number, bucketMs: number): number[] {
  return Array.from({ length: Math.ceil(windowMs / bucketMs) }, () => 0);
}
