/** The level follows, the trend is damped, the factor is measured, and one early mistake is no quantile. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { errorQuantile, noErrors, withError } from '../../../lib/core/forecast/errors.ts';
import { advanceForecast, forecastOf, neededNow } from '../../../lib/core/forecast/forecast.ts';
import type { ForecastState } from '../../../lib/core/forecast/forecast.ts';

const T0 = 1_763_920_800_000;
const HORIZON_MS = 190_000;

/** A memory after `minutes` of `demandAt(second)`, looked at every 5 s. */
function after(minutes: number, demandAt: (sec: number) => number): ForecastState {
  let state: ForecastState | undefined;
  for (let sec = 0; sec <= minutes * 60; sec += 5) {
    state = advanceForecast(state, {
      nowMs: T0 + sec * 1000,
      demand: demandAt(sec),
      horizonMs: HORIZON_MS,
      waitMs: 2_000,
    });
  }
  if (state === undefined) throw new Error('nothing was measured');
  return state;
}

const swing = (sec: number): number => 6 + 3 * Math.sin((sec / 900) * 2 * Math.PI);

const ask = { horizonMs: HORIZON_MS, quantileRatio: 0.95 };

describe('advanceForecast and forecastOf', () => {
  test('a constant load is expected to stay, and needs next to no room after an hour of it', () => {
    const forecast = forecastOf(
      after(60, () => 6),
      ask,
    );
    expect(forecast.expected).toBeCloseTo(6, 3);
    expect(forecast.factor).toBeLessThan(1.06);
  });

  test('a steady ramp is expected to go on, damped', () => {
    const perSec = 1 / 60;
    const forecast = forecastOf(
      after(30, (sec) => 5 + sec * perSec),
      ask,
    );
    const now = 5 + 1_800 * perSec;
    expect(forecast.expected).toBeGreaterThan(now);
    expect(forecast.expected).toBeLessThan(now + (HORIZON_MS / 1000) * perSec);
  });

  test('a load that swings needs room for its swings, however they were forecast', () => {
    const { expected, factor } = forecastOf(after(240, swing), ask);
    expect(factor).toBeGreaterThan(1.2);
    expect(expected).toBeGreaterThan(0);
  });

  test('the first minutes and a gap of more than ten teach nothing', () => {
    expect(after(1.9, () => 3).pending).toEqual([]);
    const state = after(60, () => 6);
    const later = { nowMs: state.atMs + 3_600_000, demand: 60, horizonMs: HORIZON_MS, waitMs: 2_000 };
    const anew = advanceForecast(state, later);
    expect(anew).toMatchObject({ fast: 60, slow: 60, pending: [], errors: state.errors, measured: state.measured });
  });

  test('the memory stays small and survives JSON', () => {
    const state = after(600, (sec) => 5 + (sec % 97) / 10);
    expect(JSON.stringify(state).length).toBeLessThan(2_500);
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
    expect(state.pending.length).toBeLessThanOrEqual(16);
  });

  test('more demand now never gives less of a forecast', () => {
    const before = after(60, (sec) => 4 + (sec % 60) / 30);
    const at = (demand: number): number => {
      const state = advanceForecast(before, {
        nowMs: before.atMs + 5_000,
        demand,
        horizonMs: HORIZON_MS,
        waitMs: 2_000,
      });
      const { expected, factor } = forecastOf(state, ask);
      return expected * factor;
    };
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1_000, noNaN: true }),
        fc.double({ min: 0, max: 1_000, noNaN: true }),
        (one, other) => {
          expect(at(Math.max(one, other))).toBeGreaterThanOrEqual(at(Math.min(one, other)) - 1e-5);
        },
      ),
    );
  });
});

describe('neededNow', () => {
  test('a peak of 15 s needs three fifths of its height when 10 s of waiting are allowed, and nearly all of it when none is', () => {
    expect(neededNow({ fast: 4, slow: 4 }, { demand: 10, waitMs: 10_000 })).toBeCloseTo(6, 9);
    expect(neededNow({ fast: 4, slow: 4 }, { demand: 10, waitMs: 0 })).toBe(10);
  });
});

describe('errorQuantile', () => {
  test('of a few measurements the largest is no 99.5 %', () => {
    const once = withError(noErrors(), { ratio: 5, keepRatio: 1 });
    expect(errorQuantile(once, 0.995)).toBeLessThan(1.3);
    let often = noErrors();
    for (let count = 0; count < 50; count++) often = withError(often, { ratio: 2, keepRatio: 1 });
    expect(errorQuantile(often, 0.95)).toBeCloseTo(2, 1);
  });

  test('is never below a measured share, and grows with what is asked', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.3, max: 4, noNaN: true }), { minLength: 30, maxLength: 200 }),
        (ratios) => {
          const histogram = ratios.reduce((all, ratio) => withError(all, { ratio, keepRatio: 1 }), noErrors());
          const [half, most] = [errorQuantile(histogram, 0.5), errorQuantile(histogram, 0.9)];
          expect(most).toBeGreaterThanOrEqual(half);
          const covered = ratios.filter((ratio) => ratio <= most * 1.000001).length;
          // The prior has a say worth twenty measurements.
          expect(covered).toBeGreaterThanOrEqual(0.9 * (ratios.length + 20) - 20 - 1);
        },
      ),
    );
  });
});
