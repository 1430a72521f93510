import { describe, expect, test } from '@jest/globals';
import { aibrix } from '../../../../lib/simulator/baselines/aibrix/aibrix.ts';
import { replicasAt, runToyPlant, toyOptions, viewOf } from '../../../support/toy-plant.ts';

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
const onPods = { ...toyOptions, tuning: { onPods: 1, targetRatio: 0.75 } };

describe('aibrix', () => {
  test('on a total of 20 requests per second at 7.5 a replica two become three, however many start', () => {
    const pods = [
      { ...pod, id: 1 },
      { ...pod, id: 2 },
    ];
    const samples = [{ ...sample, atMs: -20_000 }, sample];
    expect(aibrix.create(toyOptions).decide(viewOf({ nowMs: 0, pods, samples }))).toBe(3);
    const starting = [...pods, { ...pod, id: 3, readyMs: null }];
    expect(aibrix.create(toyOptions).decide(viewOf({ nowMs: 0, pods: starting, samples }))).toBe(3);
  });

  test('on pods two with 12 requests each at a target of 7.5 become four', () => {
    const view = viewOf({
      nowMs: 0,
      pods: [
        { ...pod, id: 1 },
        { ...pod, id: 2 },
      ],
      samples: [sample],
    });
    expect(aibrix.create(onPods).decide(view)).toBe(4);
  });

  test('on pods a starting one counts as a replica: left out of the mean without an address, a zero with one', () => {
    const pods = [
      { ...pod, id: 1 },
      { ...pod, id: 2 },
      { id: 3, createdMs: 0, readyMs: null },
    ];
    // 24 requests over two pods: 5 replicas by the mean of 12, less a third for the one that is pending.
    expect(aibrix.create(onPods).decide(viewOf({ nowMs: 0, pods, samples: [sample] }))).toBe(4);
    // With its zero the mean is 8: within the tolerance of 7.5.
    const samples = [{ ...sample, atMs: 50_000 }];
    expect(aibrix.create(onPods).decide(viewOf({ nowMs: 50_000, pods, samples }))).toBe(3);
  });

  test('holds while nothing was sampled, and at zero replicas', () => {
    const fresh = aibrix.create(onPods);
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
