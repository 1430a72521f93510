/** Sums of the lengths of many requests, without drawing each. */
import type { Random } from '../../base/random.ts';
import { drawNormal } from '../draws.ts';
import { drawLengths, lengthsAt, type LengthPool, type MeanLengths } from './lengths.ts';
import type { WorkOf } from './ticks.ts';

export type Totals = { readonly workReplicaSec: number; readonly inputTokens: number; readonly outputTokens: number };

/** Above it the sum of lengths is Gaussian well enough: the skew of one request is divided by 8. */
const DRAWN_ONE_BY_ONE_MAX = 64;
/** Where a series has its own mean lengths, moments are taken anew for each point, of so many requests of the pool. */
const MOMENT_SAMPLE = 2_048;

/** Draws the totals of a number of requests whose lengths come from `pool`. */
export function lengthTotals(
  pool: LengthPool,
  { workOf, random }: { workOf: WorkOf; random: Random },
): (requests: number, means: MeanLengths) => Totals {
  let moments: Moments | null = null;
  return (requests, means) => {
    if (requests <= DRAWN_ONE_BY_ONE_MAX) return oneByOne(requests, { pool, means, workOf, random });
    if (moments === null || !sameMeans(moments.means, means)) moments = momentsOf(pool, { means, workOf });
    return gaussianTotals(requests, { moments, random });
  };
}

function oneByOne(
  requests: number,
  { pool, means, workOf, random }: { pool: LengthPool; means: MeanLengths; workOf: WorkOf; random: Random },
): Totals {
  let [workReplicaSec, inputTokens, outputTokens] = [0, 0, 0];
  for (let drawn = 0; drawn < requests; drawn++) {
    const lengths = drawLengths(random, pool, means);
    workReplicaSec += workOf(lengths);
    inputTokens += lengths.inputTokens;
    outputTokens += lengths.outputTokens;
  }
  return { workReplicaSec, inputTokens, outputTokens };
}

type Vector = readonly [number, number, number];
/** Means of (input, output, work), and the lower triangle of the Cholesky factor of their covariance. */
type Moments = {
  readonly means: MeanLengths;
  readonly mean: Vector;
  readonly factor: readonly [Vector, Vector, Vector];
};

function sameMeans(a: MeanLengths, b: MeanLengths): boolean {
  return Object.is(a.meanInputTokens, b.meanInputTokens) && Object.is(a.meanOutputTokens, b.meanOutputTokens);
}

function momentsOf(pool: LengthPool, { means, workOf }: { means: MeanLengths; workOf: WorkOf }): Moments {
  const size = pool.inputTokens.length;
  const own = Number.isNaN(means.meanInputTokens) && Number.isNaN(means.meanOutputTokens);
  // Evenly through the pool, not its beginning.
  const step = own ? 1 : Math.max(1, size / MOMENT_SAMPLE);
  const vectors: Vector[] = [];
  for (let at = 0; at < size; at += step) {
    const lengths = lengthsAt(pool, Math.floor(at), means);
    vectors.push([lengths.inputTokens, lengths.outputTokens, workOf(lengths)]);
  }
  const meanOf = (value: (vector: Vector) => number): number =>
    vectors.reduce((sum, vector) => sum + value(vector), 0) / vectors.length;
  const mean: Vector = [meanOf((v) => v[0]), meanOf((v) => v[1]), meanOf((v) => v[2])];
  const covariance = (i: 0 | 1 | 2, j: 0 | 1 | 2): number => meanOf((v) => (v[i] - mean[i]) * (v[j] - mean[j]));
  return { means, mean, factor: cholesky(covariance) };
}

function divided(value: number, by: number): number {
  return by > 0 ? value / by : 0;
}

/** L with L·Lᵀ = C. A variance that is 0 or is explained by the columns before gives a zero on the diagonal. */
function cholesky(covariance: (i: 0 | 1 | 2, j: 0 | 1 | 2) => number): readonly [Vector, Vector, Vector] {
  const a = Math.sqrt(covariance(0, 0));
  const [b, c] = [divided(covariance(1, 0), a), divided(covariance(2, 0), a)];
  const d = Math.sqrt(Math.max(0, covariance(1, 1) - b * b));
  const e = divided(covariance(2, 1) - c * b, d);
  const f = Math.sqrt(Math.max(0, covariance(2, 2) - c * c - e * e));
  return [
    [a, 0, 0],
    [b, d, 0],
    [c, e, f],
  ];
}

/** Sums of `requests` independent requests, none below 0; tokens are whole. */
function gaussianTotals(requests: number, { moments, random }: { moments: Moments; random: Random }): Totals {
  const normal: Vector = [drawNormal(random), drawNormal(random), drawNormal(random)];
  const root = Math.sqrt(requests);
  const total = (index: 0 | 1 | 2): number => {
    const row = moments.factor[index];
    const deviation = row[0] * normal[0] + row[1] * normal[1] + row[2] * normal[2];
    return Math.max(0, requests * moments.mean[index] + root * deviation);
  };
  return { inputTokens: Math.round(total(0)), outputTokens: Math.round(total(1)), workReplicaSec: total(2) };
}
