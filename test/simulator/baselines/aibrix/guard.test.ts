import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { guardPending } from '../../../../lib/simulator/baselines/aibrix/guard.ts';

const proposal = { replicas: 8, value: 20, target: 10, currentReplicas: 4, readyReplicas: 2 };

test('replicas that start are idle on the way up: the cascade of doublings stops', () => {
  // Two ready pods at twice the target need four in all, and four are there.
  expect(guardPending('APA', proposal)).toBe(4);
  expect(guardPending('APA', { ...proposal, value: 30 })).toBe(6);
  expect(guardPending('APA', { ...proposal, readyReplicas: 4 })).toBe(8);
});

test('they are on target on the way down', () => {
  // Two at 5 and two taken for 10 are 30: three replicas.
  expect(guardPending('APA', { ...proposal, replicas: 2, value: 5 })).toBe(3);
  expect(guardPending('KPA', { ...proposal, replicas: 2, value: 5 })).toBe(3);
});

test('KPA divides the mean by the target without the number of pods, here too', () => {
  expect(guardPending('KPA', { ...proposal, replicas: 5, value: 50 })).toBe(4);
});

test('it only ever makes a change smaller', () => {
  const count = fc.integer({ min: 0, max: 50 });
  fc.assert(
    fc.property(
      fc.record({
        replicas: count,
        value: fc.float({ min: 0, max: 100, noNaN: true }),
        currentReplicas: count,
        readyReplicas: count,
      }),
      fc.constantFrom('KPA' as const, 'APA' as const),
      (of, strategy) => {
        const guarded = guardPending(strategy, { ...of, target: 10 });
        const [low, high] = [Math.min(of.replicas, of.currentReplicas), Math.max(of.replicas, of.currentReplicas)];
        return guarded >= low && guarded <= high;
      },
    ),
  );
});
