/** What a miss and a replica cost says how much room is worth having. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { MISS_RATIO } from '../../../lib/core/forecast/miss-ratio.ts';
import { missLimitsOf, missTargetOf, riskOf, usdPerReplicaHourOf } from '../../../lib/core/scaling/price.ts';
import { groupPolicy, observed, workloadPolicy } from '../builders.ts';

const priced = (usdPerMiss: number, spec: Record<string, unknown> = {}) =>
  workloadPolicy({ ...spec, price: { usdPerMiss } });

/** At the objective of 0.999 that holds when a policy has none. */
const limitsOf = (risk: keyof typeof MISS_RATIO) => {
  const limits = MISS_RATIO[risk];
  return { ...limits, worth: expect.closeTo(limits.worth, 6) };
};

describe('the share of requests that may meet too little', () => {
  test('is the critical ratio: at 3.6 USD an hour and two requests a replica-second, a miss of a cent and a half is worth thirty replica-seconds', () => {
    const limits = missLimitsOf({ policy: priced(0.015), perRequest: 0.5, usdPerReplicaHour: 3.6 });
    expect(limits).toMatchObject({ begin: 0.032258, min: 0.003226, max: 0.080645 });
    // What a replica-second that lacks costs, in replica-seconds.
    expect(limits.worth).toBeCloseTo(31, 3);
  });

  test('is by the risk without a price, and while the work of a request or the price of a replica is not known', () => {
    const policy = workloadPolicy({ risk: 'cheap' });
    expect(missLimitsOf({ policy, perRequest: 0.5, usdPerReplicaHour: 3.6 })).toEqual(limitsOf('cheap'));
    for (const part of [{ perRequest: null }, { usdPerReplicaHour: null }, { perRequest: 0 }]) {
      const known = { policy: priced(0.01, { risk: 'low' }), perRequest: 0.5, usdPerReplicaHour: 3.6, ...part };
      expect(missLimitsOf(known)).toEqual(limitsOf('low'));
      expect(riskOf(known)).toBe('low');
    }
  });

  test('a request in time is worth ten times as much where a tenth of the share may be late', () => {
    const known = { perRequest: 0.5, usdPerReplicaHour: null };
    const worthAt = (ratio: number): number =>
      missLimitsOf({ policy: workloadPolicy({ slo: { waitSec: 2, ratio } }), ...known }).worth;
    expect(worthAt(0.9999) / worthAt(0.999)).toBeCloseTo(10, 6);
  });

  test('falls when misses get dearer, rises when replicas do, and stays within what can be measured', () => {
    const usd = fc.double({ min: 1e-6, max: 1e3, noNaN: true });
    fc.assert(
      fc.property(
        usd,
        usd,
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        (usdPerMiss, usdPerReplicaHour, perRequest) => {
          const begin = (miss: number, hour: number): number =>
            missLimitsOf({ policy: priced(miss), perRequest, usdPerReplicaHour: hour }).begin;
          const now = begin(usdPerMiss, usdPerReplicaHour);
          expect(now).toBeGreaterThanOrEqual(0.0005);
          expect(now).toBeLessThanOrEqual(0.1);
          expect(begin(usdPerMiss * 2, usdPerReplicaHour)).toBeLessThanOrEqual(now);
          expect(begin(usdPerMiss, usdPerReplicaHour * 2)).toBeGreaterThanOrEqual(now);
        },
      ),
    );
  });

  test.each([
    [10, 'low'],
    [0.1, 'balanced'],
    [0.01, 'cheap'],
  ] as const)('a miss of %d USD staffs what is not measured yet as risk %s', (usdPerMiss, risk) => {
    expect(riskOf({ policy: priced(usdPerMiss), perRequest: 0.5, usdPerReplicaHour: 3.6 })).toBe(risk);
  });
});

describe('the share of misses that is steered for', () => {
  const known = { perRequest: 0.5, usdPerReplicaHour: 3.6 };

  test('is what the objective leaves, without a price and before a forecast', () => {
    const slo = { slo: { waitSec: 5, ratio: 0.99 } };
    expect(missTargetOf({ policy: workloadPolicy(slo), ...known }, { expected: 4, bound: 6 })).toBeCloseTo(0.01);
    expect(missTargetOf({ policy: priced(0.015, slo), ...known }, null)).toBeCloseTo(0.01);
  });

  test('is the share whose misses cost the room over the logarithm of the begin', () => {
    const target = missTargetOf({ policy: priced(0.015), ...known }, { expected: 4, bound: 6 });
    expect(target).toBeCloseTo((0.032258 * 0.5) / Math.log(1 / 0.032258), 6);
  });

  test('rises with the room there is, within what can be measured', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 20, noNaN: true }),
        fc.double({ min: 1e-6, max: 1e3, noNaN: true }),
        (room, usd) => {
          const at = (bound: number): number => missTargetOf({ policy: priced(usd), ...known }, { expected: 1, bound });
          expect(at(1 + room)).toBeLessThanOrEqual(at(2 + room));
          expect(at(1 + room)).toBeGreaterThanOrEqual(1e-5);
          expect(at(1 + room)).toBeLessThanOrEqual(0.2);
        },
      ),
    );
  });
});

describe('the price of a replica', () => {
  const nodeGroups = [
    groupPolicy({ shape: { instanceType: 'g5', gpus: { 'nvidia.com/gpu': 8 } } }, 'unpriced'),
    groupPolicy({ shape: { instanceType: 'g6', gpus: { 'nvidia.com/gpu': 4 }, usdPerHour: 12 } }, 'priced'),
  ];
  const groups = ['unpriced', 'priced'];

  test('is its part of a node of the first group that has one', () => {
    const policy = priced(1, { nodeGroups: groups, gpusPerReplica: { 'nvidia.com/gpu': 1 } });
    expect(usdPerReplicaHourOf(policy, { target: observed(1), nodeGroups })).toBe(3);
  });

  test('is by the GPUs the pod template asks for, where the policy says none', () => {
    const policy = priced(1, { nodeGroups: groups });
    const target = observed(1, { gpusPerReplica: { 'nvidia.com/gpu': 2 } });
    expect(usdPerReplicaHourOf(policy, { target, nodeGroups })).toBe(6);
    expect(usdPerReplicaHourOf(policy, { target: { kind: 'missing', reason: 'gone' }, nodeGroups })).toBeNull();
  });

  test('is what the policy says, before any node group', () => {
    const policy = workloadPolicy({ nodeGroups: groups, price: { usdPerMiss: 1, usdPerReplicaHour: 2.5 } });
    expect(usdPerReplicaHourOf(policy, { target: observed(1), nodeGroups })).toBe(2.5);
  });

  test('is not known where no group has one', () => {
    const policy = priced(1, { nodeGroups: ['unpriced'], gpusPerReplica: { 'nvidia.com/gpu': 1 } });
    expect(usdPerReplicaHourOf(policy, { target: observed(1), nodeGroups })).toBeNull();
  });
});
