import { describe, expect, test } from '@jest/globals';
import { rayHandles } from '../../../../lib/simulator/baselines/ray/handles.ts';
import type { RayHandleReport } from '../../../../lib/simulator/baselines/ray/handles.ts';
import { rayAutoscaler } from '../../../../lib/simulator/baselines/ray/rule.ts';
import type { RayDecision, RayInput, RaySettings } from '../../../../lib/simulator/baselines/ray/rule.ts';
import { expectNear, testVectors } from '../../../support/vectors.ts';

type Config = RaySettings & { readonly metricsIntervalMs: number };
type Input = RayInput & {
  readonly capacityChange?: Pick<RaySettings, 'targetCapacityPercent' | 'targetCapacityDirection'>;
  readonly newHandleReports?: readonly RayHandleReport[];
  readonly runningReplicaIds?: readonly string[];
};

testVectors<Config, Input, RayDecision>('rayServe', ({ config, steps }) => {
  let decide = rayAutoscaler(config);
  const handles = rayHandles(config.metricsIntervalMs);
  for (const { tMs, input, expect: wanted } of steps) {
    if (input.capacityChange) decide = rayAutoscaler({ ...config, ...input.capacityChange });
    if (input.newHandleReports) {
      for (const report of input.newHandleReports) handles.report(report, tMs);
      const totalRequests = handles.total(input.runningReplicaIds ?? [], tMs);
      expectNear(totalRequests, input.totalRequests, { where: `total at ${tMs} ms` });
    }
    expect({ tMs, ...decide(input, tMs) }).toMatchObject({ tMs, ...wanted });
  }
});

const settings: RaySettings = {
  minReplicas: 1,
  maxReplicas: 20,
  initialReplicas: null,
  targetOngoingRequests: 2,
  upscaleDelayMs: 30_000,
  downscaleDelayMs: 600_000,
  downscaleToZeroDelayMs: null,
  upscalingFactor: 1,
  downscalingFactor: 1,
  targetCapacityPercent: null,
  targetCapacityDirection: null,
};

describe('rayAutoscaler', () => {
  test('15 requests at a target of 2 become 8 replicas after 30 s of wishing for more', () => {
    const decide = rayAutoscaler(settings);
    const input = { runningReplicas: 3, targetReplicas: 3, totalRequests: 15 };
    expect(decide(input, 0).targetReplicas).toBe(3);
    expect(decide({ ...input, totalRequests: 9 }, 10_000).targetReplicas).toBe(3);
    expect(decide(input, 30_000).targetReplicas).toBe(8);
  });

  test('one pass at the target starts the delay anew', () => {
    const decide = rayAutoscaler(settings);
    const input = { runningReplicas: 3, targetReplicas: 3, totalRequests: 15 };
    decide(input, 0);
    decide({ ...input, totalRequests: 6 }, 20_000);
    expect(decide(input, 40_000).targetReplicas).toBe(3);
    expect(decide(input, 70_000).targetReplicas).toBe(8);
  });

  test('shrinks after 600 s, and wakes from zero at once', () => {
    const down = rayAutoscaler(settings);
    const idle = { runningReplicas: 8, targetReplicas: 8, totalRequests: 3 };
    down(idle, 0);
    expect(down(idle, 599_000).targetReplicas).toBe(8);
    expect(down(idle, 600_000).targetReplicas).toBe(2);
    const wake = rayAutoscaler({ ...settings, minReplicas: 0, upscalingFactor: 3 });
    expect(wake({ runningReplicas: 0, targetReplicas: 0, totalRequests: 1 }, 0).targetReplicas).toBe(3);
  });
});

test('rayHandles drops a handle that was silent for too long, and replicas that stopped', () => {
  const handles = rayHandles(1000);
  handles.report({ handle: 'a', queuedRequests: 2, runningRequestsByReplica: { r1: 3, r2: 4 } }, 0);
  expect(handles.total(['r1'], 5000)).toBe(5);
  expect(handles.total(['r1'], 60_000)).toBe(0);
});
