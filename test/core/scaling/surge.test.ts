/** A jump of arrivals, as a gateway's reports every two seconds show it through the real window: seen within seconds, and noise is not taken for one. */
import { describe, expect, test } from '@jest/globals';
import { EMPTY_CONTROL } from '../../../lib/core/carried-outcome.ts';
import { newMembers } from '../../../lib/core/forecast/outlook.ts';
import type { ForecastState } from '../../../lib/core/forecast/forecast.ts';
import { NOTHING_MEASURED } from '../../../lib/core/forecast/errors.ts';
import { LEVEL_MS } from '../../../lib/core/forecast/levels.ts';
import { sizeSurge } from '../../../lib/core/scaling/surge.ts';
import { EMPTY_DRAFT } from '../../../lib/core/trail.ts';
import type { Reading } from '../../../lib/core/types.ts';
import { missing, readings, T0, value, workloadInput, workloadPolicy } from '../builders.ts';
import { arrivalsCourse, reactionsSec } from './poisson.ts';

const replicas = { min: 1, max: 200 };
const byRate = workloadPolicy({ replicas, signals: [{ kind: 'requestRate', perReplicaPerSec: 5 }] });
const byInFlight = workloadPolicy({ replicas, signals: [{ kind: 'inFlight', perReplica: 8 }] });

const STEADY = { serviceSec: 3, seeds: 100 };

const within = (reactions: readonly number[], sec: number): number => reactions.filter((took) => took <= sec).length;

describe('a jump of arrivals', () => {
  test('100 requests/s that double raise the count within 3 s for at least 95 of 100 seeds, and for all within 5 s', () => {
    const reactions = reactionsSec(byRate, { ...STEADY, perSec: 100, factor: 2 });
    expect(within(reactions, 3)).toBeGreaterThanOrEqual(95);
    expect(within(reactions, 5)).toBe(100);
  });

  test('the same seeds without a jump hardly ever raise it', () => {
    expect(within(reactionsSec(byRate, { ...STEADY, perSec: 100, factor: 1 }), 3)).toBeLessThanOrEqual(2);
  });

  test('10 requests/s that double raise the count of an in-flight policy within 10 s for at least 95 of 100 seeds', () => {
    expect(within(reactionsSec(byInFlight, { ...STEADY, perSec: 10, factor: 2 }), 10)).toBeGreaterThanOrEqual(95);
  });

  test('a steady 100 requests/s is not mistaken for a jump in an hour of 1,800 looks', () => {
    let [looks, alarms, lastSec] = [0, 0, -Infinity];
    arrivalsCourse({
      policy: byRate,
      seed: 7,
      perSec: 100,
      untilSec: 3_600,
      look: ({ sec, rules }) => {
        looks++;
        if (!rules.includes('surge')) return false;
        if (sec - lastSec > 60) alarms++;
        lastSec = sec;
        return false;
      },
    });
    expect(looks).toBe(1_800);
    expect(alarms).toBe(0);
  });
});

/** Twenty replicas' worth for an hour; a request is 0.2 replica-seconds. */
function steady(over: Partial<ForecastState> = {}): ForecastState {
  const members = newMembers(LEVEL_MS.length, 0.005);
  return {
    atMs: T0 - 4_000,
    sinceMs: T0 - 3_600_000,
    levels: LEVEL_MS.map(() => 20),
    mean: 20,
    variance: 0,
    peak: 21,
    ring: [],
    members,
    loads: NOTHING_MEASURED,
    says: members,
    saidMs: T0,
    comparedMs: T0,
    missRatio: 0.005,
    measured: 200,
    ...over,
  };
}

function sized(
  surgeRate: Reading,
  over: Partial<ForecastState> | null = {},
  perRequest: number | null = 0.2,
): number | null {
  const control = over === null ? undefined : { ...EMPTY_CONTROL, forecast: steady(over) };
  const input = workloadInput({ readings: readings({ surgeRate }), control });
  return sizeSurge({ ...EMPTY_DRAFT, replicas: 21 }, { input, perRequest }).replicas;
}

describe('sizeSurge', () => {
  test('what a reading is a mean over says how noisy it is: 130 requests/s are noise over 2 s and a jump over 6 s', () => {
    expect(sized(value(130, { overMs: 2_000 }))).toBe(21);
    expect(sized(value(130, { overMs: 6_000 }))).toBe(26);
    expect(sized(value(140, { overMs: 2_000 }))).toBe(28);
  });

  test('a load that has been wild needs a larger jump', () => {
    expect(sized(value(140, { overMs: 4_000 }), { variance: 0 })).toBe(28);
    expect(sized(value(140, { overMs: 4_000 }), { variance: 4 })).toBe(21);
  });

  test('nothing is raised while the usual load, the work of a request or the arrivals are not known', () => {
    expect(sized(value(400), null)).toBe(21);
    expect(sized(value(400), { sinceMs: T0 - 60_000 })).toBe(21);
    expect(sized(value(400), {}, null)).toBe(21);
    expect(sized(missing())).toBe(21);
    expect(sized(value(400))).toBe(80);
  });

  test('it never lowers a count', () => {
    expect(sized(value(0))).toBe(21);
  });
});
