/** What holds for every peer. */
import { describe, expect, test } from '@jest/globals';
import { ConfigError } from '../../../lib/base/errors.ts';
import { aibrix } from '../../../lib/simulator/baselines/aibrix/aibrix.ts';
import { dynamo } from '../../../lib/simulator/baselines/dynamo/dynamo.ts';
import { hpa } from '../../../lib/simulator/baselines/hpa/hpa.ts';
import { keda } from '../../../lib/simulator/baselines/keda/keda.ts';
import { kedaPrometheus } from '../../../lib/simulator/baselines/keda/keda-prometheus.ts';
import { knative } from '../../../lib/simulator/baselines/knative/knative.ts';
import { countOf } from '../../../lib/simulator/baselines/peer-settings.ts';
import { ray } from '../../../lib/simulator/baselines/ray/ray.ts';
import { staticFleet } from '../../../lib/simulator/baselines/static.ts';
import { wva } from '../../../lib/simulator/baselines/wva/wva.ts';
import { tunings } from '../../../lib/simulator/replay/tuning.ts';
import { peerOptions, runPeer } from './peer-plant.ts';

describe.each([hpa, keda, kedaPrometheus, knative, aibrix, wva, dynamo, ray, staticFleet])('$name', (factory) => {
  test('can be tuned by every value of its grid, and by nothing else', () => {
    const all = tunings(factory.grid);
    expect(all.length).toBeGreaterThan(3);
    for (const tuning of all) {
      for (const name of Object.keys(tuning)) expect(factory.settings[name]).toBeDefined();
      expect(() => factory.create(peerOptions({ tuning }))).not.toThrow();
    }
    expect(() => factory.create(peerOptions({ tuning: { colour: 1 } }))).toThrow(ConfigError);
    const [first = ''] = Object.keys(all[0] ?? {});
    expect(() => factory.create(peerOptions({ tuning: { [first]: Number.NaN } }))).toThrow(ConfigError);
  });
});

describe.each([hpa, keda, kedaPrometheus, knative])('$name', (factory) => {
  test('has its first decision within its period, chosen by the seed', () => {
    const phases = [1, 2, 3, 4].map((seed) => factory.create(peerOptions({ seed })));
    for (const { phaseMs, periodMs } of phases) expect(phaseMs >= 0 && phaseMs < periodMs).toBe(true);
    expect(new Set(phases.map(({ phaseMs }) => phaseMs)).size).toBe(4);
  });

  test('asks for fewer replicas when each may hold more', () => {
    const settled = [0.5, 1].map((targetRatio) => {
      const options = {
        tuning: {
          targetRatio,
          ...(Object.hasOwn(tunings(factory.grid)[0] ?? {}, 'onConcurrency') ? { onConcurrency: 1 } : {}),
        },
      };
      const load = { arrivalsPerSec: () => 20, durationSec: 600, initialReplicas: 10 };
      return runPeer({ factory, options, ...load }).at(-1)?.specReplicas;
    });
    expect(settled).toEqual([20, 10]);
  });
});

test('countOf is whole, and one while there is a request but not for what is left of a fluid', () => {
  const rest = { arrivalsPerSec: 0, completedPerSec: 0, inputTokensPerSec: 0, outputTokensPerSec: 0, kvRatio: 0 };
  const pairs = [
    [0, 0],
    [1e-6, 0],
    [0.1, 0],
    [2.2, 0.2],
    [2, 3.6],
  ] as const;
  const counts = pairs.map(([running, queued]) => countOf({ atMs: 0, running, queued, readyReplicas: 1, ...rest }));
  expect(counts).toEqual([0, 0, 1, 2, 6]);
});
