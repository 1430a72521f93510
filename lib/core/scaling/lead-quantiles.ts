/** Quantiles of the last starts of a workload's pods, with the policy's figure worth a few of them. */

/** Lead times [s]: half and nine tenths of the starts took at most so long. */
export type LeadTimeSec = { readonly p50: number; readonly p90: number };

/** One start, or several like it: seconds, weight, and `pod` or `node` (a node had to come first), with `/GROUP` where known. */
export type Start = readonly [sec: number, weight: number, where: string];

/** Starts remembered: enough for nine tenths, and less than 2 KB. */
const STARTS_MAX = 48;
/** Each newer start lets the older ones lose so much of their say: half after 23. */
const KEEP = 0.97;
/** The policy's figure is worth so many starts, and fades faster than they do: gone for nine tenths after some fifteen starts. */
const PRIOR_WEIGHT = 6;
const PRIOR_KEEP = 0.9;
/** Pods that become ready at once share their luck (one image pull, one node): n of them say as much as √n, at most 4, told by four of them. */
const AT_ONCE_MAX = 4;
/** Nine tenths are never what a single start said: one pod that is stuck is no lead time. */
const ABOVE_MIN = 1.5;
/** Within so many times of the policy's figure, or a part of it, until as many starts as {@link STRONG} were measured. */
const RATIO_MIN = 1 / 4;
const RATIO_MAX = 8;
const STRONG = 24;
/** As a policy may say it [s]. */
const SEC_MIN = 1;
const SEC_MAX = 7_200;
/** A pod that is still awaited counts at most so far beyond what is known: a lower bound is a hint, not a measurement. */
const AWAITED_RATIO_MAX = 2;

/** Starts that were seen to end in one observation, as entries of the memory: at most four. */
export function countedStarts(took: readonly { readonly sec: number; readonly where: string }[]): readonly Start[] {
  const sorted = took.toSorted((a, b) => a.sec - b.sec || (a.where < b.where ? -1 : 1));
  const entries = Math.min(AT_ONCE_MAX, sorted.length);
  const weight = Math.min(AT_ONCE_MAX, Math.sqrt(sorted.length)) / Math.max(1, entries);
  return Array.from({ length: entries }, (_, index) => {
    const one = sorted[Math.floor(((index + 0.5) * sorted.length) / entries)];
    return [rounded(one?.sec ?? 0), Math.round(weight * 1000) / 1000, one?.where ?? 'pod'] as const;
  });
}

/** The memory with what is new; the oldest go. */
export function keptStarts(starts: readonly Start[], news: readonly Start[]): readonly Start[] {
  return [...starts, ...news].slice(-STARTS_MAX);
}

/** Of a start that fell into a gap between two observations longer than this and than a quarter of itself, nobody knows how long it took [ms]. */
const UNSURE_MS = 30_000;
const UNSURE_SHARE = 0.25;

/** Seconds a start took, of which only `leastMs` < it ≤ `mostMs` is known: what is usual where that fits, else the middle. null when the two are too far apart to say. */
export function tookSec(of: {
  readonly leastMs: number;
  readonly mostMs: number;
  readonly usualSec: number;
}): number | null {
  const { leastMs, mostMs, usualSec } = of;
  if (mostMs - leastMs > Math.max(UNSURE_MS, mostMs * UNSURE_SHARE)) return null;
  const fits = usualSec * 1000 >= leastMs && usualSec * 1000 <= mostMs;
  return fits ? usualSec : (leastMs + mostMs) / 2 / 1000;
}

/** Quantiles as measured, between the bounds. `agesSec`: pods still awaited, which took at least so long. */
export function quantilesOf(of: {
  readonly starts: readonly Start[];
  readonly policySec: number;
  readonly agesSec: readonly number[];
}): LeadTimeSec {
  const known = weighed(of.starts, of.policySec);
  const bounded = withinBounds(of);
  const p90 = bounded(quantile(known, 0.9));
  const late = of.agesSec.filter((sec) => sec > p90);
  if (late.length === 0) return { p50: Math.min(p90, bounded(quantile(known, 0.5))), p90 };
  const weight = Math.min(AT_ONCE_MAX, Math.sqrt(late.length)) / late.length;
  const all = [...known, ...late.map((sec) => [Math.min(sec, AWAITED_RATIO_MAX * p90), weight] as const)];
  const later = bounded(quantile(all, 0.9));
  return { p50: Math.min(later, bounded(quantile(all, 0.5))), p90: later };
}

type Weighed = readonly (readonly [sec: number, weight: number])[];

function weighed(starts: readonly Start[], policySec: number): Weighed {
  let newer = 0;
  const entries: (readonly [number, number])[] = [];
  for (const [sec, weight] of starts.toReversed()) {
    entries.push([sec, weight * KEEP ** newer]);
    newer += weight;
  }
  return [...entries, [policySec, PRIOR_WEIGHT * PRIOR_KEEP ** newer]];
}

/** The least that all but 1 − q of the weight do not exceed, leaving out what one start alone says. */
function quantile(entries: Weighed, q: number): number {
  const sorted = entries.toSorted((a, b) => b[0] - a[0]);
  const total = sorted.reduce((sum, [, weight]) => sum + weight, 0);
  const above = Math.max((1 - q) * total, Math.min(ABOVE_MIN, total / 2));
  let sum = 0;
  for (const [sec, weight] of sorted) {
    sum += weight;
    // Rounding may leave the last one a hair short.
    if (sum >= above - 1e-9) return sec;
  }
  return sorted.at(-1)?.[0] ?? 0;
}

function withinBounds(of: { readonly starts: readonly Start[]; readonly policySec: number }): (sec: number) => number {
  const isStrong = of.starts.reduce((sum, [, weight]) => sum + weight, 0) >= STRONG;
  const least = isStrong ? SEC_MIN : Math.max(SEC_MIN, of.policySec * RATIO_MIN);
  const most = isStrong ? SEC_MAX : Math.min(SEC_MAX, of.policySec * RATIO_MAX);
  return (sec) => rounded(Math.max(least, Math.min(most, sec)));
}

/** Tenths of a second. */
function rounded(sec: number): number {
  return Math.round(sec * 10) / 10;
}
