/** A fleet whose nodes come and go by themselves. Lead time 60 s, 20 s of it on a node that is there; asked for 10 s after the pod, gone 100 s after the last replica. */
import { describe, expect, test } from '@jest/globals';
import type { NodeReaction } from '../../../../lib/simulator/baselines/node-autoscalers/contract.ts';
import { nodeReaction } from '../../../../lib/simulator/baselines/node-autoscalers/index.ts';
import { createFleet } from '../../../../lib/simulator/plant/fleet/fleet.ts';
import type { Fleet } from '../../../../lib/simulator/plant/fleet/fleet.ts';
import { mixOf, serviceLevelOf } from '../../../../lib/simulator/plant/capacity.ts';
import { fixedStart } from '../../../../lib/simulator/plant/plant-options.ts';
import { replicaClassOf } from '../../../../lib/simulator/plant/replica-classes.ts';

const LEVEL = serviceLevelOf(replicaClassOf('B'), mixOf([{ inputTokens: 1_155, outputTokens: 211 }]));
const SLOW: NodeReaction = {
  source: 'made up',
  settings: {},
  upDelayMs: () => 10_000,
  emptyNodeLifetimeMs: () => 100_000,
};

/** Requests end 5 s after a replica's removal. */
function fleetOf(reaction: NodeReaction, of: { readonly scoreFromMs?: number; readonly waitSec?: number } = {}): Fleet {
  const { scoreFromMs = 0, waitSec = 0 } = of;
  return createFleet(
    {
      level: LEVEL,
      start: { ...fixedStart(60), capacityWaitSec: () => waitSec, nodes: { reaction, warmStartRatio: 1 / 3 } },
      waitLimitSec: 10,
      replicas: 1,
      seed: 1,
      scoreFromMs,
    },
    { ready: () => {}, retire: (_id, atMs) => atMs + 5_000, isIdle: () => false },
  );
}

/** Moves in steps of a second, as ticks do. */
function moved(fleet: Fleet, fromSec: number, toSec: number): Fleet {
  for (let sec = fromSec + 1; sec <= toSec; sec++) fleet.advanceTo(sec * 1_000);
  return fleet;
}

describe('a fleet with nodes of its own', () => {
  test('is ready after the delay and the lead time, and pays from the launch', () => {
    const fleet = fleetOf(SLOW);
    fleet.scale(2, 0);
    expect(moved(fleet, 0, 69).readyReplicas).toBe(1);
    expect(moved(fleet, 69, 70).readyReplicas).toBe(2);
    expect(fleet.totals(70_000).replicaSec).toBe(70 + 60);
  });

  test('waits for a machine after it was asked for', () => {
    const fleet = fleetOf(SLOW, { waitSec: 30 });
    fleet.scale(2, 0);
    expect(moved(fleet, 0, 99).readyReplicas).toBe(1);
    expect(moved(fleet, 99, 100).readyReplicas).toBe(2);
    expect(fleet.totals(100_000).replicaSec).toBe(100 + 60);
  });

  test('pays for an empty node until it goes', () => {
    const fleet = fleetOf(SLOW);
    fleet.scale(0, 50_000);
    expect(moved(fleet, 50, 100).totals(100_000).replicaSec).toBe(100);
    expect(moved(fleet, 100, 200).totals(200_000).replicaSec).toBe(155);
  });

  test('starts sooner on an empty node, which is paid for throughout', () => {
    const fleet = fleetOf(SLOW);
    fleet.scale(0, 0);
    fleet.scale(1, 40_000);
    expect(moved(fleet, 40, 59).readyReplicas).toBe(0);
    expect(moved(fleet, 59, 60).readyReplicas).toBe(1);
    expect(fleet.totals(60_000).replicaSec).toBe(60);
  });

  test('a pod that is cancelled before its node was asked for costs nothing; later its node comes all the same', () => {
    const soon = fleetOf(SLOW);
    soon.scale(2, 0);
    soon.scale(1, 9_000);
    expect(moved(soon, 9, 300).totals(300_000).replicaSec).toBe(300);

    const late = fleetOf(SLOW);
    late.scale(2, 0);
    late.scale(1, 20_000);
    // Launched at 10 s, up at 50 s, gone at 150 s.
    expect(moved(late, 20, 300).totals(300_000).replicaSec).toBe(300 + 140);

    const reused = fleetOf(SLOW);
    reused.scale(2, 0);
    reused.scale(1, 20_000);
    reused.scale(2, 30_000);
    expect(moved(reused, 30, 69).readyReplicas).toBe(1);
    expect(moved(reused, 69, 70).readyReplicas).toBe(2);
    expect(reused.totals(70_000).replicaSec).toBe(70 + 60);
  });

  test('only the scored time is billed', () => {
    const fleet = fleetOf(SLOW, { scoreFromMs: 100_000 });
    fleet.scale(0, 50_000);
    expect(moved(fleet, 50, 300).totals(300_000).replicaSec).toBe(55);
  });
});

describe('the node autoscalers of the peers', () => {
  test('Karpenter batches pods that come within a second, up to ten', () => {
    const fleet = fleetOf(nodeReaction('karpenter', { seed: 1 }));
    fleet.scale(2, 0);
    fleet.scale(3, 800);
    fleet.scale(4, 5_000);
    expect(fleet.pods.filter((pod) => pod.readyMs === null)).toHaveLength(3);
    // Both of the first batch 1.8 s, the third 6 s after the start, then the lead time.
    for (const [atMs, ready] of [
      [61_799, 1],
      [61_800, 3],
      [65_999, 3],
      [66_000, 4],
    ] as const) {
      fleet.advanceTo(atMs);
      expect(fleet.readyReplicas).toBe(ready);
    }
  });

  test('Cluster Autoscaler asks when the oldest GPU pod is 30 s old, and keeps empty nodes while it adds others', () => {
    const reaction = nodeReaction('cluster-autoscaler', { seed: 1 });
    const fleet = fleetOf(reaction);
    fleet.scale(2, 0);
    expect(moved(fleet, 0, 89).readyReplicas).toBe(1);
    expect(moved(fleet, 89, 90).readyReplicas).toBe(2);
    fleet.scale(1, 100_000);
    moved(fleet, 100, 2_000);
    const paidSec = fleet.totals(2_000_000).replicaSec - 2_000;
    // From the launch at 30 s to the end of its drain, and ten minutes of emptiness with the loops' delays.
    expect(paidSec).toBeGreaterThanOrEqual(75 + 600);
    expect(paidSec).toBeLessThan(75 + 640);
  });
});
