import { describe, expect, test } from '@jest/globals';
import { proposeReplicas } from '../../../../lib/simulator/baselines/hpa/replicas.ts';
import { makeHpa } from '../../../../lib/simulator/baselines/hpa/rule.ts';
import type { HpaConfig, HpaInput, HpaReading } from '../../../../lib/simulator/baselines/hpa/types.ts';
import { HPA_BEHAVIOR_DEFAULTS, HPA_DEFAULTS } from '../../../../lib/simulator/baselines/hpa/types.ts';
import { testVectors } from '../../../support/vectors.ts';

type Expected = {
  readonly desiredReplicas: number;
  readonly metricProposals: readonly (number | null)[];
  readonly error?: boolean;
};

testVectors<HpaConfig, HpaInput, Expected>('kubernetesHpaV2', ({ config, steps }) => {
  const hpa = makeHpa(config);
  for (const { tMs, input, expect: expected } of steps) {
    const metricProposals = config.metrics.map((_, index) => proposeReplicas(config, { input, index, nowMs: tMs }));
    const { desiredReplicas, error } = hpa.sync(input, tMs);
    const { metricProposals: proposals, error: isError = false } = expected;
    expect({ tMs, desiredReplicas, error, metricProposals }).toEqual({
      tMs,
      desiredReplicas: expected.desiredReplicas,
      error: isError,
      metricProposals: proposals,
    });
  }
});

const config = (overrides: Partial<HpaConfig> = {}): HpaConfig => ({
  ...HPA_DEFAULTS,
  minReplicas: 1,
  maxReplicas: 100,
  metrics: [{ type: 'externalAverageValue', targetMilli: 10_000 }],
  behavior: null,
  ...overrides,
});

const input = (replicas: number, metrics: readonly HpaReading[]): HpaInput => ({
  specReplicas: replicas,
  statusReplicas: replicas,
  podCount: replicas,
  readyReplicas: replicas,
  metrics,
});

/** Syncs every 15 s with the same usage, each from where the last one left. */
const climb = (settings: HpaConfig, from: number, usages: readonly number[]): number[] => {
  const hpa = makeHpa(settings);
  let replicas = from;
  return usages.map((usage, index) => {
    replicas = hpa.sync(input(replicas, [{ valuesMilli: [usage * 1000] }]), index * 15_000).desiredReplicas;
    return replicas;
  });
};

describe('proposeReplicas', () => {
  test.each([
    [4, 43, 4],
    [4, 45, 5],
    [4, 35, 4],
    [4, 30, 3],
    [0, 45, 5],
  ])('with %d replicas and a usage of %d at 10 each asks for %d', (replicas, usage, expected) => {
    const sync = { input: input(replicas, [{ valuesMilli: [usage * 1000] }]), index: 0, nowMs: 0 };
    expect(proposeReplicas(config(), sync)).toBe(expected);
  });

  test('takes pods without a sample for idle when the others are overloaded', () => {
    const pods = ['a', 'b', 'c', 'd'].map((name) => ({ name, phase: 'Running' }));
    const sync = { input: { ...input(4, [{ podMilli: { a: 20_000, b: 20_000 } }]), pods }, index: 0, nowMs: 0 };
    const metrics = [{ type: 'podsAverageValue', targetMilli: 10_000 }] as const;
    expect(proposeReplicas(config({ metrics }), sync)).toBe(4);
  });

  test('takes pending pods for idle, so that a small overload is left to them', () => {
    const running = Array.from({ length: 10 }, (_, index) => ({ name: `p${index}`, phase: 'Running' }));
    const podMilli = Object.fromEntries(running.map(({ name }) => [name, 11_500]));
    const metrics = [{ type: 'podsAverageValue', targetMilli: 10_000 }] as const;
    const asked = (pods: HpaInput['pods'] & object): number | null => {
      const sync = { input: { ...input(pods.length, [{ podMilli }]), pods }, index: 0, nowMs: 0 };
      return proposeReplicas(config({ metrics }), sync);
    };
    expect([asked(running), asked([...running, { name: 'new', phase: 'Pending' }])]).toEqual([12, 11]);
  });

  test('sets the CPU of a pod aside that is still starting', () => {
    const old = { phase: 'Running', ready: true, startTimeMs: -900_000, readyTransitionMs: -800_000 };
    const starting = { name: 'c', phase: 'Running', ready: false, startTimeMs: -60_000, readyTransitionMs: -60_000 };
    const pods = [{ name: 'a', ...old }, { name: 'b', ...old }, starting];
    const reading = { podMilli: { a: 500, b: 500, c: 4000 }, timestampMs: -10_000, windowMs: 30_000 };
    const settings = config({ metrics: [{ type: 'cpuAverageValue', targetMilli: 500 }] });
    const sync = { input: { ...input(3, [reading]), pods }, index: 0, nowMs: 0 };
    expect(proposeReplicas(settings, sync)).toBe(3);
    const started = [...pods.slice(0, 2), { name: 'c', ...old }];
    expect(proposeReplicas(settings, { ...sync, input: { ...sync.input, pods: started } })).toBe(10);
  });

  test('is null when no pod has a sample', () => {
    const sync = {
      input: { ...input(1, [{ podMilli: {} }]), pods: [{ name: 'a', phase: 'Running' }] },
      index: 0,
      nowMs: 0,
    };
    const metrics = [{ type: 'podsAverageValue', targetMilli: 10_000 }] as const;
    expect(proposeReplicas(config({ metrics }), sync)).toBeNull();
  });
});

describe('makeHpa', () => {
  test('without behavior doubles at most, and goes to four at once', () => {
    expect(climb(config(), 1, [400, 400, 400, 400, 400, 400])).toEqual([4, 8, 16, 32, 40, 40]);
  });

  test('with behavior adds four pods or doubles in 15 s, and a change 15 s ago counts no more', () => {
    expect(climb(config({ behavior: HPA_BEHAVIOR_DEFAULTS }), 3, [400, 400, 400, 400])).toEqual([7, 14, 28, 40]);
  });

  test('with behavior still sees the change of the last sync when writing takes time', () => {
    const settings = config({ behavior: HPA_BEHAVIOR_DEFAULTS, scaleWriteLatencyMs: 60 });
    expect(climb(settings, 3, [400, 400, 400, 400])).toEqual([7, 7, 14, 14]);
  });

  test('holds for 300 s after the last high proposal: inclusive without behavior, strict with it', () => {
    const usages = [100, ...Array.from({ length: 21 }, () => 10)];
    const legacy = climb(config(), 10, usages);
    const behaved = climb(config({ behavior: HPA_BEHAVIOR_DEFAULTS }), 10, usages);
    expect([legacy.lastIndexOf(10), legacy.at(-1)]).toEqual([20, 1]);
    expect([behaved.lastIndexOf(10), behaved.at(-1)]).toEqual([19, 1]);
  });

  test('shrinks only when every metric is there, grows by any of them', () => {
    const metrics = [1, 2].map(() => ({ type: 'externalAverageValue', targetMilli: 10_000 }) as const);
    const settings = config({ metrics, downscaleStabilizationMs: 0 });
    const sync = (usage: number) =>
      makeHpa(settings).sync(input(5, [{ valuesMilli: [usage * 1000] }, { error: true }]), 0);
    expect(sync(20)).toEqual({ desiredReplicas: 5, error: true });
    expect(sync(80)).toEqual({ desiredReplicas: 8, error: true });
  });

  test('leaves a target at zero that somebody else put there, and returns from its own zero', () => {
    const settings = config({ minReplicas: 0, downscaleStabilizationMs: 0 });
    expect(climb(settings, 0, [50])).toEqual([0]);
    // The first sync still sees the replicas it found, as a proposal of the same instant.
    expect(climb(settings, 1, [0, 0, 50])).toEqual([1, 0, 4]);
  });

  test('jumps to a bound that is broken', () => {
    expect(climb(config({ maxReplicas: 5 }), 9, [400])).toEqual([5]);
    expect(climb(config({ minReplicas: 3 }), 1, [400])).toEqual([3]);
  });
});
