/** How much earlier nodes come with placeholder pods than with the scaler alone, when an HPA sets the replicas. */
import { describe, expect, test } from '@jest/globals';
import type { LoadSample, PlantView } from '../../lib/simulator/baselines/contract.ts';
import { hpa } from '../../lib/simulator/baselines/hpa/hpa.ts';
import { NODE_REACTIONS } from '../../lib/simulator/baselines/node-autoscalers/index.ts';
import type { NodeReactionKind } from '../../lib/simulator/baselines/node-autoscalers/index.ts';

const SEEDS = Array.from({ length: 21 }, (_, seed) => seed + 1);
const T0 = 1_763_920_800_000;

/** Replicas' worth of load before and after a step at the time 0 [1/s; one replica does 1/s at its target]. */
const BEFORE = 5;
const AFTER = 10;

/** A plan is made at most so long after the event that shows the step: the debounce and one evaluation [ms]. */
const PLAN_MS = 3_000;

const sample = (atMs: number): LoadSample => {
  const perSec = atMs > T0 ? AFTER : BEFORE;
  return {
    atMs,
    arrivalsPerSec: perSec,
    completedPerSec: perSec,
    running: perSec,
    queued: 0,
    inputTokensPerSec: 0,
    outputTokensPerSec: 0,
    kvRatio: 0,
    readyReplicas: BEFORE,
  };
};

/** When the HPA has asked for so many replicas that the load after the step is met, after the step [ms]. */
function hpaAsksMs(seed: number): number {
  const capacity = { requestsPerSec: 1 / 0.75, concurrency: 4, slots: 8, inputTokensPerSec: 1, outputTokensPerSec: 1 };
  const controller = hpa.create({
    capacity,
    replicas: { min: 1, max: 40 },
    leadTimeSec: 180,
    seed,
    historyPeakPerSec: AFTER,
  });
  let replicas = BEFORE;
  for (let ms = controller.phaseMs - 300_000; ms < 600_000; ms += controller.periodMs) {
    const nowMs = T0 + ms;
    const view: PlantView = {
      nowMs,
      specReplicas: replicas,
      readyReplicas: BEFORE,
      pods: Array.from({ length: replicas }, (_, id) => ({
        id,
        createdMs: id < BEFORE ? T0 - 3_600_000 : nowMs,
        readyMs: id < BEFORE ? T0 - 3_000_000 : null,
      })),
      sampleAt: (atMs) => sample(Math.floor(atMs / 1_000) * 1_000),
      samplesBetween: (fromMs, toMs) => {
        const ends: LoadSample[] = [];
        for (let atMs = Math.floor(fromMs / 1_000 + 1) * 1_000; atMs <= toMs; atMs += 1_000) ends.push(sample(atMs));
        return ends;
      },
    };
    replicas = controller.decide(view) ?? replicas;
    if (replicas >= AFTER) return ms;
  }
  return Number.NaN;
}

/** The last of the nodes is asked for, after the step [ms]. */
function nodesAskedMs(kind: NodeReactionKind, of: { readonly pendingMs: number; readonly seed: number }): number {
  const reaction = NODE_REACTIONS[kind]({ seed: of.seed });
  return of.pendingMs + reaction.upDelayMs({ pendingSinceMs: T0 + of.pendingMs });
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

describe('ownership buffer beside an HPA', () => {
  test.each([
    ['cluster-autoscaler', { aloneSec: 97, bufferSec: 33 }],
    ['karpenter', { aloneSec: 68, bufferSec: 4 }],
  ] as const)('with %s nodes are asked for earlier, by what the HPA takes to see the load', (kind, expected) => {
    const alone = SEEDS.map((seed) => nodesAskedMs(kind, { pendingMs: hpaAsksMs(seed), seed }) / 1_000);
    const buffered = SEEDS.map((seed) => nodesAskedMs(kind, { pendingMs: PLAN_MS, seed }) / 1_000);
    expect(median(alone)).toBeCloseTo(expected.aloneSec, -1);
    expect(median(buffered)).toBeCloseTo(expected.bufferSec, -1);
    for (const [index, sec] of buffered.entries()) expect(sec).toBeLessThan((alone[index] ?? 0) - 15);
  });
});
