import { describe, expect, test } from '@jest/globals';
import { aibrixAutoscaler } from '../../../../lib/simulator/baselines/aibrix/rule.ts';
import type { AibrixDecision, AibrixReading, AibrixSettings } from '../../../../lib/simulator/baselines/aibrix/rule.ts';
import { expectNear, testVectors } from '../../../support/vectors.ts';

type Input = { readonly currentReplicas: number; readonly metrics: readonly AibrixReading[] };
type Expected = AibrixDecision & { readonly shouldScale: boolean };

for (const algorithm of ['aibrixKpa', 'aibrixApa']) {
  testVectors<AibrixSettings, Input, Expected>(algorithm, ({ config, steps }) => {
    const decide = aibrixAutoscaler(config);
    for (const { tMs, input, expect: wanted } of steps) {
      const decision = decide({ currentReplicas: input.currentReplicas, readings: input.metrics }, tMs);
      const shouldScale = decision.desiredReplicas !== input.currentReplicas;
      expect({ tMs, ...wholeNumbers(decision), shouldScale }).toEqual({
        tMs,
        ...wholeNumbers(wanted),
        shouldScale: wanted.shouldScale,
      });
      expectAllNear(`stable at ${tMs} ms`, { actual: decision.stableValues, expected: wanted.stableValues });
      expectAllNear(`panic at ${tMs} ms`, { actual: decision.panicValues, expected: wanted.panicValues });
    }
  });
}

function expectAllNear(
  where: string,
  { actual, expected }: { readonly actual: readonly number[]; readonly expected: readonly number[] },
): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, index) => expectNear(actual[index] ?? null, value, { where }));
}

function wholeNumbers({ desiredReplicas, error, recommendation }: AibrixDecision): object {
  return { desiredReplicas, error, recommendation };
}

const apa: AibrixSettings = {
  strategy: 'APA',
  targetValues: [10],
  minReplicas: 1,
  maxReplicas: 20,
  stableWindowMs: 30_000,
  panicWindowMs: 10_000,
  panicThreshold: 2,
  maxScaleUpRate: 2,
  maxScaleDownRate: 2,
  upTolerance: 0.1,
  downTolerance: 0.1,
  scaleUpCooldownMs: 0,
  scaleDownCooldownMs: 60_000,
};

describe('aibrixAutoscaler', () => {
  test('APA grows by the ratio of mean to target, at most twofold, and holds within the tolerance', () => {
    expect(aibrixAutoscaler(apa)({ currentReplicas: 4, readings: [{ podValues: [15, 13] }] }, 0).desiredReplicas).toBe(
      6,
    );
    expect(aibrixAutoscaler(apa)({ currentReplicas: 4, readings: [{ value: 90 }] }, 0).desiredReplicas).toBe(8);
    expect(aibrixAutoscaler(apa)({ currentReplicas: 4, readings: [{ value: 10.9 }] }, 0).desiredReplicas).toBe(4);
  });

  test('on the way down it takes the lowest recommendation of the cooldown', () => {
    const decide = aibrixAutoscaler({ ...apa, stableWindowMs: 1000 });
    expect(decide({ currentReplicas: 3, readings: [{ value: 10 }] }, 0).desiredReplicas).toBe(3);
    expect(decide({ currentReplicas: 10, readings: [{ value: 7 }] }, 10_000).desiredReplicas).toBe(3);
    expect(decide({ currentReplicas: 10, readings: [{ value: 7 }] }, 71_000).desiredReplicas).toBe(7);
  });

  test('KPA divides the mean over pods by the target: four pods at 12 with target 10 become two', () => {
    const decide = aibrixAutoscaler({ ...apa, strategy: 'KPA' });
    expect(decide({ currentReplicas: 4, readings: [{ podValues: [12, 12, 12, 12] }] }, 0).desiredReplicas).toBe(2);
  });

  test('holds with an error when every pod fails, and without one when there are none', () => {
    const decide = aibrixAutoscaler(apa);
    expect(decide({ currentReplicas: 4, readings: [{ podValues: [null, null] }] }, 0)).toMatchObject({
      desiredReplicas: 4,
      error: true,
    });
    decide({ currentReplicas: 4, readings: [{ value: 10 }] }, 10_000);
    expect(decide({ currentReplicas: 4, readings: [{}] }, 20_000)).toMatchObject({ desiredReplicas: 4, error: false });
  });
});
