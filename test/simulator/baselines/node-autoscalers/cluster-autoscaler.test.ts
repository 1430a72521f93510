import { describe, expect, test } from '@jest/globals';
import { clusterAutoscaler } from '../../../../lib/simulator/baselines/node-autoscalers/cluster-autoscaler.ts';
import { nodeReaction } from '../../../../lib/simulator/baselines/node-autoscalers/index.ts';

const reaction = clusterAutoscaler({ seed: 3 });
const node = { emptySinceMs: 0, lastScaleUpMs: null, nodeCount: 20, emptyBeforeCount: 0 };

describe('clusterAutoscaler', () => {
  test('a lone GPU pod waits for 30 s', () => {
    expect(reaction.upDelayMs({ pendingSinceMs: 12_345 })).toBe(30_000);
  });

  test('a pod that comes later goes with the first, and moves the loop by its own arrival', () => {
    const first = { pendingSinceMs: 0, othersPendingSinceMs: [5_000] };
    expect(reaction.upDelayMs(first)).toBe(35_000);
    expect(reaction.upDelayMs({ pendingSinceMs: 5_000, othersPendingSinceMs: [0] })).toBe(30_000);
  });

  test('a pod that comes after the loop starts a group of its own', () => {
    expect(reaction.upDelayMs({ pendingSinceMs: 31_000, othersPendingSinceMs: [0] })).toBe(30_000);
  });

  test('an empty node stays ten minutes and at most two scans, and longer after any node was added', () => {
    const lifetimeMs = reaction.emptyNodeLifetimeMs(node);
    expect(lifetimeMs).toBeGreaterThanOrEqual(605_000);
    expect(lifetimeMs).toBeLessThan(625_000);
    const afterAdd = reaction.emptyNodeLifetimeMs({ ...node, lastScaleUpMs: 300_000 });
    expect(afterAdd).toBeGreaterThanOrEqual(905_000);
    expect(afterAdd).toBeLessThan(915_000);
  });

  test('ten empty nodes go in a loop', () => {
    const lifetimeMs = reaction.emptyNodeLifetimeMs(node);
    expect(reaction.emptyNodeLifetimeMs({ ...node, emptyBeforeCount: 9 })).toBe(lifetimeMs);
    expect(reaction.emptyNodeLifetimeMs({ ...node, emptyBeforeCount: 10 })).toBe(lifetimeMs + 10_000);
  });
});

test('nodeReaction finds both by name', () => {
  expect(nodeReaction('cluster-autoscaler', { seed: 1 }).upDelayMs({ pendingSinceMs: 0 })).toBe(30_000);
  expect(nodeReaction('karpenter', { seed: 1 }).upDelayMs({ pendingSinceMs: 0 })).toBe(1_000);
});
