/** Draws from the distributions that traces, plants and worlds are made with. All from a seeded source. */
import type { Random } from '../base/random.ts';

/** Standard normal (Box-Muller). 1 - random() lies in (0, 1], so the logarithm is finite. */
export function drawNormal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** A duration around a median: lognormal with `sigma` (0 = always the median). medianSec ≥ 0 [s] → [ms], whole. */
export function drawDurationMs(random: Random, shape: { medianSec: number; sigma: number }): number {
  if (shape.sigma === 0) return Math.round(shape.medianSec * 1000);
  return Math.round(shape.medianSec * 1000 * Math.exp(shape.sigma * drawNormal(random)));
}

/**
 * Gamma of mean 1 and this shape > 0; its variance is 1 / shape. Source: Marsaglia and Tsang (2000), ACM TOMS 26(3); below shape 1 by their power of a
 * uniform.
 */
export function drawGamma(random: Random, shape: number): number {
  if (shape < 1) return (drawGammaSum(random, shape + 1) * (1 - random()) ** (1 / shape)) / shape;
  return drawGammaSum(random, shape) / shape;
}

/** Gamma of scale 1 and shape ≥ 1. */
function drawGammaSum(random: Random, shape: number): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  // Accepts more than 95 % of the draws.
  for (;;) {
    const normal = drawNormal(random);
    const v = (1 + c * normal) ** 3;
    if (v > 0 && Math.log(1 - random()) < 0.5 * normal * normal + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** From here on a Poisson count is drawn as a rounded Gaussian: its skew, 1 / sqrt(mean), is below 0.2. */
const GAUSSIAN_FROM_MEAN = 30;

/** Poisson count of this mean ≥ 0; exact below {@link GAUSSIAN_FROM_MEAN} (Knuth's product of uniforms), a Gaussian rounded and cut at 0 from there. */
export function drawPoisson(random: Random, mean: number): number {
  if (mean >= GAUSSIAN_FROM_MEAN) return Math.max(0, Math.round(mean + Math.sqrt(mean) * drawNormal(random)));
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > limit; product *= random()) count++;
  return count;
}
