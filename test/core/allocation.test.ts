/** Laws of every allocation strategy, and the formulas by hand. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { AllocationClaim, AllocationStrategy } from '../../lib/core/allocation/contract.ts';
import { allocationStrategies } from '../../lib/core/allocation/index.ts';

function claim(workload: string, over: Partial<AllocationClaim> = {}): AllocationClaim {
  return { workload, wanted: 10, held: 0, floor: 0, gpusPerReplica: 1, tier: 1, weight: 1, load: 10, ...over };
}

const claimsArb = fc
  .array(
    fc.record({
      wanted: fc.nat(30),
      held: fc.nat(10),
      floor: fc.nat(4),
      gpusPerReplica: fc.constantFrom(1, 1, 2, 4, 8, 0.5),
      tier: fc.integer({ min: 1, max: 3 }),
      weight: fc.double({ min: 0.1, max: 10, noNaN: true }),
      load: fc.double({ min: 0, max: 30, noNaN: true }),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((all) =>
    all.map((each, index): AllocationClaim => ({
      ...each,
      workload: `w${index}`,
      held: Math.min(each.held, each.wanted),
    })),
  );

const used = (claims: readonly AllocationClaim[], grants: ReadonlyMap<string, number>): number =>
  claims.reduce((sum, each) => sum + (grants.get(each.workload) ?? 0) * each.gpusPerReplica, 0);

const least = (each: AllocationClaim): number => Math.max(each.held, Math.min(each.floor, each.wanted));

const counts = (strategy: AllocationStrategy, claims: readonly AllocationClaim[], capacityGpus: number): number[] => {
  const grants = strategy(claims, capacityGpus);
  return claims.map((each) => grants.get(each.workload) ?? -1);
};

const strategies = Object.entries<AllocationStrategy>(allocationStrategies);

describe.each(strategies)('allocation %s', (_name, strategy) => {
  test('gives whole replicas, never more than wanted or than exists, never less than held', () => {
    fc.assert(
      fc.property(claimsArb, fc.nat(120), (claims, capacityGpus) => {
        const grants = strategy(claims, capacityGpus);
        const held = claims.reduce((sum, each) => sum + each.held * each.gpusPerReplica, 0);
        expect(used(claims, grants)).toBeLessThanOrEqual(Math.max(capacityGpus, held) + 1e-6);
        for (const each of claims) {
          const replicas = grants.get(each.workload) ?? -1;
          expect(Number.isInteger(replicas)).toBe(true);
          expect(replicas).toBeGreaterThanOrEqual(each.held);
          expect(replicas).toBeLessThanOrEqual(each.wanted);
        }
      }),
    );
  });

  test('floors come first, when there is room for all of them', () => {
    fc.assert(
      fc.property(claimsArb, fc.nat(120), (claims, capacityGpus) => {
        fc.pre(claims.reduce((sum, each) => sum + least(each) * each.gpusPerReplica, 0) <= capacityGpus);
        const grants = strategy(claims, capacityGpus);
        for (const each of claims) expect(grants.get(each.workload)).toBeGreaterThanOrEqual(least(each));
      }),
    );
  });

  test('leaves no GPU idle that somebody wants and could use', () => {
    fc.assert(
      fc.property(claimsArb, fc.nat(120), (claims, capacityGpus) => {
        const grants = strategy(claims, capacityGpus);
        const left = capacityGpus - used(claims, grants);
        for (const each of claims) {
          if ((grants.get(each.workload) ?? 0) < each.wanted) expect(each.gpusPerReplica).toBeGreaterThan(left - 1e-6);
        }
      }),
    );
  });

  test('everybody has what it wants when there is enough, in whatever order they are asked', () => {
    fc.assert(
      fc.property(claimsArb, (claims) => {
        const enough = claims.reduce((sum, each) => sum + each.wanted * each.gpusPerReplica, 0);
        const grants = strategy(claims, enough);
        for (const each of claims) expect(grants.get(each.workload)).toBe(each.wanted);
        const scarce = Math.floor(enough / 2);
        const forth = strategy(claims, scarce);
        const back = strategy(claims.toReversed(), scarce);
        for (const each of claims) expect(back.get(each.workload)).toBe(forth.get(each.workload));
      }),
    );
  });
});

describe('allocation formulas', () => {
  test('resource: R_c = R_total · N_c / N_total', () => {
    const claims = [claim('a', { wanted: 30 }), claim('b', { wanted: 10 }), claim('c', { wanted: 20 })];
    expect(counts(allocationStrategies.resource, claims, 12)).toEqual([6, 2, 4]);
  });

  test('load: in proportion to the work', () => {
    const claims = [claim('a', { load: 9 }), claim('b', { load: 3 })];
    expect(counts(allocationStrategies.load, claims, 8)).toEqual([6, 2]);
  });

  test('priority: in proportion to the weights within a tier, tiers in order', () => {
    const same = [claim('a', { weight: 2 }), claim('b', { weight: 1 })];
    expect(counts(allocationStrategies.priority, same, 9)).toEqual([6, 3]);
    const tiers = [claim('a', { tier: 2 }), claim('b', { tier: 1 })];
    expect(counts(allocationStrategies.priority, tiers, 13)).toEqual([3, 10]);
  });

  test('fair: whoever wants little gets it, the others share the rest alike', () => {
    const claims = [
      claim('a', { wanted: 2 }),
      claim('b', { wanted: 20, weight: 9 }),
      claim('c', { wanted: 20, tier: 3 }),
    ];
    expect(counts(allocationStrategies.fair, claims, 12)).toEqual([2, 5, 5]);
  });

  test('whole replicas by largest remainder', () => {
    const claims = [claim('a', { wanted: 50 }), claim('b', { wanted: 33 }), claim('c', { wanted: 17 })];
    expect(counts(allocationStrategies.resource, claims, 10)).toEqual([5, 3, 2]);
  });
});
