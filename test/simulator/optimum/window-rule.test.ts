import { expect, test } from '@jest/globals';
import { windowRule } from '../../../lib/simulator/optimum/window-rule.ts';

const ruleOf = (work: readonly number[], leadTimeSec: number) =>
  windowRule({ workReplicaSec: Float64Array.from(work, (load) => load * 5), tickSec: 5, waitLimitSec: 5, leadTimeSec });

test('the window rule covers the mean of the load around each tick, in whole replicas', () => {
  expect([...ruleOf([0, 0, 0, 6, 0, 0, 0], 0).replicas]).toEqual([0, 0, 2, 2, 2, 0, 0]);
  expect([...ruleOf([1.2, 1.2, 1.2], 0).replicas]).toEqual([2, 2, 2]);
});

test('the window rule keeps a replica through gaps of a lead time, level by level, and pays starts after longer ones', () => {
  const work = [3, 3, 3, 0, 0, 0, 0, 3, 3, 3];

  expect(ruleOf(work, 30)).toMatchObject({ replicaStarts: 0, replicaSec: 150 });
  expect([...ruleOf(work, 5).replicas]).toEqual([3, 3, 2, 1, 0, 0, 1, 2, 3, 3]);
  expect(ruleOf(work, 5)).toMatchObject({ replicaStarts: 3, replicaSec: (18 + 3) * 5 });
});
