import { describe, expect, test } from '@jest/globals';
import { aibrix } from '../../../lib/simulator/baselines/aibrix.ts';
import { replicasAt, runToyPlant, toyOptions, viewOf } from '../../support/toy-plant.ts';

const sample = {
  atMs: 0,
  arrivalsPerSec: 20,
  completedPerSec: 20,
  running: 24,
  queued: 0,
  inputTokensPerSec: 2000,
  outputTokensPerSec: 400,
  kvRatio: 0.2,
  readyReplicas: 2,
};
const pod = { createdMs: 0, readyMs: 0 };

describe('aibrix', () => {
  test('two pods with 12 requests each at a target of 7.5 become four', () => {
    const view = viewOf({
      nowMs: 0,
      pods: [
        { ...pod, id: 1 },
        { ...pod, id: 2 },
      ],
      samples: [sample],
    });
    expect(aibrix.create(toyOptions).decide(view)).toBe(4);
  });

  test('a starting pod counts as a replica and as a zero', () => {
    const pods = [
      { ...pod, id: 1 },
      { ...pod, id: 2 },
      { ...pod, id: 3, readyMs: null },
    ];
    expect(aibrix.create(toyOptions).decide(viewOf({ nowMs: 0, pods, samples: [sample] }))).toBe(3);
  });

  test('holds while nothing was sampled, and at zero replicas', () => {
    const fresh = aibrix.create(toyOptions);
    const pods = [
      { ...pod, id: 1 },
      { ...pod, id: 2 },
    ];
    expect(fresh.decide(viewOf({ nowMs: 0, pods, samples: [] }))).toBe(2);
    expect(fresh.decide(viewOf({ nowMs: 10_000, pods: [], samples: [sample] }))).toBe(0);
  });

  test('grows under load within its bounds, the same way for the same seed', () => {
    const load = { ratePerSec: (atMs: number) => (atMs < 300_000 ? 12 : 60), untilMs: 1_800_000 };
    const run = runToyPlant(aibrix.create(toyOptions), load);
    expect(replicasAt(run, 300_000)).toBe(2);
    expect(Math.max(...run.map(({ replicas }) => replicas))).toBeGreaterThanOrEqual(5);
    expect(run.every(({ replicas }) => replicas >= 1 && replicas <= 20)).toBe(true);
    expect(runToyPlant(aibrix.create(toyOptions), load)).toEqual(run);
  });
});
