import { describe, expect, test } from '@jest/globals';
import { seededRandom } from '../../../lib/base/random.ts';
import type { RequestTrace } from '../../../lib/simulator/traces/contract.ts';
import { drawGamma, drawPoisson } from '../../../lib/simulator/draws.ts';
import { defaultLengthPool, lengthPoolOf, poolOf } from '../../../lib/simulator/traces/lengths.ts';
import { openTrace } from '../../../lib/simulator/traces/open-trace.ts';
import { noiseRatio } from '../../../lib/simulator/traces/rate-segments.ts';
import { requestsOf } from '../../../lib/simulator/traces/requests-of.ts';
import { collect, generate, textSource } from './support.ts';

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const variance = (values: readonly number[]): number => {
  const middle = mean(values);
  return mean(values.map((value) => (value - middle) ** 2));
};

/** Requests per interval. */
function counts(requests: readonly { arrivalMs: number }[], options: { everyMs: number; endMs: number }): number[] {
  const found: number[] = Array.from({ length: Math.round(options.endMs / options.everyMs) }, () => 0);
  for (const { arrivalMs } of requests) {
    const at = Math.floor(arrivalMs / options.everyMs);
    found[at] = (found[at] ?? 0) + 1;
  }
  return found;
}

async function requestTrace(text: string): Promise<RequestTrace> {
  const trace = await openTrace(textSource(text, 65_536));
  if (trace.kind !== 'requests') throw new Error('expected requests');
  return trace;
}

describe('draws', () => {
  test.each([0.2, 0.5, 1, 3, 123])('drawGamma has mean 1 and variance 1 / %d', (shape) => {
    const random = seededRandom(5);
    const values = Array.from({ length: 20_000 }, () => drawGamma(random, shape));
    expect(Math.abs(mean(values) - 1)).toBeLessThan(5 / Math.sqrt(shape * 20_000));
    expect(variance(values) * shape).toBeGreaterThan(0.85);
    expect(variance(values) * shape).toBeLessThan(1.15);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
  });

  test.each([0, 0.3, 5, 29, 31, 4_000])('drawPoisson has mean and variance %d', (expected) => {
    const random = seededRandom(6);
    const values = Array.from({ length: 20_000 }, () => drawPoisson(random, expected));
    expect(Math.abs(mean(values) - expected)).toBeLessThanOrEqual(5 * Math.sqrt(expected / 20_000));
    if (expected > 0) expect(Math.abs(variance(values) / expected - 1)).toBeLessThan(0.06);
    expect(values.every((value) => Number.isInteger(value) && value >= 0)).toBe(true);
  });
});

/** Four hours of 20 requests a second, a point every ten minutes. */
const STEADY = `t,rps\n${Array.from({ length: 24 }, (_, at) => `${at * 600},20`).join('\n')}\n`;
const STEADY_MS = 24 * 600_000;

/** Of the minutes of that series, under minute noise of this dispersion. */
async function dispersionOf(dispersion: number): Promise<number> {
  const requests = await generate(STEADY, { seed: 2, minuteNoise: { dispersion } });
  const found = counts(requests, { everyMs: 60_000, endMs: STEADY_MS });
  return variance(found) / mean(found);
}

describe('requests of a rate series', () => {
  test('the same seed gives the same requests, another seed others', async () => {
    const text = 't,rps\n0,5\n60,7\n';
    const first = await generate(text, { seed: 7 });
    expect(await generate(text, { seed: 7 })).toEqual(first);
    expect(await generate(text, { seed: 8 })).not.toEqual(first);
    expect(first.length).toBeGreaterThan(500);
  });

  test('arrivals are in order and within the series', async () => {
    const times = (await generate(STEADY, { seed: 1, scale: 0.1 })).map(({ arrivalMs }) => arrivalMs);
    expect(times.every((time, at) => time >= (times[at - 1] ?? 0))).toBe(true);
    expect(times.at(-1)).toBeLessThan(STEADY_MS);
  });

  test('minutes have the dispersion of 9 % noise by default: 1 + 0.09² × 1,200 = 10.7', async () => {
    const found = counts(await generate(STEADY, { seed: 1 }), { everyMs: 60_000, endMs: STEADY_MS });
    expect(Math.abs(mean(found) / 1_200 - 1)).toBeLessThan(0.03);
    const dispersion = variance(found) / mean(found);
    expect(dispersion).toBeGreaterThan(7.5);
    expect(dispersion).toBeLessThan(15);
  });

  test('a given dispersion is met, and 1 is Poisson', async () => {
    expect(Math.abs((await dispersionOf(40)) / 40 - 1)).toBeLessThan(0.35);
    expect(Math.abs((await dispersionOf(1)) - 1)).toBeLessThan(0.35);
    expect(noiseRatio({ dispersion: 33.4 }, 4_000)).toBeCloseTo(0.09, 3);
    expect(noiseRatio({ dispersion: 5 }, 0)).toBe(0);
  });

  test('rates ten minutes apart are interpolated', async () => {
    const requests = await generate('t,rps\n0,0\n600,40\n1200,0\n', { seed: 3, minuteNoise: { ratio: 0 } });
    const found = counts(requests, { everyMs: 300_000, endMs: 1_800_000 });
    // The triangle's areas: 10 and 30 a second in the mean, twice; then nothing.
    for (const [at, expected] of [3_000, 9_000, 9_000, 3_000].entries()) {
      expect(Math.abs((found[at] ?? 0) / expected - 1)).toBeLessThan(0.1);
    }
    expect(found.slice(4)).toEqual([0, 0]);
  });

  test('rates of a minute and less hold until the next point, without further noise', async () => {
    const text = `t,rps\n${Array.from({ length: 60 }, (_, at) => `${at * 10},${at % 2 === 0 ? 100 : 0}`).join('\n')}\n`;
    const found = counts(await generate(text, { seed: 4 }), { everyMs: 10_000, endMs: 600_000 });
    expect(found.filter((_, at) => at % 2 === 1).every((count) => count === 0)).toBe(true);
    const busy = found.filter((_, at) => at % 2 === 0);
    expect(Math.abs(mean(busy) / 1_000 - 1)).toBeLessThan(0.03);
    expect(variance(busy) / mean(busy)).toBeLessThan(2.2);
  });

  test('hourly rates become five-minute rates of shape 0.5', async () => {
    const text = `hour,rph\n${Array.from({ length: 100 }, (_, at) => `${at},3600`).join('\n')}\n`;
    const found = counts(await generate(text, { seed: 5 }), { everyMs: 300_000, endMs: 360_000_000 });
    expect(Math.abs(mean(found) / 300 - 1)).toBeLessThan(0.2);
    // Variance of the rate is twice its square, plus Poisson.
    expect(variance(found) / mean(found) ** 2).toBeGreaterThan(1.4);
    expect(variance(found) / mean(found) ** 2).toBeLessThan(2.8);
  });

  test('scale multiplies the rate and leaves the noise where it was', async () => {
    const once = counts(await generate(STEADY, { seed: 6, scale: 0.25 }), { everyMs: 60_000, endMs: STEADY_MS });
    const thrice = counts(await generate(STEADY, { seed: 6, scale: 0.75 }), { everyMs: 60_000, endMs: STEADY_MS });
    expect(Math.abs(mean(thrice) / mean(once) / 3 - 1)).toBeLessThan(0.02);
    // Only the Poisson parts differ, of 300 and 900 a minute: 6.7 %. With noise of their own it would be 14 %.
    const apart = thrice.map((count, at) => count / 3 / (once[at] ?? 1) - 1);
    expect(Math.sqrt(variance(apart))).toBeLessThan(0.085);
  });

  test.each([0, -1, NaN, Infinity, 1e6])('scale %d is refused', async (scale) => {
    await expect(generate(STEADY, { seed: 1, scale })).rejects.toThrow('expected a factor above 0');
  });
});

describe('lengths', () => {
  test('are drawn jointly', async () => {
    const lengths = poolOf([
      { inputTokens: 10, outputTokens: 1 },
      { inputTokens: 20, outputTokens: 2 },
    ]);
    const requests = await generate('t,rps\n0,10\n60,10\n', { seed: 1, lengths });
    const pairs = new Set(requests.map(({ inputTokens, outputTokens }) => `${inputTokens}/${outputTokens}`));
    expect([...pairs].toSorted()).toEqual(['10/1', '20/2']);
  });

  test('are stretched to the mean lengths of the series, where it has them', async () => {
    const text = 't,rps,mean_in,mean_out\n0,50,2000,50\n60,50,,\n';
    const requests = await generate(text, { seed: 1 });
    const of = (from: number): readonly (typeof requests)[number][] =>
      requests.filter(({ arrivalMs }) => arrivalMs >= from && arrivalMs < from + 60_000);
    expect(Math.abs(mean(of(0).map((r) => r.inputTokens)) / 2000 - 1)).toBeLessThan(0.1);
    expect(Math.abs(mean(of(0).map((r) => r.outputTokens)) / 50 - 1)).toBeLessThan(0.1);
    const pool = defaultLengthPool();
    expect(Math.abs(mean(of(60_000).map((r) => r.inputTokens)) / pool.meanInputTokens - 1)).toBeLessThan(0.1);
  });

  test('of the default mix are as stated', () => {
    const pool = defaultLengthPool();
    expect(Math.abs(pool.meanInputTokens / 1000 - 1)).toBeLessThan(0.05);
    expect(Math.abs(pool.meanOutputTokens / 200 - 1)).toBeLessThan(0.05);
    expect(Math.min(...pool.inputTokens, ...pool.outputTokens)).toBeGreaterThanOrEqual(1);
  });

  test('of a long trace are a sample of all of it', async () => {
    const lines = Array.from({ length: 150_000 }, (_, at) => `${at},${at},1`);
    const pool = await lengthPoolOf(await requestTrace(`t,in_tok,out_tok\n${lines.join('\n')}\n`), { seed: 1 });
    expect(pool.inputTokens.length).toBe(100_000);
    expect(Math.abs(pool.meanInputTokens / 75_000 - 1)).toBeLessThan(0.02);
    expect(new Set(pool.inputTokens).size).toBe(100_000);
  });

  test('of GPU work are run times', async () => {
    const lengths = await lengthPoolOf(await requestTrace('t,exec_s\n0,5\n1,7\n'), { seed: 1 });
    const requests = await generate('t,rps\n0,1\n60,1\n', { seed: 1, lengths });
    expect(new Set(requests.map(({ execSec }) => execSec))).toEqual(new Set([5, 7]));
  });
});

describe('scaling recorded requests', () => {
  const recorded = `t,in_tok,out_tok\n${Array.from({ length: 2_000 }, (_, at) => `${at * 2},${at},1`).join('\n')}\n`;

  test('scale 1 gives them as they are', async () => {
    const requests = await generate(recorded, { seed: 9 });
    expect(requests).toHaveLength(2_000);
    expect(requests[1]).toEqual({ arrivalMs: 2_000, inputTokens: 1, outputTokens: 1 });
  });

  test.each([0.25, 1.5, 3, 20])('scale %d multiplies their number, in order, the same for a seed', async (scale) => {
    const requests = await generate(recorded, { seed: 9, scale });
    expect(Math.abs(requests.length / 2_000 / scale - 1)).toBeLessThan(0.15);
    expect(requests.every(({ arrivalMs }, at) => arrivalMs >= (requests[at - 1]?.arrivalMs ?? 0))).toBe(true);
    expect(await generate(recorded, { seed: 9, scale })).toEqual(requests);
  });

  test('copies come within a second of their original and keep its lengths', async () => {
    const requests = await generate(recorded, { seed: 9, scale: 4 });
    expect(requests).toHaveLength(8_000);
    const late = requests.map(({ arrivalMs, inputTokens }) => arrivalMs - inputTokens * 2_000);
    expect(Math.min(...late)).toBe(0);
    expect(Math.max(...late)).toBeLessThanOrEqual(1_000);
    expect(Math.max(...late)).toBeGreaterThan(900);
  });

  test('an overlay has every copy whole, shifted by hours, in order', async () => {
    const trace = await requestTrace(`t,in_tok,out_tok\n0,1,1\n1800,2,1\n9000,3,1\n`);
    const requests = await collect(requestsOf(trace, { seed: 3, overlay: 5 }));
    expect(requests).toHaveLength(15);
    expect(requests.every(({ arrivalMs }, at) => arrivalMs >= (requests[at - 1]?.arrivalMs ?? 0))).toBe(true);
    // Three hours around: the second request stays at half past, wherever it goes.
    for (const { arrivalMs, inputTokens } of requests) {
      expect(arrivalMs % 3_600_000).toBe(inputTokens === 1 ? 0 : 1_800_000);
      expect(arrivalMs).toBeLessThan(3 * 3_600_000);
    }
    expect(new Set(requests.filter((r) => r.inputTokens === 1).map((r) => r.arrivalMs)).size).toBeGreaterThan(1);
    expect(await collect(requestsOf(trace, { seed: 3, overlay: 5 }))).toEqual(requests);
    expect(() => requestsOf(trace, { seed: 3, overlay: 0 })).toThrow('expected 1 to 100 copies');
  });
});
