/** Levels follow, factors are measured by what would have been ready, shares go to who was right, and a surprise decides only once its answer is ready. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import {
  NOTHING_MEASURED,
  errorQuantile,
  noErrors,
  withError,
  worthwhileFactor,
} from '../../../lib/core/forecast/errors.ts';
import { advanceForecast, forecastOf } from '../../../lib/core/forecast/forecast.ts';
import type { ForecastState, Measured } from '../../../lib/core/forecast/forecast.ts';
import { LEVEL_MS, moved, neededNow } from '../../../lib/core/forecast/levels.ts';
import { MISS_RATIO, steered } from '../../../lib/core/forecast/miss-ratio.ts';
import { boundOf, expectedOf, learned, newMembers, readyBy } from '../../../lib/core/forecast/outlook.ts';

const T0 = 1_763_920_800_000;

function measured(over: Partial<Measured>): Measured {
  return {
    nowMs: T0,
    demand: 6,
    horizonMs: 190_000,
    holdMs: 180_000,
    waitMs: 2_000,
    sloMissRatio: 0.001,
    starting: false,
    missed: 0,
    limits: MISS_RATIO.balanced,
    ...over,
  };
}

/** A memory after `minutes` of `demandAt(second)`, looked at every 5 s. */
function after(
  minutes: number,
  of: { readonly demandAt: (sec: number) => number; readonly starting?: boolean },
): ForecastState {
  let state: ForecastState | undefined;
  for (let sec = 0; sec <= minutes * 60; sec += 5) {
    const now = measured({
      nowMs: T0 + sec * 1000,
      demand: of.demandAt(sec),
      starting: of.starting === true && sec > 3_600,
    });
    state = advanceForecast(state, now);
  }
  if (state === undefined) throw new Error('nothing was measured');
  return state;
}

const constant = (): number => 6;
const swing = (sec: number): number => 6 + 3 * Math.sin((sec / 900) * 2 * Math.PI);
/** A burst of ten seconds every five minutes over next to nothing. */
const bursts = (sec: number): number => (sec % 300 < 10 ? 40 : 0.5);

/** Five times the load after an hour. */
const surprise = (sec: number): number => (sec > 3_600 ? 30 : 6);
const surprisedAt = (sec: number, starting: boolean): ForecastState =>
  after(sec / 60, { demandAt: surprise, starting });

describe('advanceForecast and forecastOf', () => {
  test('a constant load needs next to no room after hours of it, and no less than itself', () => {
    const { bound, expected } = forecastOf(after(600, { demandAt: constant }));
    expect(expected).toBeCloseTo(6, 3);
    expect(bound).toBeGreaterThanOrEqual(5.9);
    expect(bound).toBeLessThan(6.4);
  });

  test('a load that swings faster than replicas start is met at its peaks', () => {
    const state = after(600, { demandAt: swing });
    expect(forecastOf(state).bound).toBeGreaterThan(8);
    expect(forecastOf(state).bound).toBeLessThan(13);
  });

  test('bursts over a lull: the bound stays near what the bursts need, in the lull too, and not at multiples of it', () => {
    const { bound } = forecastOf(after(600, { demandAt: bursts }));
    const need = neededNow(
      LEVEL_MS.map(() => 0.5),
      { demand: 40, waitMs: 2_000 },
    );
    expect(bound).toBeGreaterThan(need * 0.8);
    expect(bound).toBeLessThanOrEqual(need * 1.5 + 1e-9);
  });

  test('what a surprise taught decides at once when nothing starts, and not before a horizon while replicas start', () => {
    expect(surprisedAt(3_660, true).says).toEqual(surprisedAt(3_600, true).says);
    expect(surprisedAt(3_660, false).says).not.toEqual(surprisedAt(3_600, false).says);
    expect(surprisedAt(3_900, true).says).not.toEqual(surprisedAt(3_600, true).says);
  });

  test('a gap of more than ten minutes starts the levels anew and keeps what was measured', () => {
    const state = after(120, { demandAt: swing });
    const anew = advanceForecast(state, measured({ nowMs: state.atMs + 3_600_000, demand: 60 }));
    expect(anew.levels).toEqual(LEVEL_MS.map(() => 60));
    expect(anew).toMatchObject({ ring: [], members: state.members, measured: state.measured });
  });

  test('two evaluations in one millisecond change nothing but what they read', () => {
    const first = advanceForecast(undefined, measured({}));
    const second = advanceForecast(first, measured({ demand: 60 }));
    expect(second.levels).toEqual(first.levels);
    expect(second.mean).toBe(first.mean);
  });

  test('the memory stays small and survives JSON', () => {
    for (const demandAt of [swing, bursts]) {
      const state = after(900, { demandAt });
      expect(JSON.stringify(state).length).toBeLessThan(9_000);
      expect(JSON.parse(JSON.stringify(state))).toEqual(state);
    }
  });

  test('what one burst taught is forgotten after days', () => {
    const state = after(6_000, { demandAt: (sec) => (sec > 36_000 && sec < 36_600 ? 30 : 6) });
    expect(forecastOf(state).bound).toBeLessThan(6.6);
  });

  test('more demand now never gives a smaller bound', () => {
    const before = after(120, { demandAt: swing });
    const boundAt = (demand: number): number =>
      forecastOf(advanceForecast(before, measured({ nowMs: before.atMs + 5_000, demand }))).bound;
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 100, noNaN: true }),
        fc.double({ min: 0, max: 10, noNaN: true }),
        (a, more) => {
          expect(boundAt(a + more)).toBeGreaterThanOrEqual(boundAt(a) - 1e-5);
        },
      ),
    );
  });
});

describe('levels', () => {
  test('a mean moves towards the demand, the faster the shorter it is', () => {
    const levels = moved([1, 1, 1, 1, 1], { demand: 2, dtMs: 5_000, ageMs: 86_400_000 });
    expect(levels.toSorted((a, b) => b - a)).toEqual(levels);
    expect(levels[0]).toBeCloseTo(1 + (1 - Math.exp(-0.25)), 5);
  });

  test('a short peak needs less than its height, what lasted for minutes all of it', () => {
    expect(neededNow([0, 0, 0, 0, 0], { demand: 10, waitMs: 10_000 })).toBeCloseTo(6, 9);
    expect(neededNow([0, 0, 10, 0, 0], { demand: 0, waitMs: 10_000 })).toBe(10);
  });
});

describe('readyBy', () => {
  test('what is ready was asked for a horizon ago and not let go since', () => {
    const ring = [0, 10, 20, 30, 40].map((sec, index) => [sec * 1000, [[5, 2, 9, 1, 1][index] ?? 0]] as const);
    // Asked for until 20 s and held for 10 s: at 20 s 9, at 30 s still 9, at 40 s 1.
    expect(readyBy(ring, { nowMs: 40_000, horizonMs: 20_000, holdMs: 10_000 })).toEqual([1]);
    expect(readyBy(ring, { nowMs: 40_000, horizonMs: 20_000, holdMs: 20_000 })).toEqual([9]);
    expect(readyBy(ring, { nowMs: 40_000, horizonMs: 50_000, holdMs: 10_000 })).toBeNull();
  });
});

/** As its definition says, looking everything up anew. */
function readyNaively(
  ring: readonly (readonly [number, readonly number[]])[],
  at: { readonly nowMs: number; readonly horizonMs: number; readonly holdMs: number },
): number {
  const asked = ring.filter(([atMs]) => atMs >= at.nowMs - at.horizonMs);
  const heldAt = (askedMs: number): number =>
    Math.max(
      0,
      ...ring.filter(([atMs]) => atMs <= askedMs && atMs >= askedMs - at.holdMs).map(([, [level]]) => level ?? 0),
    );
  return Math.min(...asked.map(([atMs]) => heldAt(atMs)));
}

describe('readyBy, by its definition', () => {
  test('is the least, over what was asked since a horizon, of the greatest within the hold before, for any ring', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.nat(50)), { minLength: 1, maxLength: 64 }),
        fc.nat(600),
        fc.nat(600),
        (steps, horizonSec, holdSec) => {
          let atMs = 0;
          const ring = steps.map(([sec, level]) => [(atMs += sec * 1_000), [level]] as const);
          const at = { nowMs: atMs, horizonMs: horizonSec * 1_000, holdMs: holdSec * 1_000 };
          const reaches = (ring[0]?.[0] ?? 0) <= atMs - at.horizonMs;
          expect(readyBy(ring, at)).toEqual(reaches ? [readyNaively(ring, at)] : null);
        },
      ),
    );
  });
});

describe('learned', () => {
  const met = { needed: 10, weight: 1, ready: [10, 2] };

  test('who was right may say nearly all after some comparisons; shares add up to one', () => {
    let members = newMembers(2, 0.01);
    expect(members.map(({ share }) => share)).toEqual([0.5, 0.5]);
    for (let turn = 0; turn < 40; turn++)
      members = learned(members, {
        met,
        stepMs: 15_000,
        keepRatio: 1,
        missRatio: 0.01,
        meanLoad: 10,
        worth: Infinity,
        limits: noErrors(),
      });
    const [right, wrong] = members;
    expect((right?.share ?? 0) + (wrong?.share ?? 0)).toBeCloseTo(1, 9);
    expect(right?.share).toBeGreaterThan(0.9);
    // It has learned by what it falls short, all the same.
    expect(wrong?.factor).toBeGreaterThan(4.5);
    expect(right?.factor).toBeLessThan(1.5);
  });

  test('the bound is the sum of levels by factor and share, what is expected is the same without factors', () => {
    const says = [
      { factor: 2, share: 0.75 },
      { factor: 1, share: 0.25 },
    ];
    expect(boundOf(says, [4, 8])).toBe(8);
    expect(expectedOf(says, [4, 8])).toBe(5);
  });
});

describe('errors', () => {
  test('the quantile is the ratio that all but the asked share of the weight stayed under', () => {
    let histogram = noErrors();
    for (let index = 0; index < 1_000; index++) {
      histogram = withError(histogram, { ratio: 1 + index / 1_000, weight: 1, keepRatio: 1 });
    }
    expect(errorQuantile(histogram, 0.1)).toBeGreaterThan(1.8);
    expect(errorQuantile(histogram, 0.1)).toBeLessThan(1.95);
  });

  test('one early mistake is no quantile, and old ones fade', () => {
    const once = withError(noErrors(), { ratio: 30, weight: 1, keepRatio: 1 });
    expect(errorQuantile(once, 0.005)).toBeLessThan(31);
    let histogram = once;
    for (let index = 0; index < 400; index++) {
      histogram = withError(histogram, { ratio: 1, weight: 1, keepRatio: 0.97 });
    }
    expect(errorQuantile(histogram, 0.005)).toBeLessThan(1.1);
  });

  test('a small weight that fades by little at once is gone in the end', () => {
    let histogram = withError(NOTHING_MEASURED, { ratio: 8, weight: 0.02, keepRatio: 1 });
    for (let hour = 0; hour < 24 * 6; hour++)
      histogram = withError(histogram, { ratio: 1, weight: 1, keepRatio: 0.5 ** (1 / 24) });
    expect(histogram.weights.filter((weight) => weight > 0)).toHaveLength(1);
  });

  test('a larger ratio never gives a smaller quantile', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.01, max: 100, noNaN: true }), { minLength: 1, maxLength: 30 }),
        fc.double({ min: 1, max: 3, noNaN: true }),
        (ratios, more) => {
          const of = (by: number): number =>
            errorQuantile(
              ratios.reduce(
                (histogram, ratio) => withError(histogram, { ratio: ratio * by, weight: 1, keepRatio: 1 }),
                noErrors(),
              ),
              0.01,
            );
          expect(of(more)).toBeGreaterThanOrEqual(of(1) - 1e-9);
        },
      ),
    );
  });
});

/** A mild day, and one request in so many that meets five times the load. */
function twoKinds(share: number): ReturnType<typeof noErrors> {
  let histogram = NOTHING_MEASURED;
  for (let index = 0; index < 1_000; index++)
    histogram = withError(histogram, { ratio: 1 + index / 10_000, weight: 1, keepRatio: 1 });
  return withError(histogram, { ratio: 5, weight: 1_000 * share, keepRatio: 1 });
}

describe('worthwhileFactor', () => {
  const limits = NOTHING_MEASURED;
  const factorOf = (share: number, worth: number, bound = limits): number => {
    const errors = twoKinds(share);
    const factor = errorQuantile(errors, 0.004);
    return worthwhileFactor(errors, { factor, missRatio: 0.004, worth, limits: bound });
  };

  test('a thin tail is paid for up to its quantile', () => {
    expect(factorOf(0, 100)).toBe(errorQuantile(twoKinds(0), 0.004));
  });

  test('a burst that few requests meet is not paid for all the time, one that many meet is', () => {
    expect(factorOf(0.01, 100)).toBeLessThan(1.2);
    expect(factorOf(0.1, 100)).toBeGreaterThan(4.8);
    expect(factorOf(0.01, 1_000)).toBeGreaterThan(4.8);
    expect(factorOf(0.01, Infinity)).toBeGreaterThan(4.8);
  });

  test('room that another limit takes away anyway costs nothing', () => {
    const bound = withError(NOTHING_MEASURED, { ratio: 1.3, weight: 100, keepRatio: 1 });
    expect(factorOf(0.01, 100, bound)).toBeGreaterThan(4.8);
  });

  test('is never above the quantile, and no smaller for more worth', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.double({ min: 0.2, max: 30, noNaN: true }), fc.double({ min: 0.1, max: 9, noNaN: true })),
          {
            minLength: 1,
            maxLength: 30,
          },
        ),
        fc.double({ min: 1, max: 1_000, noNaN: true }),
        (ratios, worth) => {
          const errors = ratios.reduce(
            (histogram, [ratio, weight]) => withError(histogram, { ratio, weight, keepRatio: 1 }),
            NOTHING_MEASURED,
          );
          const factor = errorQuantile(errors, 0.01);
          const [less, more] = [worth, 2 * worth].map((each) =>
            worthwhileFactor(errors, { factor, missRatio: 0.01, worth: each, limits }),
          );
          expect(more).toBeLessThanOrEqual(factor);
          expect(less).toBeLessThanOrEqual((more ?? 0) + 1e-9);
        },
      ),
    );
  });
});

describe('steered', () => {
  const by = { stepMs: 15_000, horizonMs: 70_000, weight: 1, sloMissRatio: 0.001, limits: MISS_RATIO.balanced };

  test('without misses it is relaxed slowly, with one it is tightened at once, within the limits of the risk', () => {
    expect(steered(0.005, { ...by, missed: 0 })).toBeGreaterThan(0.005);
    expect(steered(0.005, { ...by, missed: 0 })).toBeLessThan(0.0051);
    expect(steered(0.005, { ...by, missed: 1 })).toBeLessThan(0.0043);
    let ratio = 0.005;
    for (let index = 0; index < 50; index++) ratio = steered(ratio, { ...by, missed: 1 });
    expect(ratio).toBe(MISS_RATIO.balanced.min);
  });

  test('the least ratio is left again after days without a miss', () => {
    let ratio: number = MISS_RATIO.balanced.min;
    for (let step = 0; step < 3 * 5_760; step++) ratio = steered(ratio, { ...by, missed: 0 });
    expect(ratio).toBe(MISS_RATIO.balanced.max);
  });

  test('where replicas start slowly it is relaxed as slowly: one surprise in as long as the objective allows keeps it where it is', () => {
    const slow = { ...by, horizonMs: 430_000 };
    let ratio = 0.005;
    for (let at = 0; at < 430_000; at += 15_000) ratio = steered(ratio, { ...slow, missed: 1 });
    for (let at = 0; at < 430_000_000; at += 15_000) ratio = steered(ratio, { ...slow, missed: 0 });
    expect(ratio / 0.005).toBeGreaterThan(0.9);
    expect(ratio / 0.005).toBeLessThan(1.1);
  });

  test('missing as often as the objective allows keeps it where it is', () => {
    let ratio = 0.005;
    for (let index = 0; index < 10_000; index++) {
      ratio = steered(ratio, { ...by, sloMissRatio: 0.01, missed: index % 100 === 0 ? 1 : 0 });
    }
    expect(ratio).toBeGreaterThan(0.004);
    expect(ratio).toBeLessThan(0.006);
  });
});
