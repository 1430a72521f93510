import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { TUNED_MISS_RATIO_MAX, bestOf, missRatioOf, tunings } from '../../../lib/simulator/replay/tuning.ts';

test('tunings are every combination of the grid once; a grid without entries gives none', () => {
  expect(tunings({ target: [0.5, 0.7], windowSec: [60, 300] })).toEqual([
    { target: 0.5, windowSec: 60 },
    { target: 0.5, windowSec: 300 },
    { target: 0.7, windowSec: 60 },
    { target: 0.7, windowSec: 300 },
  ]);
  expect(tunings([{ target: [0.5] }, { target: [1], windowSec: [60] }])).toEqual([
    { target: 0.5 },
    { target: 1, windowSec: 60 },
  ]);
  expect(tunings({})).toEqual([]);
  expect(tunings({ target: [] })).toEqual([]);
});

type Tried = { readonly totals: { gpuHours: number; sloMissCount: number; requestCount: number } };

const outcome = (gpuHours: number, sloMissCount: number): Tried => ({
  totals: { gpuHours, sloMissCount, requestCount: 10_000 },
});

describe('bestOf', () => {
  test('is the cheapest one of those that miss little enough', () => {
    const cheap = outcome(5, 30);
    expect(bestOf([outcome(9, 0), cheap, outcome(2, 31)])).toBe(cheap);
  });

  test('is the one that misses least when all miss too much', () => {
    const least = outcome(20, 100);
    expect(bestOf([outcome(9, 5_000), least, outcome(2, 101)])).toBe(least);
  });

  test('may miss what the policy to compare with misses, and nothing when that misses nothing', () => {
    const [careful, cheap] = [outcome(9, 0), outcome(5, 900)];
    expect(bestOf([careful, cheap, outcome(4, 1_001)], 0.1)).toBe(cheap);
    expect(bestOf([careful, cheap], 0)).toBe(careful);
    expect(bestOf([outcome(9, 0), outcome(8, 0.2)], 0)?.totals.gpuHours).toBe(8);
    expect(missRatioOf(cheap)).toBe(0.09);
  });

  test('is the first of equals, and undefined for none', () => {
    const first = outcome(5, 3);
    expect(bestOf([first, outcome(5, 30)])).toBe(first);
    expect(bestOf([])).toBeUndefined();
  });

  test('is never beaten: no other one is within the limit and cheaper', () => {
    const one = fc.record({ gpuHours: fc.nat(100), sloMissCount: fc.nat(100) });
    fc.assert(
      fc.property(fc.array(one, { minLength: 1 }), (figures) => {
        const outcomes = figures.map(({ gpuHours, sloMissCount }) => outcome(gpuHours, sloMissCount));
        const best = bestOf(outcomes)?.totals;
        const good = outcomes.filter(({ totals }) => totals.sloMissCount <= TUNED_MISS_RATIO_MAX * 10_000);
        const among = good.length > 0 ? good : outcomes;
        const by = (totals: { gpuHours: number; sloMissCount: number }): number =>
          good.length > 0 ? totals.gpuHours : totals.sloMissCount;
        return best !== undefined && by(best) === Math.min(...among.map(({ totals }) => by(totals)));
      }),
    );
  });
});
