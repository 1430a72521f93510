import { describe, expect, test } from '@jest/globals';
import { karpenter } from '../../../../lib/simulator/baselines/node-autoscalers/karpenter.ts';

const reaction = karpenter({ seed: 3 });
const node = { emptySinceMs: 0, lastScaleUpMs: null, nodeCount: 20, emptyBeforeCount: 0 };
const every = (gapMs: number) => Array.from({ length: 20 }, (_, index) => index * gapMs);

describe('karpenter', () => {
  test('pods 0.9 s apart are batched until 10 s, 1.1 s apart separately', () => {
    expect(reaction.upDelayMs({ pendingSinceMs: 0, othersPendingSinceMs: every(900).slice(1) })).toBe(10_000);
    expect(reaction.upDelayMs({ pendingSinceMs: 9_900, othersPendingSinceMs: every(900) })).toBe(100);
    expect(reaction.upDelayMs({ pendingSinceMs: 0, othersPendingSinceMs: every(1_100).slice(1) })).toBe(1_000);
    expect(reaction.upDelayMs({ pendingSinceMs: 5_500, othersPendingSinceMs: every(1_100) })).toBe(1_000);
  });

  test('an empty node goes after 15 to 25 s, and later with consolidateAfter', () => {
    const lifetimeMs = reaction.emptyNodeLifetimeMs(node);
    expect(lifetimeMs).toBeGreaterThanOrEqual(15_000);
    expect(lifetimeMs).toBeLessThan(25_000);
    const patient = karpenter({ seed: 3, consolidateAfterMs: 600_000 });
    expect(patient.emptyNodeLifetimeMs(node)).toBe(lifetimeMs + 600_000);
  });

  test('a tenth of the pool goes at once', () => {
    const lifetimeMs = reaction.emptyNodeLifetimeMs(node);
    expect(reaction.emptyNodeLifetimeMs({ ...node, emptyBeforeCount: 1 })).toBe(lifetimeMs);
    expect(reaction.emptyNodeLifetimeMs({ ...node, emptyBeforeCount: 2 })).toBe(lifetimeMs + 25_000);
    expect(reaction.emptyNodeLifetimeMs({ ...node, nodeCount: 1, emptyBeforeCount: 0 })).toBe(lifetimeMs);
  });
});
