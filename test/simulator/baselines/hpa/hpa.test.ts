import { describe, expect, test } from '@jest/globals';
import { hpa } from '../../../../lib/simulator/baselines/hpa/hpa.ts';
import { loadStep, peerOptions, runPeer } from '../peer-plant.ts';

describe('hpa', () => {
  test.each([
    // 20 requests per second at 1.5 each; they last 4 s: 80 requests at 4 each.
    [0, 14],
    [1, 20],
  ])('settles at its target, on concurrency %d', (onConcurrency, replicas) => {
    const options = { tuning: { onConcurrency } };
    const run = runPeer({ factory: hpa, options, arrivalsPerSec: () => 20, durationSec: 900, initialReplicas: 10 });
    expect(run.at(-1)).toMatchObject({ specReplicas: replicas, readyReplicas: replicas });
  });

  test('sees a step of the load at most a scrape and a sync late', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const arrivalsPerSec = loadStep(4, { atSec: 300, after: 20 });
      const options = { seed, tuning: { onConcurrency: 1 } };
      const run = { factory: hpa, options, arrivalsPerSec, durationSec: 400, initialReplicas: 4 };
      const grown = runPeer(run).find(({ second, specReplicas }) => second > 300 && specReplicas > 4);
      expect(grown?.second).toBeLessThanOrEqual(300 + 5 + 16 + 15);
    }
  });

  test.each([
    [300, 290, 390],
    [60, 50, 150],
  ])('holds for the stabilization window of %d s after the load fell', (downStabilizationSec, from, to) => {
    const arrivalsPerSec = loadStep(20, { atSec: 600, after: 2 });
    const options = { tuning: { downStabilizationSec } };
    const run = runPeer({ factory: hpa, options, arrivalsPerSec, durationSec: 1200, initialReplicas: 14 });
    const shrunk = run.find(({ second, specReplicas }) => second > 600 && specReplicas < 14);
    expect(shrunk?.second).toBeGreaterThan(600 + from);
    expect(shrunk?.second).toBeLessThanOrEqual(600 + to);
    expect(run.at(-1)?.specReplicas).toBe(2);
  });

  test('keeps one replica without load, even when none are allowed', () => {
    const options = { replicas: { min: 0, max: 10 } };
    const run = runPeer({ factory: hpa, options, arrivalsPerSec: () => 0, durationSec: 900, initialReplicas: 3 });
    expect(run.at(-1)?.specReplicas).toBe(1);
  });

  test('on concurrency is frozen while no pod is ready: there is no sample to decide from', () => {
    const baseline = hpa.create(peerOptions({ tuning: { onConcurrency: 1 } }));
    const pods = [{ id: 1, createdMs: 0, readyMs: null }];
    const load = { arrivalsPerSec: 50, completedPerSec: 0, running: 0, queued: 500, readyReplicas: 0 };
    const sample = { atMs: 30_000, ...load, inputTokensPerSec: 0, outputTokensPerSec: 0, kvRatio: 0 };
    const view = { specReplicas: 1, readyReplicas: 0, pods, sampleAt: () => sample, samplesBetween: () => [sample] };
    expect([60_000, 75_000].map((nowMs) => baseline.decide({ ...view, nowMs }))).toEqual([null, null]);
  });
});
