/** Rolling average in which newer buckets weigh more, as the Knative autoscaler's `weightedExponential` aggregation. */
import { makeBucketRing, windowOf } from './windows-linear.ts';
import type { MetricWindow } from './windows-linear.ts';

/** Share of the whole weight that lies inside of the window. */
const COVERED_RATIO = 0.9999;
/** Least weight of the newest bucket. */
const NEWEST_WEIGHT_MIN = 0.2;

/** Neither rounded nor divided by the sum of its weights: a young window reads too low. Source: WeightedFloat64Buckets (Knative Serving 0.51). */
export function makeWeightedWindow(lengths: { readonly windowMs: number; readonly bucketMs: number }): MetricWindow {
  const ring = makeBucketRing(lengths);
  return {
    ...windowOf(ring),
    average: (nowMs) => {
      if (ring.isSilent(nowMs)) return 0;
      const newest = Math.max(1 - (1 - COVERED_RATIO) ** (1 / ring.bucketCount), NEWEST_WEIGHT_MIN);
      const silent = Math.max(0, ring.bucketsSinceWrite(nowMs));
      let weight = newest * (1 - newest) ** silent;
      let sum = 0;
      for (let ago = 0; ago < ring.bucketCount - silent; ago += 1) {
        sum += ring.valueAt(ago) * weight;
        weight *= 1 - newest;
      }
      return sum;
    },
  };
}
