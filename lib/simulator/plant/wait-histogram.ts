/** Waits as a histogram of logarithmic buckets: weights add up, so runs can be merged. */

/** Width of a bucket: quantiles are right within 1 %. */
const GROWTH = 1.02;
/** Waits below a millisecond count as none. */
const FLOOR_SEC = 0.001;
/** Up to 1,000,000 s: more than a week. Longer waits share the last bucket. */
const BUCKET_COUNT = Math.ceil(Math.log(1e6 / FLOOR_SEC) / Math.log(GROWTH)) + 1;
/** A span of waits is laid into the buckets in so many equal parts. */
const SPAN_PARTS = 8;

export type WaitHistogram = {
  /** Sum of the weights. */
  readonly weight: number;
  /** Longest wait, exact [s]; 0 when empty. */
  readonly maxSec: number;
  /** Adds a wait [s] of that weight (≥ 0). */
  add(waitSec: number, weight: number): void;
  /** Adds waits spread evenly between two [s]. */
  addSpan(span: { readonly fromSec: number; readonly toSec: number }, weight: number): void;
  /** Smallest wait that `ratio` (0..1) of the weight does not exceed [s], within 1 %; 0 when empty. */
  quantileSec(ratio: number): number;
  /** Adds all of the other one. */
  merge(other: WaitHistogram): void;
  /** Bucket weights, for `merge`. */
  readonly buckets: Readonly<Float64Array>;
};

/** Empty. */
export function createWaitHistogram(): WaitHistogram {
  const buckets = new Float64Array(BUCKET_COUNT);
  let weight = 0;
  let maxSec = 0;
  const put = (waitSec: number, added: number): void => {
    const index = bucketOf(waitSec);
    buckets[index] = (buckets[index] ?? 0) + added;
  };
  const note = (waitSec: number, added: number): void => {
    weight += added;
    if (waitSec > maxSec) maxSec = waitSec;
  };

  return {
    buckets,
    get weight() {
      return weight;
    },
    get maxSec() {
      return maxSec;
    },
    add: (waitSec, added) => {
      if (added <= 0) return;
      put(waitSec, added);
      note(waitSec, added);
    },
    addSpan: ({ fromSec, toSec }, added) => {
      if (added <= 0) return;
      note(Math.max(fromSec, toSec), added);
      if (fromSec < FLOOR_SEC && toSec < FLOOR_SEC) return put(0, added);
      const partSec = (toSec - fromSec) / SPAN_PARTS;
      for (let part = 0; part < SPAN_PARTS; part++) put(fromSec + (part + 0.5) * partSec, added / SPAN_PARTS);
    },
    quantileSec: (ratio) => {
      let left = ratio * weight;
      for (let index = 0; index < BUCKET_COUNT; index++) {
        left -= buckets[index] ?? 0;
        // Sums of fractions do not come out even: what is left is then smaller than anything that was added.
        if (left <= weight * 1e-12) return Math.min(maxSec, middleSecOf(index));
      }
      return maxSec;
    },
    merge: (other) => {
      for (const [index, added] of other.buckets.entries()) buckets[index] = (buckets[index] ?? 0) + added;
      note(other.maxSec, other.weight);
    },
  };
}

function bucketOf(waitSec: number): number {
  if (waitSec < FLOOR_SEC) return 0;
  return Math.min(BUCKET_COUNT - 1, 1 + Math.floor(Math.log(waitSec / FLOOR_SEC) / Math.log(GROWTH)));
}

function middleSecOf(index: number): number {
  return index === 0 ? 0 : FLOOR_SEC * GROWTH ** (index - 0.5);
}
