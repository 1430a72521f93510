/** How wrong a forecast has been: a fading histogram of what was needed ÷ what was expected, measured, not assumed. */

/** Weights of bins of the logarithm of the ratio, from `first` on; what is left out is 0. JSON. */
export type ErrorHistogram = { readonly first: number; readonly weights: readonly number[] };

/** Bins of 4 % from an eighth to 64 times: what lies outside counts in the outermost bin. On-off traffic needs tens of times its lull. */
const BIN_LOG = Math.log(1.04);
const LOWEST_LOG = Math.log(1 / 8);
const BINS = Math.ceil((Math.log(64) - LOWEST_LOG) / BIN_LOG);

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

/** Adds a measured ratio ≥ 0 of some weight ≥ 0; what was there fades by `keepRatio` (0..1), so that old days lose their say. */
export function withError(
  { first, weights }: ErrorHistogram,
  measured: { readonly ratio: number; readonly weight: number; readonly keepRatio: number },
): ErrorHistogram {
  const bin = binOf(measured.ratio);
  const from = weights.length === 0 ? bin : Math.min(first, bin);
  const merged = spanning(weights, { before: first - from, last: bin - from });
  const { keepRatio } = measured;
  for (let index = 0; index < merged.length; index++) {
    const kept = (merged[index] ?? 0) * keepRatio;
    merged[index] = rounded(index === bin - from ? kept + measured.weight : kept);
  }
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
  let total = 0;
  for (const weight of weights) total += weight;
  let above = Math.max(missRatio * total, Math.min(1, total / 2));
  for (let index = weights.length - 1; index >= 0; index--) {
    const weight = weights[index] ?? 0;
    if (weight >= above) return Math.exp(LOWEST_LOG + (first + index + 1 - above / weight) * BIN_LOG);
    above -= weight;
  }
  return 1;
}
