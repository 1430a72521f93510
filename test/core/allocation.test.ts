/** Laws of every allocation strategy. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { AllocationClaim, AllocationStrategy, CapacityPool } from '../../lib/core/allocation/contract.ts';
import { gainOf } from '../../lib/core/allocation/gain.ts';
import { allocationStrategies } from '../../lib/core/allocation/index.ts';
import { claim, GPU, poolOf, shares } from './allocation-claims.ts';
import { lawRuns } from './law-runs.ts';

const SLICE = 'nvidia.com/mig-1g.5gb';
const GROUPS = ['a', 'b', 'c'];
/** Of each law and strategy: ten thousand over the five. */
const NUM_RUNS = lawRuns(2_000);

const groupsArb = fc.constantFrom(['a'], ['b'], ['c'], ['a', 'b'], ['b', 'a'], ['b', 'c'], ['a', 'b', 'c']);

const claimArb = fc.record({
  wanted: fc.nat(12),
  held: fc.nat(5),
  floor: fc.nat(4),
  gpus: fc.constantFrom(
    { [GPU]: 1 },
    { [GPU]: 1 },
    { [GPU]: 2 },
    { [GPU]: 4 },
    { [SLICE]: 0.5 },
    { [GPU]: 1, [SLICE]: 2 },
  ),
  groups: groupsArb,
  step: fc.constantFrom(1, 1, 1, 2, 3),
  tier: fc.integer({ min: 1, max: 3 }),
  weight: fc.double({ min: 0.1, max: 10, noNaN: true }),
  kind: fc.constantFrom('interactive' as const, 'batch' as const, 'training' as const),
  load: fc.double({ min: 0, max: 12, noNaN: true }),
});

type Drawn = Omit<AllocationClaim, 'workload' | 'waitSec' | 'leadTimeSec'>;

const named = (all: readonly Drawn[]): AllocationClaim[] =>
  all.map((each, index) => claim(`w${index}`, { ...each, held: Math.min(each.held, each.wanted) }));

const claimsArb = fc.array(claimArb, { minLength: 1, maxLength: 6 }).map(named);

/** Replicas of one GPU each, so that sums tell everything. */
const unitClaimsArb = fc
  .array(claimArb, { minLength: 1, maxLength: 6 })
  .map((all) => named(all.map((each) => ({ ...each, gpus: { [GPU]: 1 }, step: 1 }))));

const nodeArb = fc.record({ [GPU]: fc.nat(4), [SLICE]: fc.constantFrom(0, 0, 3) });
const poolsArb: fc.Arbitrary<CapacityPool[]> = fc
  .tuple(...GROUPS.map(() => fc.array(nodeArb, { maxLength: 3 })))
  .map((groups) => groups.map((free, index) => ({ name: GROUPS[index] ?? '', free })));

const SETS = [['a'], ['b'], ['c'], ['a', 'b'], ['a', 'c'], ['b', 'c'], GROUPS];

const within = (groups: readonly string[], set: readonly string[]): boolean =>
  groups.every((group) => set.includes(group));

/** GPUs of a name that the groups of a set have free. */
const freeIn = (pools: readonly CapacityPool[], set: readonly string[], name: string): number =>
  pools
    .filter((pool) => set.includes(pool.name))
    .reduce((sum, pool) => sum + pool.free.reduce((gpus, node) => gpus + (node[name] ?? 0), 0), 0);

/** GPUs of a name granted beyond what is held to claims that may use nothing outside the set. */
const grownIn = (
  claims: readonly AllocationClaim[],
  counts: readonly number[],
  of: { set: readonly string[]; name: string },
) =>
  claims.reduce(
    (sum, each, index) =>
      within(each.groups, of.set) ? sum + ((counts[index] ?? 0) - each.held) * (each.gpus[of.name] ?? 0) : sum,
    0,
  );

const least = (each: AllocationClaim): number => Math.max(each.held, Math.min(each.floor, each.wanted));

const sumOf = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0);

const strategies = Object.entries<AllocationStrategy>(allocationStrategies);
const withTiers = (['priority', 'fair', 'auto'] as const).map((name) => [name, allocationStrategies[name]] as const);

describe.each(strategies)('allocation %s', (_name, strategy) => {
  test('gives whole replicas in whole gangs between held and wanted, no more GPUs of any name than any set of groups has, whatever the order of the workloads', () => {
    fc.assert(
      fc.property(claimsArb, poolsArb, fc.nat(5), (claims, pools, by) => {
        const counts = shares(strategy, claims, pools);
        for (const [index, each] of claims.entries()) {
          const replicas = counts[index] ?? -1;
          if (!Number.isInteger(replicas) || replicas < each.held || replicas > each.wanted) return false;
          if (replicas !== each.held && replicas % (each.step ?? 1) !== 0) return false;
        }
        const turned = [...claims.slice(by), ...claims.slice(0, by)].toReversed();
        const again = shares(strategy, turned, pools);
        if (!turned.every((each, index) => again[index] === counts[claims.indexOf(each)])) return false;
        return [GPU, SLICE].every((name) =>
          SETS.every((set) => grownIn(claims, counts, { set, name }) <= freeIn(pools, set, name) + 1e-6),
        );
      }),
      { numRuns: NUM_RUNS },
    );
  });

  test('floors come first, when there is room for all of them', () => {
    const gpus = fc.nat(40);
    fc.assert(
      fc.property(unitClaimsArb, gpus, (drawn, size) => {
        const claims = drawn.map((each) => ({ ...each, groups: ['a'] }));
        fc.pre(claims.reduce((sum, each) => sum + least(each) - each.held, 0) <= size);
        const counts = shares(strategy, claims, [poolOf(size)]);
        return claims.every((each, index) => (counts[index] ?? 0) >= least(each));
      }),
      { numRuns: NUM_RUNS },
    );
  });

  test('whoever wants more is in a set of groups whose GPUs are all in use, even where others of its tier had to move', () => {
    fc.assert(
      fc.property(unitClaimsArb, poolsArb, (drawn, pools) => {
        const claims = drawn.map((each) => ({ ...each, tier: 1 }));
        const counts = shares(strategy, claims, pools);
        return claims.every((each, index) => {
          if ((counts[index] ?? 0) >= each.wanted) return true;
          return SETS.some(
            (set) =>
              within(each.groups, set) && grownIn(claims, counts, { set, name: GPU }) >= freeIn(pools, set, GPU) - 1e-6,
          );
        });
      }),
      { numRuns: NUM_RUNS },
    );
  });

  test('one GPU more takes a replica from nobody, where replicas are of one size', () => {
    fc.assert(
      fc.property(unitClaimsArb, poolsArb, groupsArb, (claims, pools, [group = 'a']) => {
        const counts = shares(strategy, claims, pools);
        const more = pools.map((pool) =>
          pool.name === group ? { ...pool, free: [...pool.free, { [GPU]: 1 }] } : pool,
        );
        const again = shares(strategy, claims, more);
        if (sumOf(again) < sumOf(counts)) return false;
        const isOneGroup = new Set(claims.map((each) => each.groups.join())).size === 1;
        return !isOneGroup || counts.every((before, index) => (again[index] ?? 0) >= before);
      }),
      { numRuns: NUM_RUNS },
    );
  });

  test('everybody has what it wants when there is enough', () => {
    fc.assert(
      fc.property(claimsArb, (drawn) => {
        const claims = drawn.map((each) => ({ ...each, groups: ['a'] }));
        const nodes = claims.flatMap((each) => Array.from({ length: each.wanted }, () => each.gpus));
        const counts = shares(strategy, claims, [{ name: 'a', free: nodes }]);
        return claims.every((each, index) => {
          const whole = Math.floor(each.wanted / (each.step ?? 1)) * (each.step ?? 1);
          return counts[index] === Math.max(each.held, whole);
        });
      }),
      { numRuns: lawRuns(500) },
    );
  });
});

describe.each(withTiers)('allocation %s', (_name, strategy) => {
  test('of two that are alike the one with more weight never gets less', () => {
    fc.assert(
      fc.property(claimsArb, poolsArb, fc.double({ min: 1, max: 20, noNaN: true }), (claims, pools, factor) => {
        const [first] = claims;
        if (first === undefined) return true;
        const heavier = { ...first, workload: 'heavier', weight: first.weight * factor };
        const [light = 0, , heavy = 0] = shares(strategy, [first, claim('0'), heavier, ...claims.slice(1)], pools);
        return heavy >= light || factor === 1;
      }),
      { numRuns: NUM_RUNS },
    );
  });

  test('what tier 2 wants beyond its floors changes nothing for tier 1', () => {
    fc.assert(
      fc.property(claimsArb, poolsArb, fc.nat(20), (claims, pools, more) => {
        const greedy = claims.map((each) =>
          each.tier === 1 || each.wanted < each.floor + 3 ? each : { ...each, wanted: each.wanted + more, load: more },
        );
        const [before, after] = [shares(strategy, claims, pools), shares(strategy, greedy, pools)];
        return claims.every((each, index) => each.tier !== 1 || before[index] === after[index]);
      }),
      { numRuns: NUM_RUNS },
    );
  });
});

describe('what the strategies do', () => {
  test('resource: R_c = R_total · N_c / N_total, whole replicas by the nearest share', () => {
    const claims = [50, 33, 17].map((wanted, index) => claim(`w${index}`, { wanted }));
    expect(shares(allocationStrategies.resource, claims, [poolOf(10)])).toEqual([5, 3, 2]);
  });

  test('fair: what one does not want is for the others, by weight', () => {
    const claims = [claim('a', { wanted: 2 }), claim('b', { wanted: 20, weight: 3 }), claim('c', { wanted: 20 })];
    expect(shares(allocationStrategies.fair, claims, [poolOf(14)])).toEqual([2, 9, 3]);
  });

  test('fair: dominant shares are equal when several resources are needed (the example of the DRF paper)', () => {
    const [cpu, gib] = ['example.com/cpu', 'example.com/gib'];
    const claims = [claim('a', { gpus: { [cpu]: 1, [gib]: 4 } }), claim('b', { gpus: { [cpu]: 3, [gib]: 1 } })];
    const pool = { name: 'a', free: [{ [cpu]: 9, [gib]: 18 }] };
    expect(shares(allocationStrategies.fair, claims, [pool])).toEqual([3, 2]);
  });

  test('fair: between equal shares the GPU goes where it saves most waiting', () => {
    const claims = [claim('a', { wanted: 4, load: 3.2 }), claim('b', { wanted: 12, load: 11 })];
    expect(shares(allocationStrategies.fair, claims, [poolOf(5)])).toEqual([2, 3]);
    const heavy = [claim('a', { wanted: 4, load: 3.2, weight: 1.01 }), claim('b', { wanted: 12, load: 11 })];
    expect(shares(allocationStrategies.fair, heavy, [poolOf(5)])).toEqual([3, 2]);
  });

  test('somebody with a choice of groups makes room for somebody without', () => {
    const claims = [claim('picky', { wanted: 4, groups: ['a'] }), claim('free', { wanted: 4, groups: ['a', 'b'] })];
    expect(shares(allocationStrategies.fair, claims, [poolOf(4, 'a'), poolOf(4, 'b')])).toEqual([4, 4]);
  });

  test('nobody of a higher tier makes room for a lower one, and a lower one makes room only below its floor', () => {
    const [high, low] = [
      { wanted: 4, groups: ['a', 'b'] },
      { wanted: 4, groups: ['a'], tier: 2 },
    ];
    const pools = [poolOf(4, 'a'), poolOf(4, 'b')];
    const at = (floor: number) =>
      shares(allocationStrategies.fair, [claim('h', high), claim('l', { ...low, floor })], pools);
    expect([0, 1, 4].map(at)).toEqual([
      [4, 0],
      [4, 1],
      [4, 4],
    ]);
    const picky = [claim('h', { wanted: 4, groups: ['a'] }), claim('l', { ...low, floor: 2, groups: ['a', 'b'] })];
    expect(shares(allocationStrategies.fair, picky, pools)).toEqual([4, 4]);
  });

  test('auto: within a tier interactive work, then batch by load, then training in whole gangs', () => {
    const claims = [
      claim('chat', { wanted: 4 }),
      claim('queue-a', { kind: 'batch', wanted: 9, load: 9 }),
      claim('queue-b', { kind: 'batch', wanted: 9, load: 3 }),
      claim('train', { kind: 'training', wanted: 16, step: 8 }),
      claim('later', { tier: 2, wanted: 4 }),
    ];
    const at = (gpus: number): number[] => shares(allocationStrategies.auto, claims, [poolOf(gpus)]);
    expect(at(12)).toEqual([4, 6, 2, 0, 0]);
    expect(at(22 + 8)).toEqual([4, 9, 9, 8, 0]);
    // Seven are less than a gang, so they are for the next tier.
    expect(at(22 + 15)).toEqual([4, 9, 9, 8, 4]);
  });

  test('a broken gang is completed first, and no part of one is granted', () => {
    const train = claim('train', { step: 4, wanted: 12, held: 3 });
    expect([0, 1, 4, 5, 9].map((gpus) => shares(allocationStrategies.auto, [train], [poolOf(gpus)])[0])).toEqual([
      3, 4, 4, 8, 12,
    ]);
  });

  test('a replica that fits on no node gets nothing, and what it cannot use is for others', () => {
    const claims = [claim('large', { gpus: { [GPU]: 4 }, weight: 100 }), claim('small', { wanted: 9 })];
    const pool = { name: 'a', free: [{ [GPU]: 3 }, { [GPU]: 3 }] };
    expect(shares(allocationStrategies.priority, claims, [pool])).toEqual([0, 6]);
  });

  test('nodes are ordered as long as they may be', () => {
    let left = 2;
    const order = () => (left-- > 0 ? { [GPU]: 4 } : null);
    const pool = { name: 'a', free: [], orderable: { shape: { [GPU]: 4 }, nodes: 2 }, order };
    expect(shares(allocationStrategies.fair, [claim('a'), claim('b')], [pool])).toEqual([4, 4]);
  });
});

describe('gainOf', () => {
  test('falls with every replica, and is larger for more weight', () => {
    const anyArb = fc.record({
      load: fc.double({ min: 0, max: 50, noNaN: true }),
      waitSec: fc.nat(60),
      leadTimeSec: fc.nat(600),
    });
    fc.assert(
      fc.property(anyArb, fc.nat(40), (over, replicas) => {
        const one = claim('a', over);
        const [gain, next] = [gainOf(one, replicas, 1), gainOf(one, replicas + 1, 1)];
        return gain >= next - 1e-9 && next >= 0 && gainOf({ ...one, weight: 2 }, replicas, 1) >= gain;
      }),
      { numRuns: NUM_RUNS },
    );
  });
});
