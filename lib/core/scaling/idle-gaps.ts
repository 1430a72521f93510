/** How long a workload has nothing to do between two times of work: a fading histogram of its idle gaps, in minutes. */

/** Fading weights of gaps by length; what is left out at the end is 0. JSON. */
export type IdleGaps = {
  /** By minutes, rounded down. */
  readonly bins: readonly number[];
  /** Longer than {@link GAP_MIN_MAX}. */
  readonly longer: number;
};

/** Four hours, as in the source. Source: Shahrad et al. 2020, Serverless in the Wild (ATC'20). */
export const GAP_MIN_MAX = 240;
export const MINUTE_MS = 60_000;

/** Each gap lets the older ones lose so much of their say: half after 68, so that a new habit is learned in days. */
const KEEP = 0.99;
/** Below this a bin is forgotten. */
const WEIGHT_MIN = 0.01;

export const NO_GAPS: IdleGaps = { bins: [], longer: 0 };

/** Adds a gap ≥ 0 [ms]. */
export function withGap(gaps: IdleGaps, gapMs: number): IdleGaps {
  const minutes = Math.floor(gapMs / MINUTE_MS);
  const isLonger = minutes >= GAP_MIN_MAX;
  const length = isLonger ? gaps.bins.length : Math.max(gaps.bins.length, minutes + 1);
  const bins = Array.from({ length }, (_, bin) => faded(gaps.bins[bin] ?? 0, !isLonger && bin === minutes));
  const last = bins.findLastIndex((weight) => weight > 0);
  return { bins: bins.slice(0, last + 1), longer: faded(gaps.longer, isLonger) };
}

function faded(weight: number, isNew: boolean): number {
  const kept = weight * KEEP;
  // Rounded down: a hundredth of a small weight is less than half of the last decimal, and would never go.
  return Math.floor(((kept < WEIGHT_MIN ? 0 : kept) + (isNew ? 1 : 0)) * 1000 + 1e-6) / 1000;
}

/** What gaps that last longer than `overMs` are like. */
export type LongGaps = {
  /** How many of them, older ones counted in part. */
  readonly weight: number;
  /** One in twenty is shorter than `earlyMs`, one in a hundred longer than `lateMs`: edges of their minutes. */
  readonly earlyMs: number;
  readonly lateMs: number;
  /** Whether they crowd into a few minutes of the four hours: a flat histogram foretells nothing. */
  readonly isConcentrated: boolean;
};

/** So many gaps must have been seen; and most of them within the four hours. */
const SEEN_MIN = 5;
const LONGER_SHARE_MAX = 0.5;
/** Standard deviation of the bins over their mean, without what chance alone gives. Source: as above, where 2 divides functions with a habit from those without. */
const CONCENTRATED = 2;

/** Says what is known of gaps longer than `overMs`; null when too few were seen or most lasted for more than four hours. */
export function longGaps({ bins, longer }: IdleGaps, overMs: number): LongGaps | null {
  const from = Math.ceil(overMs / MINUTE_MS);
  const long = bins.slice(from);
  const weight = long.reduce((sum, one) => sum + one, 0);
  if (weight + longer < SEEN_MIN || longer > LONGER_SHARE_MAX * (weight + longer)) return null;
  const span = GAP_MIN_MAX - from;
  const mean = weight / span;
  // Of few gaps at random the counts vary by as much as their mean: that is luck, no habit.
  const variance = long.reduce((sum, one) => sum + one * one, 0) / span - mean * mean - mean;
  return {
    weight,
    earlyMs: (from + binAt(long, 0.05 * weight)) * MINUTE_MS,
    lateMs: (from + binAt(long, 0.99 * weight) + 1) * MINUTE_MS,
    isConcentrated: Math.sqrt(Math.max(0, variance)) >= CONCENTRATED * mean,
  };
}

/** The first bin at which so much weight is reached. */
function binAt(bins: readonly number[], target: number): number {
  let sum = 0;
  for (const [bin, weight] of bins.entries()) {
    sum += weight;
    if (sum >= target - 1e-9 && weight > 0) return bin;
  }
  return Math.max(0, bins.length - 1);
}
