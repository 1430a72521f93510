import { describe, expect, test } from '@jest/globals';
import { knative } from '../../../../lib/simulator/baselines/knative/knative.ts';
import { loadStep, runPeer } from '../peer-plant.ts';

const spike = (second: number): number => (second > 300 && second <= 330 ? 30 : 4);
const pause = (second: number): number => (second <= 300 || second > 500 ? 2 : 0);

describe('knative', () => {
  test.each([1, 5])('settles where each replica has 70 %% of its rate, with samples every %d s', (sampleSec) => {
    const run = runPeer({
      factory: knative,
      arrivalsPerSec: () => 20,
      durationSec: 600,
      initialReplicas: 10,
      sampleSec,
    });
    // 20 requests per second at 1.4 each.
    expect(run.at(-1)).toMatchObject({ specReplicas: 15, readyReplicas: 15 });
  });

  test('panics within seconds of a spike, and does not shrink for a stable window', () => {
    const options = { leadTimeSec: 10, tuning: { onConcurrency: 1, targetRatio: 0.7, scaleDownDelaySec: 0 } };
    const arrivalsPerSec = spike;
    const run = runPeer({ factory: knative, options, arrivalsPerSec, durationSec: 500, initialReplicas: 3 });
    const grown = run.find(({ second, specReplicas }) => second > 300 && specReplicas > 3);
    expect(grown?.second).toBeLessThanOrEqual(300 + 5 + 1 + 2);
    const largest = Math.max(...run.map(({ specReplicas }) => specReplicas));
    const held = run.filter(({ specReplicas }) => specReplicas === largest);
    expect(held.length).toBeGreaterThanOrEqual(60);
    expect(run.at(-1)?.specReplicas).toBe(3);
  });

  test('goes to zero after the stable window when the activator was in the path, and wakes at the next tick', () => {
    const options = { replicas: { min: 0, max: 40 }, tuning: { scaleDownDelaySec: 0 } };
    const arrivalsPerSec = pause;
    const run = runPeer({ factory: knative, options, arrivalsPerSec, durationSec: 600, initialReplicas: 2 });
    const zero = run.find(({ specReplicas }) => specReplicas === 0);
    expect(zero?.second).toBeGreaterThan(360);
    expect(zero?.second).toBeLessThanOrEqual(420);
    const awake = run.find(({ second, specReplicas }) => second > 500 && specReplicas > 0);
    expect(awake?.second).toBeLessThanOrEqual(500 + 5 + 1 + 2);
  });

  test('stays within the bounds of the workload', () => {
    const arrivalsPerSec = loadStep(60, { atSec: 300, after: 0 });
    const options = { replicas: { min: 2, max: 6 }, tuning: { scaleDownDelaySec: 0 } };
    const run = runPeer({ factory: knative, options, arrivalsPerSec, durationSec: 2000, initialReplicas: 3 });
    const counts = run.map(({ specReplicas }) => specReplicas);
    expect([Math.max(...counts), Math.min(...counts)]).toEqual([6, 2]);
  });
});
