/**
 * The share of requests that may meet too little capacity: begun by the risk, then steered by what became of the objective. Falling short of a bound is no miss yet (a queue
 * takes up what the wait allows), and a service with bursts misses more than its quantile says: so it is measured, as in adaptive conformal inference
 * (Gibbs and Candès 2021), on a logarithmic scale.
 */

/**
 * Begin and limits by risk, and what a share of requests in time is worth at an objective of 0.999: so many times the same share of the load that stands by (`worthwhileFactor`). At 100, the thousandth that
 * may be late is worth a tenth of the load. On recorded traces see docs/decision-core.md.
 */
export const MISS_RATIO = {
  low: { begin: 0.002, min: 0.0005, max: 0.005, worth: 500 },
  balanced: { begin: 0.004, min: 0.001, max: 0.01, worth: 100 },
  cheap: { begin: 0.03, min: 0.01, max: 0.1, worth: 30 },
} as const;

/**
 * Without a miss the ratio grows by e in so long at most [ms]; slower where a surprise is longer than the objective allows in that time. A comparison that missed lowers it so that the objective's share of
 * misses balances that.
 */
const RELAX_MS = 86_400_000;

/** A surprise lasts until its answer is ready: for a horizon of misses it is lowered to a quarter, not for each look at them. */
const SURPRISE_DROP = 0.25;

/** The ratio after a time `stepMs` in which `missed` (0..1) of the load, relative `weight` to the usual, waited too long, for an objective of `sloMissRatio`. */
export function steered(
  missRatio: number,
  by: {
    readonly stepMs: number;
    readonly horizonMs: number;
    readonly missed: number;
    readonly weight: number;
    readonly sloMissRatio: number;
    readonly limits: { readonly min: number; readonly max: number };
  },
): number {
  const bySurprise = (-Math.log(SURPRISE_DROP) * by.sloMissRatio) / by.horizonMs;
  const rate = by.stepMs * Math.min(1 / RELAX_MS, bySurprise);
  const change = rate * (1 - (by.missed * by.weight) / by.sloMissRatio);
  const most = (Math.log(SURPRISE_DROP) * by.stepMs) / by.horizonMs;
  const next = missRatio * Math.exp(Math.max(most, change));
  // Nine decimals: a step of the smallest one is a part in ten thousand of a thousandth.
  return Math.round(Math.max(by.limits.min, Math.min(by.limits.max, next)) * 1e9) / 1e9;
}
