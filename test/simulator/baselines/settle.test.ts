/** Every peer at its recommended setting, on loads that say whether the setting is sensible: a constant one and a step. */
import { describe, expect, test } from '@jest/globals';
import { baselines } from '../../../lib/simulator/baselines/index.ts';
import { concurrencyAt, mixOf, serviceLevelOf } from '../../../lib/simulator/plant/capacity.ts';
import type { RequestLengths } from '../../../lib/simulator/plant/capacity.ts';
import { replicaClassOf } from '../../../lib/simulator/plant/replica-classes.ts';
import type { Ground } from '../../../lib/simulator/replay/ground.ts';
import type { Outcome } from '../../../lib/simulator/replay/task.ts';
import { runTask } from '../../../lib/simulator/replay/tasks.ts';
import { TICK_MS, groundOfLoad } from '../replay/support.ts';

const TICKS_PER_MIN = 60_000 / TICK_MS;
const LEAD_TIME_SEC = 180;
/** Decode-heavy and prefill-heavy. */
const MIXES = {
  chat: { inputTokens: 1_155, outputTokens: 211 },
  code: { inputTokens: 2_048, outputTokens: 28 },
} satisfies Record<string, RequestLengths>;

/** `load[i]`: replicas of work in minute `i`; the first ten are not scored. */
function groundOf(load: readonly number[], lengths: RequestLengths): Ground {
  const level = serviceLevelOf(replicaClassOf('B'), mixOf([lengths]));
  const { requestsPerSec, replicaClass } = level;
  const perTick = load.flatMap((replicas) => Array.from({ length: TICKS_PER_MIN }, () => replicas));
  const column = (perReplica: number): Float64Array =>
    Float64Array.from(perTick, (replicas) => (replicas * perReplica * TICK_MS) / 1000);
  const ground = groundOfLoad(perTick);
  return {
    ...ground,
    level,
    capacity: {
      requestsPerSec,
      concurrency: concurrencyAt(level, 0.8),
      slots: replicaClass.maxSeqs,
      kvTokens: replicaClass.kvTokens,
      inputTokensPerSec: requestsPerSec * lengths.inputTokens,
      outputTokensPerSec: requestsPerSec * lengths.outputTokens,
    },
    ticks: {
      ...ground.ticks,
      requests: column(requestsPerSec),
      workReplicaSec: column(1),
      inputTokens: column(requestsPerSec * lengths.inputTokens),
      outputTokens: column(requestsPerSec * lengths.outputTokens),
    },
    replicas: { min: 1, max: 24 },
    initialReplicas: 9,
    historyPeakPerSec: requestsPerSec * Math.max(...load),
    options: { ...ground.options, leadTimeSec: LEAD_TIME_SEC, warmupSec: 600 },
  };
}

function inTimeRatio({ totals }: Outcome): number {
  return 1 - totals.sloMissCount / totals.requestCount;
}

/** Ready replicas over the last 30 minutes: least, most and mean. */
function lastHalfHour({ series }: Outcome): { least: number; most: number; mean: number } {
  const ready = [...(series?.ready ?? [])].slice(-30 * TICKS_PER_MIN);
  return {
    least: Math.min(...ready),
    most: Math.max(...ready),
    mean: ready.reduce((sum, count) => sum + count, 0) / ready.length,
  };
}

const constant = Array.from({ length: 100 }, () => 6.6);
const step = Array.from({ length: 100 }, (_, minute) => (minute < 30 ? 6.6 : 8.6));

/** Why the recommended settings are not nearer to the knee. */
test.each([
  { name: 'hpa', tuning: { onConcurrency: 1, targetRatio: 0.75 } },
  { name: 'ray', tuning: { targetRatio: 0.75, upscalingFactor: 1, downscalingFactor: 1 } },
  { name: 'wva', tuning: { scaleUpThreshold: 0.85, scaleDownBoundary: 0.7 } },
  { name: 'aibrix', tuning: { onPods: 1 } },
])('$name swings after a step with $tuning', async ({ name, tuning }) => {
  const outcome = await runTask(groundOf(step, MIXES.code), { kind: 'baseline', name, tuning });
  expect(inTimeRatio(outcome)).toBeLessThan(0.95);
  const { least, most } = lastHalfHour(outcome);
  expect(most - least).toBeGreaterThan(8.6);
});

describe.each(Object.keys(baselines))('%s', (name) => {
  const task = { kind: 'baseline', name, tuning: {} } as const;

  test.each(Object.entries(MIXES))('settles near a constant load of %s and serves it in time', async (_, lengths) => {
    const outcome = await runTask(groundOf(constant, lengths), task);
    expect(inTimeRatio(outcome)).toBeGreaterThanOrEqual(0.99);
    const { least, most, mean } = lastHalfHour(outcome);
    expect(least).toBeGreaterThanOrEqual(7);
    // The lowest peers work at half the rate of a replica.
    expect(mean).toBeLessThanOrEqual(2.1 * 6.6);
    expect(most - least).toBeLessThanOrEqual(7);
  });

  test.each(Object.entries(MIXES))('follows a step of %s by a third', async (_, lengths) => {
    const outcome = await runTask(groundOf(step, lengths), task);
    expect(inTimeRatio(outcome)).toBeGreaterThanOrEqual(0.95);
    const { least, mean } = lastHalfHour(outcome);
    expect(least).toBeGreaterThanOrEqual(8.6);
    expect(mean).toBeLessThanOrEqual(2.4 * 8.6);
  });
});
