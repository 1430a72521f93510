import { describe, expect, test } from '@jest/globals';
import type { KpaConfig, KpaDecision } from '../../../../lib/simulator/baselines/knative/scale.ts';
import { KPA_DEFAULTS, makeKpa } from '../../../../lib/simulator/baselines/knative/scale.ts';
import { makeKpaWindows } from '../../../../lib/simulator/baselines/knative/windows.ts';
import { expectNear, testVectors } from '../../../support/vectors.ts';

type Config = KpaConfig & { readonly readyReplicasAtCreation: number; readonly clockStartUnixMs: number };
type Input = {
  readonly readyReplicas: number;
  /** Why the pods could not be counted; `notFound` counts as none. */
  readonly readyError?: string;
  readonly reachable?: boolean;
  readonly samplesSinceLastStep: readonly (readonly [tMs: number, value: number])[];
  readonly stableValue: number | null;
  readonly panicValue: number | null;
};

testVectors<Config, Input, KpaDecision>('knativeKpa', ({ config, steps }) => {
  const startMs = config.clockStartUnixMs;
  const windows = makeKpaWindows(config);
  const create = () => makeKpa(config, { readyReplicas: config.readyReplicasAtCreation, atMs: startMs });
  const [fromSamples, fromReadings] = [create(), create()];
  for (const { tMs, input, expect: expected } of steps) {
    for (const [atMs, value] of input.samplesSinceLastStep) windows.record(value, startMs + atMs);
    const readings = windows.read(startMs + tMs);
    // Where the pods could not be counted the original never came to read its windows.
    if (input.stableValue !== null || input.readyError === undefined) {
      expectNear(readings.stableValue, input.stableValue, { where: `stable average at ${tMs} ms`, ratio: 1e-9 });
      expectNear(readings.panicValue, input.panicValue, { where: `panic average at ${tMs} ms`, ratio: 1e-9 });
    }
    const readyReplicas = readyOf(input);
    const seen = { readyReplicas, isReachable: input.reachable ?? true };
    const { stableValue, panicValue } = input;
    const decisions = [
      fromSamples.scale({ ...seen, ...readings }, startMs + tMs),
      fromReadings.scale({ ...seen, stableValue, panicValue }, startMs + tMs),
    ];
    expect({ tMs, decisions }).toEqual({ tMs, decisions: [expected, expected] });
  }
});

function readyOf({ readyError, readyReplicas }: Input): number | null {
  if (readyError === undefined) return readyReplicas;
  return readyError === 'notFound' ? 0 : null;
}

const ready = (readyReplicas: number, value: number | null) => ({
  readyReplicas,
  isReachable: true,
  stableValue: value,
  panicValue: value,
});

describe('makeKpa', () => {
  test('panics when the short window asks for twice the ready pods, and then never shrinks', () => {
    const kpa = makeKpa(KPA_DEFAULTS, { readyReplicas: 2, atMs: 0 });
    const burst = kpa.scale({ ...ready(2, 300), panicValue: 500 }, 100_000);
    expect(burst).toMatchObject({ desiredPodCount: 8, excessBurstCapacity: -511, panicking: true });
    expect(kpa.scale(ready(8, 70), 160_000)).toMatchObject({ desiredPodCount: 8, panicking: true });
    expect(kpa.scale(ready(8, 70), 160_001)).toMatchObject({ desiredPodCount: 4, panicking: false, maxPanicPods: 0 });
  });

  test('starts in panic when pods are ready at its creation', () => {
    const kpa = makeKpa(KPA_DEFAULTS, { readyReplicas: 6, atMs: 0 });
    expect(kpa.scale(ready(6, 0), 2000)).toMatchObject({ desiredPodCount: 6, panicking: true });
  });

  test('decides nothing without data or without a count of pods', () => {
    const kpa = makeKpa(KPA_DEFAULTS, { readyReplicas: 1, atMs: 0 });
    expect(kpa.scale(ready(1, null), 2000).scaleValid).toBe(false);
    expect(kpa.scale({ ...ready(1, 50), readyReplicas: null }, 4000).scaleValid).toBe(false);
  });

  test('holds the largest count of the scale-down delay', () => {
    const kpa = makeKpa({ ...KPA_DEFAULTS, scaleDownDelayMs: 10_000 }, { readyReplicas: 1, atMs: 0 });
    const counts = [100, 0, 0, 0, 0, 0].map((value, index) => kpa.scale(ready(2, value), index * 2000).desiredPodCount);
    expect(counts).toEqual([2, 2, 2, 2, 2, 1]);
  });
});
