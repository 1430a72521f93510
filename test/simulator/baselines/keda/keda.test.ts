import { describe, expect, test } from '@jest/globals';
import { keda } from '../../../../lib/simulator/baselines/keda/keda.ts';
import { kedaPrometheus } from '../../../../lib/simulator/baselines/keda/keda-prometheus.ts';
import { CAPACITY, loadStep, runPeer } from '../peer-plant.ts';

const fromZero = { replicas: { min: 0, max: 40 } };

describe.each([
  // 20 requests per second for 4 s each: 80 records at 4 each, or 1.5 per second each.
  { factory: keda, name: keda.name, replicas: 20 },
  { factory: kedaPrometheus, name: kedaPrometheus.name, replicas: 14 },
])('$name', ({ factory, replicas }) => {
  test('settles at its target', () => {
    const run = runPeer({ factory, arrivalsPerSec: () => 20, durationSec: 900, initialReplicas: 10 });
    expect(run.at(-1)).toMatchObject({ specReplicas: replicas, readyReplicas: replicas });
  });

  test('goes to zero one cooldown after the last request, not earlier', () => {
    const arrivalsPerSec = loadStep(2, { atSec: 300, after: 0 });
    const run = runPeer({ factory, options: fromZero, arrivalsPerSec, durationSec: 900, initialReplicas: 2 });
    const zero = run.find(({ specReplicas }) => specReplicas === 0);
    expect(zero?.second).toBeGreaterThan(600);
    expect(zero?.second).toBeLessThanOrEqual(300 + 60 + 300 + 60);
  });

  test('wakes within one poll of the first request it can see, with one replica', () => {
    for (const seed of [1, 2, 3]) {
      const arrivalsPerSec = loadStep(0, { atSec: 200, after: 1 });
      const options = { ...fromZero, seed };
      const run = runPeer({ factory, options, arrivalsPerSec, durationSec: 300, initialReplicas: 0 });
      const awake = run.find(({ specReplicas }) => specReplicas > 0);
      expect(awake?.second).toBeGreaterThan(200);
      expect(awake?.second).toBeLessThanOrEqual(200 + 5 + 30 + 30);
    }
  });

  test('without a minimum of zero keeps the minimum', () => {
    const options = { replicas: { min: 2, max: 40 } };
    const run = runPeer({ factory, options, arrivalsPerSec: () => 0, durationSec: 1000, initialReplicas: 5 });
    expect(run.at(-1)?.specReplicas).toBe(2);
  });
});

test('keda counts at least one record for each replica that serves one request at a time', () => {
  const capacity = { ...CAPACITY, concurrency: 1 };
  const options = { capacity, tuning: { targetRatio: 0.5 } };
  const run = runPeer({ factory: keda, options, arrivalsPerSec: () => 2, durationSec: 600, initialReplicas: 4 });
  // 2 requests per second for 4 s each: 8 records, one for each replica.
  expect(run.at(-1)?.specReplicas).toBe(8);
});

test('keda-prometheus on the rate follows the rate and is blind to a backlog', () => {
  const arrivalsPerSec = loadStep(40, { atSec: 60, after: 6 });
  const run = { factory: kedaPrometheus, arrivalsPerSec, durationSec: 300, initialReplicas: 1 };
  const options = { tuning: { downStabilizationSec: 0 }, leadTimeSec: 600 };
  const last = runPeer({ ...run, options }).at(-1);
  expect(last?.inFlight).toBeGreaterThan(1000);
  // 6 per second at 1.5 each.
  expect(last?.specReplicas).toBe(4);
});
