import { expect, test } from '@jest/globals';
import { KPA_BOUNDS_DEFAULTS, makeKpaBounds } from '../../../../lib/simulator/baselines/knative/bounds.ts';

const decision = (desiredPodCount: number, excessBurstCapacity = 10) => ({
  desiredPodCount,
  excessBurstCapacity,
  scaleValid: true,
  panicking: false,
  maxPanicPods: 0,
});

const at = (second: number, readyReplicas = 1) => ({ readyReplicas, nowMs: second * 1000 });

test('makeKpaBounds keeps one pod until the revision was active for a stable window, then waits for the grace period', () => {
  const bound = makeKpaBounds(KPA_BOUNDS_DEFAULTS);
  expect(bound(decision(1), at(0))).toBe(1);
  expect(bound(decision(0), at(20))).toBe(1);
  expect(bound(decision(1), at(30))).toBe(1);
  expect(bound(decision(0), at(60))).toBeNull();
  expect(bound(decision(0), at(89))).toBeNull();
  expect(bound(decision(0), at(90))).toBe(0);
});

test('makeKpaBounds skips the grace period when the activator was in the path for as long', () => {
  const bound = makeKpaBounds(KPA_BOUNDS_DEFAULTS);
  bound(decision(1, -200), at(0));
  expect(bound(decision(0, -200), at(60))).toBeNull();
  expect(bound(decision(0, -200), at(62))).toBe(0);
});

test('makeKpaBounds holds the last pod for its retention', () => {
  const bound = makeKpaBounds({ ...KPA_BOUNDS_DEFAULTS, retentionMs: 120_000 });
  bound(decision(1, -200), at(0));
  bound(decision(0, -200), at(60));
  expect(bound(decision(0, -200), at(179))).toBeNull();
  expect(bound(decision(0, -200), at(180))).toBe(0);
});

test('makeKpaBounds gives up a revision that never became ready, after its deadline', () => {
  const bound = makeKpaBounds(KPA_BOUNDS_DEFAULTS);
  bound(decision(1), at(0, 0));
  expect(bound(decision(0), at(600, 0))).toBeNull();
  expect(bound(decision(0), at(630, 0))).toBe(0);
});

test('makeKpaBounds keeps to its bounds, and decides nothing from nothing', () => {
  const bound = makeKpaBounds({ ...KPA_BOUNDS_DEFAULTS, minScale: 2, maxScale: 5 });
  expect([bound(decision(0), at(0)), bound(decision(9), at(2))]).toEqual([2, 5]);
  expect(bound({ ...decision(0), scaleValid: false }, at(4))).toBeNull();
});
