/** Laws of the allotment: allocation, and what of it fits on nodes. */
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { allot } from '../../lib/core/allocation/allot.ts';
import type { Allotment } from '../../lib/core/allocation/allot.ts';
import type { PoolInput, PoolNodeGroup, PoolWorkload } from '../../lib/core/decide-types.ts';
import { fits } from '../../lib/core/nodes/gpus.ts';
import { nextStep } from '../../lib/core/nodes/place.ts';
import { canOrder, supplyOf } from '../../lib/core/nodes/supply.ts';
import type { BinKind, Content, Supply } from '../../lib/core/nodes/supply.ts';
import { planPool } from '../../lib/core/plan-pool.ts';
import type { FleetPolicy, ScalingPolicy } from '../../lib/core/policy.ts';
import { GPU } from './allocation-claims.ts';
import {
  busyNode,
  fleet,
  groupPolicy,
  node,
  observed,
  observedGroup,
  poolGroup,
  poolInput,
  poolWorkload,
  wants,
  workloadPolicy,
} from './builders.ts';
import { lawRuns } from './law-runs.ts';

const NUM_RUNS = lawRuns(1_000);

const GPUS_PER_NODE = 4;

const drawnArb = fc.record({
  wanted: fc.nat(8),
  held: fc.nat(3),
  gpus: fc.constantFrom(1, 1, 2, 3, 4),
  step: fc.constantFrom(1, 1, 1, 2),
  groups: fc.constantFrom(['a'], ['b'], ['a', 'b'], ['b', 'a']),
  tier: fc.integer({ min: 1, max: 2 }),
  weight: fc.integer({ min: 1, max: 3 }),
  kind: fc.constantFrom('interactive' as const, 'batch' as const, 'training' as const),
});

type Drawn = typeof drawnArb extends fc.Arbitrary<infer T> ? T : never;

const DRAWN: Drawn = {
  wanted: 1,
  held: 0,
  gpus: 1,
  step: 1,
  groups: ['a'],
  tier: 1,
  weight: 1,
  kind: 'interactive',
};

/** Parsed once: the schema takes longer than the plan. */
const POLICY = workloadPolicy({ replicas: { min: 1, max: 40 } });
const GROUP = groupPolicy({ shape: { instanceType: 'g', gpus: { [GPU]: GPUS_PER_NODE } } });
const FLEET = fleet();
const INPUT = poolInput();

function policyOf(name: string, spec: Partial<ScalingPolicy['spec']>): ScalingPolicy {
  return { ...POLICY, metadata: { name }, spec: { ...POLICY.spec, ...spec } };
}

const fleetOf = (spec: Partial<FleetPolicy['spec']>): FleetPolicy => ({ ...FLEET, spec: { ...FLEET.spec, ...spec } });

function workloadOf({ wanted, held, gpus, step, groups, ...priority }: Drawn, index: number): PoolWorkload {
  const replicas = { min: 0, max: 40, step };
  const spec = { replicas, nodeGroups: [...groups], gpusPerReplica: { [GPU]: gpus }, priority };
  return {
    policy: policyOf(`w${index}`, spec),
    target: observed(held * step),
    outcome: wants(Math.max(wanted, held) * step),
  };
}

function groupOf(name: string, of: { readonly used: readonly number[]; readonly max: number }): PoolNodeGroup {
  const gpusAllocatable = { [GPU]: GPUS_PER_NODE };
  const nodes = of.used.map((gpus, index) =>
    node(`${name}-${index}`, { gpusAllocatable, gpusUsed: { [GPU]: gpus }, podCount: gpus }),
  );
  const policy = { ...GROUP, metadata: { name }, spec: { ...GROUP.spec, nodes: { ...GROUP.spec.nodes, max: of.max } } };
  return { policy, observed: observedGroup(nodes), backoffUntilMs: 0, backoffCause: null };
}

const groupArb = (name: string) =>
  fc
    .record({ used: fc.array(fc.nat(GPUS_PER_NODE), { maxLength: 3 }), more: fc.nat(2) })
    .map(({ used, more }) => groupOf(name, { used, max: Math.max(1, used.length + more) }));

const poolArb = fc
  .record({
    drawn: fc.array(drawnArb, { minLength: 1, maxLength: 5 }),
    nodeGroups: fc.tuple(groupArb('a'), groupArb('b')),
    allocation: fc.constantFrom(
      'auto' as const,
      'fair' as const,
      'priority' as const,
      'resource' as const,
      'load' as const,
    ),
    quota: fc.option(fc.nat(24)),
  })
  .map(({ drawn, nodeGroups, allocation, quota }): PoolInput => ({
    ...INPUT,
    workloads: drawn.map(workloadOf),
    nodeGroups,
    fleet: fleetOf({ allocation, ...(quota === null ? {} : { gpuQuota: { [GPU]: quota } }) }),
  }));

const gpusOf = (workload: PoolWorkload): number => workload.policy.spec.gpusPerReplica?.[GPU] ?? 0;

const heldOf = ({ target, outcome }: PoolWorkload): number =>
  Math.min(outcome.wanted, target.kind === 'observed' ? target.replicas : 0);

const grantedOf = ({ granted }: Allotment, workload: PoolWorkload): number =>
  granted.get(workload.policy.metadata.name) ?? -1;

const freeGpus = ({ bins }: Supply): number =>
  [bins.free, bins.pending, bins.new]
    .flatMap((byGroup) => [...byGroup.values()].flat())
    .reduce((sum, bin) => sum + (bin.free[GPU] ?? 0), 0);

const orderedNodes = ({ bins }: Supply): number => [...bins.new.values()].flat().length;

/** True when the supply that is left has room for the next replica of a workload (one without gangs). */
function hasRoomFor(supply: Supply, workload: PoolWorkload): boolean {
  const need = { [GPU]: gpusOf(workload) };
  return workload.policy.spec.nodeGroups.some((group) => {
    const bins = [supply.bins.free, supply.bins.pending, supply.bins.new].flatMap((all) => all.get(group) ?? []);
    return bins.some((bin) => fits(bin.free, need)) || canOrder(supply, group) === null;
  });
}

const isFirst = ({ policy }: PoolWorkload): boolean => policy.spec.priority.tier === 1;

function withFloor(workload: PoolWorkload, gangs: number): PoolWorkload {
  const { replicas } = workload.policy.spec;
  const min = gangs * replicas.step;
  const policy = { ...workload.policy, spec: { ...workload.policy.spec, replicas: { ...replicas, min } } };
  return { ...workload, policy, outcome: wants(Math.max(min, workload.outcome.wanted)) };
}

function beyondFloorOnlyInTier1(workload: PoolWorkload): PoolWorkload {
  if (isFirst(workload)) return workload;
  return { ...workload, outcome: wants(Math.max(workload.policy.spec.replicas.min, heldOf(workload))) };
}

/** What was placed on each node, there or ordered. */
const nodesIn = ({
  bins,
}: Supply): { readonly key: readonly [BinKind, string, number]; readonly content: readonly Content[] }[] =>
  (['free', 'pending', 'new'] as const).flatMap((kind) =>
    [...bins[kind]].flatMap(([group, all]) =>
      all.map(({ content }, index) => ({ key: [kind, group, index] as const, content })),
    ),
  );

const contentOf = ({ bins }: Supply, [kind, group, index]: readonly [BinKind, string, number]): readonly Content[] =>
  bins[kind].get(group)?.[index]?.content ?? [];

const namesIn = (input: PoolInput): string[] => input.workloads.map(({ policy }) => policy.metadata.name);

describe('laws of the allotment', () => {
  test('every granted replica has its GPUs on a node that exists or is ordered, in whole gangs, and none is granted twice', () => {
    fc.assert(
      fc.property(poolArb, (input) => {
        const before = freeGpus(supplyOf(input));
        const allotment = allot(input);
        const used = before + GPUS_PER_NODE * orderedNodes(allotment.supply) - freeGpus(allotment.supply);
        let grown = 0;
        for (const workload of input.workloads) {
          const [granted, held] = [grantedOf(allotment, workload), heldOf(workload)];
          if (granted < held || granted > workload.outcome.wanted) return false;
          if (granted % workload.policy.spec.replicas.step !== 0) return false;
          grown += (granted - held) * gpusOf(workload);
        }
        return grown === used;
      }),
      { numRuns: NUM_RUNS },
    );
  });

  test('no GPU is left that somebody who may use it wants, and whoever gets less is told why', () => {
    fc.assert(
      fc.property(poolArb, (input) => {
        const allotment = allot(input);
        return input.workloads.every((workload) => {
          const { name } = workload.policy.metadata;
          if (grantedOf(allotment, workload) >= workload.outcome.wanted) return !allotment.because.has(name);
          const isTold = allotment.because.has(name) && (allotment.blockedBy.get(name) ?? []).length > 0;
          const { step } = workload.policy.spec.replicas;
          return (
            isTold &&
            (nextStep(grantedOf(allotment, workload), { step }) > 1 || !hasRoomFor(allotment.supply, workload))
          );
        });
      }),
      { numRuns: NUM_RUNS },
    );
  });

  test('the order of the workloads changes nothing', () => {
    fc.assert(
      fc.property(poolArb, (input) => {
        const [one, other] = [allot(input), allot({ ...input, workloads: input.workloads.toReversed() })];
        return namesIn(input).every(
          (name) =>
            one.granted.get(name) === other.granted.get(name) && one.because.get(name) === other.because.get(name),
        );
      }),
      { numRuns: NUM_RUNS },
    );
  });

  test('what tier 2 wants beyond its floors changes nothing for tier 1: neither how many replicas it gets nor on which nodes', () => {
    const tieredArb = fc.constantFrom('auto' as const, 'fair' as const, 'priority' as const);
    const floorsArb = fc.array(fc.nat(3), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(poolArb, tieredArb, floorsArb, (drawn, allocation, floors) => {
        const workloads = drawn.workloads.map((workload, index) => withFloor(workload, floors[index] ?? 0));
        // Without a first tier the second one is the first.
        fc.pre(workloads.some(isFirst));
        const input = { ...drawn, workloads, fleet: fleetOf({ allocation }) };
        const modest = { ...input, workloads: workloads.map(beyondFloorOnlyInTier1) };
        const [one, other] = [allot(input), allot(modest)];
        return (
          workloads.every((each) => !isFirst(each) || grantedOf(one, each) === grantedOf(other, each)) &&
          nodesIn(other.supply).every(({ key, content }) =>
            isDeepStrictEqual(contentOf(one.supply, key).slice(0, content.length), content),
          )
        );
      }),
      { numRuns: lawRuns(3_000) },
    );
  });

  test('a tier that fits as it prefers is not moved; within a tier whoever has a choice of groups makes room', () => {
    const flexible: Drawn = { ...DRAWN, wanted: 3, groups: ['b', 'a'] };
    const picky: Drawn = { ...DRAWN, groups: ['b'] };
    // A node of "a" may be ordered, and "b" has three free GPUs: by preference the flexible one takes them all.
    const groups = [groupOf('a', { used: [], max: 1 }), groupOf('b', { used: [1], max: 1 })];
    const counts = (tiers: readonly number[]): number[] => {
      const workloads = [flexible, picky].map((each, index) => workloadOf({ ...each, tier: tiers[index] ?? 1 }, index));
      const allotment = allot({ ...INPUT, workloads, nodeGroups: groups, fleet: fleetOf({ allocation: 'fair' }) });
      return workloads.map((each) => grantedOf(allotment, each));
    };
    expect(counts([1, 1])).toEqual([3, 1]);
    expect(counts([2, 1])).toEqual([3, 1]);
    expect(counts([1, 2])).toEqual([3, 0]);
  });
});

const scarce = (workloads: readonly PoolWorkload[], over: Partial<PoolInput> = {}): PoolInput =>
  poolInput({
    workloads,
    nodeGroups: [
      poolGroup(observedGroup(Array.from({ length: 4 }, (_, index) => busyNode(`node-${index}`))), {
        policy: groupPolicy({ nodes: { max: 8 } }),
      }),
    ],
    ...over,
  });

const asking = (name: string, spec: Record<string, unknown>, wanted = 8): PoolWorkload =>
  poolWorkload({ wanted, policy: workloadPolicy({ nodeGroups: ['g5-od'], ...spec }, name), target: observed(1) });

const trailOf = (input: PoolInput): Record<string, string | undefined> =>
  Object.fromEntries(
    planPool(input).decisions.map(({ workload, trail }) => [
      workload,
      trail.find((step) => step.rule === 'allocation')?.because,
    ]),
  );

describe('the trail of an allocation', () => {
  test('fair: the weight, the tier, and the GPUs there were', () => {
    const workloads = [
      asking('a', { priority: { weight: 2 } }),
      asking('b', {}),
      asking('c', { priority: { tier: 2 } }, 2),
      asking('d', {}, 1),
    ];
    expect(trailOf(scarce(workloads, { fleet: fleet({ allocation: 'fair' }) }))).toEqual({
      a: '4 of 8 replicas cannot have GPUs: g5-od is at nodes.max 8; fair: weight 2 of 3 in tier 1, 4 GPUs left after running replicas and floors',
      b: '6 of 8 replicas cannot have GPUs: g5-od is at nodes.max 8; fair: weight 1 of 3 in tier 1, 4 GPUs left after running replicas and floors',
      c: '1 of 2 replicas cannot have GPUs: g5-od is at nodes.max 8; fair: alone in tier 2, 0 GPUs left after tier 1',
      d: undefined,
    });
  });

  test('auto: the kind of work, and why it is served so', () => {
    const batch = { priority: { kind: 'batch' } };
    const workloads = [asking('chat', {}, 3), asking('queue-a', batch, 9), asking('queue-b', batch, 3)];
    const trail = trailOf(scarce(workloads));
    expect(trail['chat']).toBeUndefined();
    expect(trail['queue-a']).toBe(
      '6 of 9 replicas cannot have GPUs: g5-od is at nodes.max 8; auto: load 9 of 12 GPUs in batch work of tier 1, 2 GPUs left after interactive work of tier 1 (batch: by weighted load, so that queues drain in the same time)',
    );
  });

  test('gangs: how many at a time', () => {
    const replicas = { min: 4, max: 16, step: 4 };
    const gang = asking('train', { replicas, priority: { kind: 'training' } }, 16);
    const input = scarce([asking('chat', {}, 2), { ...gang, target: observed(0) }]);
    expect(trailOf(input)['train']).toBe(
      '12 of 16 replicas cannot have GPUs: g5-od is at nodes.max 8; auto: alone in training work of tier 1, 0 GPUs left after interactive work of tier 1, 4 replicas at a time',
    );
  });
});
