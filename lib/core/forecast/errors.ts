/** How wrong the forecasts have been: a fading histogram of actual ÷ forecast, measured, not assumed. */

/** Counts per bin of the logarithm of the ratio, fading. JSON. */
export type ErrorHistogram = readonly number[];

/** Bins of 2.5 % from a fifth to five times: what lies outside counts in the outermost bin. */
const BIN_LOG = Math.log(1.025);
const BINS_HALF = 65;
const BINS = 2 * BINS_HALF + 1;

/** What is believed before anything was measured: a fifth of the forecasts a tenth too low, one in twenty a fifth, as a mild day has it. Worth twenty measurements. */
const PRIOR: readonly (readonly [ratio: number, weight: number])[] = [
  [0.95, 5],
  [1, 6],
  [1.05, 4],
  [1.1, 4],
  [1.2, 1],
];

/** Nothing measured yet. */
export function noErrors(): ErrorHistogram {
  const bins = Array.from({ length: BINS }, () => 0);
  for (const [ratio, weight] of PRIOR) bins[binOf(ratio)] = (bins[binOf(ratio)] ?? 0) + weight;
  return bins;
}

function binOf(ratio: number): number {
  const bin = Math.ceil(Math.log(Math.max(1e-9, ratio)) / BIN_LOG - 1e-9) + BINS_HALF;
  return Math.max(0, Math.min(BINS - 1, bin));
}

/** Adds one measured ratio ≥ 0; what was there fades by `keepRatio` (0..1), so that old days lose their say. */
export function withError(
  histogram: ErrorHistogram,
  measured: { readonly ratio: number; readonly keepRatio: number },
): ErrorHistogram {
  const bin = binOf(measured.ratio);
  // Three decimals are enough, and keep the state small; most bins are empty.
  return histogram.map((weight, index) =>
    weight === 0 && index !== bin
      ? 0
      : Math.round((weight * measured.keepRatio + (index === bin ? 1 : 0)) * 1000) / 1000,
  );
}

/**
 * The ratio that a share of `quantileRatio` (0..1) of the forecasts did not exceed: the upper edge of its bin. Of n measurements only what lies
 * above (n − 1)/n may be the largest: a single early mistake is no 99.5 %.
 */
export function errorQuantile(histogram: ErrorHistogram, wantedRatio: number): number {
  let total = 0;
  for (const weight of histogram) total += weight;
  const quantileRatio = Math.min(wantedRatio, (total - 1) / total);
  let below = 0;
  // By index: an iterator of entries makes 131 pairs, and this runs with every decision.
  for (let bin = 0; bin < histogram.length; bin++) {
    below += histogram[bin] ?? 0;
    if (below >= quantileRatio * total - 1e-9) return Math.exp((bin - BINS_HALF) * BIN_LOG);
  }
  return Math.exp(BINS_HALF * BIN_LOG);
}
