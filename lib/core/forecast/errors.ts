/** How wrong a forecast has been: a fading histogram of what was needed ÷ what was expected, measured, not assumed. */

/** Weights of bins of the logarithm of the ratio, from `first` on; what is left out is 0. JSON. */
export type ErrorHistogram = { readonly first: number; readonly weights: readonly number[] };

/** Bins of 4 % from an eighth to 64 times: what lies outside counts in the outermost bin. On-off traffic needs tens of times its lull. */
const BIN_LOG = Math.log(1.04);
const LOWEST_LOG = Math.log(1 / 8);
const BINS = Math.ceil((Math.log(64) - LOWEST_LOG) / BIN_LOG);
/** Upper edges of the bins: every comparison looks at most of them. */
const EDGES: readonly number[] = Array.from({ length: BINS }, (_, bin) => Math.exp(LOWEST_LOG + (bin + 1) * BIN_LOG));

/** What is believed before anything was measured, as a mild day has it: worth {@link PRIOR_WEIGHT} measurements. */
const PRIOR: readonly (readonly [ratio: number, share: number])[] = [
  [0.9, 0.21],
  [1, 0.41],
  [1.05, 0.2],
  [1.1, 0.1],
  [1.2, 0.05],
  [1.4, 0.03],
];
export const PRIOR_WEIGHT = 20;

/** Below this a bin is forgotten, so that the state stays small. */
const WEIGHT_MIN = 0.001;

/** Nothing measured yet. */
export function noErrors(): ErrorHistogram {
  const bins = Array.from({ length: BINS }, () => 0);
  for (const [ratio, share] of PRIOR) bins[binOf(ratio)] = (bins[binOf(ratio)] ?? 0) + share * PRIOR_WEIGHT;
  return trimmed(0, bins.map(rounded));
}

function binOf(ratio: number): number {
  const bin = Math.floor((Math.log(Math.max(1e-9, ratio)) - LOWEST_LOG) / BIN_LOG);
  return Math.max(0, Math.min(BINS - 1, bin));
}

function trimmed(first: number, weights: readonly number[]): ErrorHistogram {
  let [from, to] = [0, weights.length];
  while (from < to && (weights[from] ?? 0) < WEIGHT_MIN) from++;
  while (to > from && (weights[to - 1] ?? 0) < WEIGHT_MIN) to--;
  const kept = from === 0 && to === weights.length ? weights : weights.slice(from, to);
  return { first: to === from ? first : first + from, weights: kept };
}

function rounded(weight: number): number {
  return weight < WEIGHT_MIN ? 0 : Math.round(weight * 1000) / 1000;
}

/** Rounded down: what fades by less than half of the last decimal would else stay for ever. */
function faded(weight: number, keepRatio: number): number {
  return keepRatio === 1 ? weight : Math.floor(weight * keepRatio * 1000) / 1000;
}

/** Adds a measured ratio ≥ 0 of some weight ≥ 0; what was there fades by `keepRatio` (0..1; 1: not), so that old days lose their say. Weights have three decimals: fade in few large steps. */
export function withError(
  { first, weights }: ErrorHistogram,
  measured: { readonly ratio: number; readonly weight: number; readonly keepRatio: number },
): ErrorHistogram {
  const bin = binOf(measured.ratio);
  const from = weights.length === 0 ? bin : Math.min(first, bin);
  const merged = spanning(weights, { before: first - from, last: bin - from });
  const { keepRatio } = measured;
  if (keepRatio < 1)
    for (let index = 0; index < merged.length; index++) merged[index] = faded(merged[index] ?? 0, keepRatio);
  merged[bin - from] = rounded((merged[bin - from] ?? 0) + measured.weight);
  return trimmed(from, merged);
}

/** A copy with room for one more bin: so many zeros before it, and as many after it as make `last` an index of it. */
function spanning(
  weights: readonly number[],
  { before, last }: { readonly before: number; readonly last: number },
): number[] {
  const merged = before > 0 && weights.length > 0 ? [...zeros(before), ...weights] : weights.slice();
  while (merged.length <= last) merged.push(0);
  return merged;
}

function zeros(length: number): number[] {
  return Array.from({ length }, () => 0);
}

/**
 * The ratio that all but `missRatio` (0..1) of the weight did not exceed, within its bin by proportion. What one measurement of weight 1 said alone is no quantile:
 * of a total of n the largest that counts is that of (n − 1)/n.
 */
export function errorQuantile({ first, weights }: ErrorHistogram, missRatio: number): number {
  let above = weightAbove(totalOf(weights), missRatio);
  for (let index = weights.length - 1; index >= 0; index--) {
    const weight = weights[index] ?? 0;
    if (weight >= above) return Math.exp(LOWEST_LOG + (first + index + 1 - above / weight) * BIN_LOG);
    above -= weight;
  }
  return 1;
}

function totalOf(weights: readonly number[]): number {
  let total = 0;
  for (const weight of weights) total += weight;
  return total;
}

/** Weight above a quantile. */
function weightAbove(total: number, missRatio: number): number {
  return Math.max(missRatio * total, Math.min(1, total / 2));
}

/** Nothing measured, and nothing believed. */
export const NOTHING_MEASURED: ErrorHistogram = { first: 0, weights: [] };

/**
 * The factor up to `factor` (the quantile at `missRatio`) that costs least, where a share of requests that meets too little costs `worth` times as much as the same share of the load that stands by. What a
 * factor costs depends on the loads there are: `limits` holds, weighed by load, the ratio from which on it costs nothing more, because another limit binds.
 * A thin tail is its quantile's; of two kinds of days the rare one is not paid for all the time. Source: the newsvendor's trade, on the measured distribution.
 */
export function worthwhileFactor(
  { first, weights }: ErrorHistogram,
  of: { readonly factor: number; readonly missRatio: number; readonly worth: number; readonly limits: ErrorHistogram },
): number {
  const total = totalOf(weights);
  const { factor, worth, limits } = of;
  if (total <= 0 || !Number.isFinite(worth)) return factor;
  const quantileAbove = weightAbove(total, of.missRatio);
  const limitsTotal = totalOf(limits.weights);
  // Of the loads, those that no other limit binds yet.
  let unbound = 0;
  let nextLimit = limits.first + limits.weights.length - 1;
  let [above, saved, upper] = [0, 0, factor];
  let [best, most] = [factor, 0];
  for (let index = weights.length - 1; index >= 0; index--) {
    const bin = first + index;
    const edge = EDGES[bin] ?? Infinity;
    for (; nextLimit > bin && nextLimit >= limits.first; nextLimit--)
      unbound += limits.weights[nextLimit - limits.first] ?? 0;
    if (edge < factor) {
      saved += (upper - edge) * (limitsTotal > 0 ? unbound / limitsTotal : 1);
      upper = edge;
      const won = saved - (worth * Math.max(0, above - quantileAbove)) / total;
      if (won > most) [best, most] = [edge, won];
    }
    above += weights[index] ?? 0;
  }
  return best;
}
