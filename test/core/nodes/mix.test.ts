/** Which nodes are ordered: the mix, the order, what is paid for, slices, gangs. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { PoolInput, PoolNodeGroup, PoolWorkload } from '../../../lib/core/decide-types.ts';
import { planPool } from '../../../lib/core/plan-pool.ts';
import type { ScalingPolicy } from '../../../lib/core/policy.ts';
import {
  busyNode,
  fleet,
  groupPolicy,
  node,
  observed,
  observedGroup,
  poolGroup,
  poolInput,
  wants,
} from '../builders.ts';
import { lawGroup, lawReplicas, lawWorkload } from '../law-policies.ts';
import { lawRuns } from '../law-runs.ts';

const GPU = 'nvidia.com/gpu';

type Shape = { readonly gpus: number; readonly usdPerHour: number; readonly max?: number; readonly committed?: number };

/** An empty group of nodes of this shape. */
const group = (name: string, { gpus, usdPerHour, max = 50, committed = 0 }: Shape): PoolNodeGroup =>
  poolGroup(observedGroup([]), {
    policy: lawGroup(name, {
      nodes: { min: 0, max, surgeMax: 1_000 },
      committedNodes: committed,
      shape: { instanceType: name, gpus: { [GPU]: gpus }, usdPerHour },
    }),
  });

const workload = (
  name: string,
  of: {
    readonly wanted: number;
    readonly gpus?: number;
    readonly groups: readonly string[];
    readonly spec?: Partial<ScalingPolicy['spec']>;
  },
): PoolWorkload => ({
  policy: lawWorkload(name, {
    replicas: lawReplicas({ max: 1_000 }),
    nodeGroups: [...of.groups],
    nodeGroupChoice: 'price',
    gpusPerReplica: { [GPU]: of.gpus ?? 1 },
    ...of.spec,
  }),
  target: observed(0),
  outcome: wants(of.wanted),
});

function ordered(input: Partial<PoolInput>): Record<string, number> {
  const { plan } = planPool(poolInput(input));
  return Object.fromEntries(Object.values(plan.nodeGroups).map((each) => [each.name, each.nodes]));
}

const BIG: Shape = { gpus: 8, usdPerHour: 8 };
const SMALL: Shape = { gpus: 1, usdPerHour: 1.1 };

describe('planPool: the mix of nodes', () => {
  const sizes: readonly (readonly [number, Record<string, number>])[] = [
    [1, { big: 0, small: 1 }],
    [7, { big: 0, small: 7 }],
    [8, { big: 1, small: 0 }],
    [9, { big: 1, small: 1 }],
    [15, { big: 1, small: 7 }],
    [16, { big: 2, small: 0 }],
  ];
  test.each(sizes)('%i replicas of one GPU get no larger node than they need, when price decides', (wanted, nodes) => {
    const nodeGroups = [group('big', BIG), group('small', SMALL)];
    expect(ordered({ nodeGroups, workloads: [workload('a', { wanted, groups: ['big', 'small'] })] })).toEqual(nodes);
  });

  test("the policy's order comes before the price unless it says otherwise", () => {
    const nodeGroups = [group('big', BIG), group('small', SMALL)];
    const workloads = [workload('a', { wanted: 2, groups: ['big', 'small'], spec: { nodeGroupChoice: 'order' } })];
    expect(ordered({ nodeGroups, workloads })).toEqual({ big: 1, small: 0 });
  });

  test("among equal prices the policy's order decides", () => {
    const nodeGroups = [group('x', SMALL), group('y', SMALL)];
    expect(ordered({ nodeGroups, workloads: [workload('a', { wanted: 2, groups: ['y', 'x'] })] })).toEqual({
      x: 0,
      y: 2,
    });
  });

  test('what a large replica leaves of a node counts, when a smaller one can use it', () => {
    const nodeGroups = [group('eight', { gpus: 8, usdPerHour: 8 }), group('four', { gpus: 4, usdPerHour: 4.2 })];
    const groups = ['eight', 'four'];
    const workloads = [workload('large', { wanted: 1, gpus: 4, groups }), workload('little', { wanted: 4, groups })];
    expect(ordered({ nodeGroups, workloads })).toEqual({ eight: 1, four: 0 });
    expect(ordered({ nodeGroups, workloads: workloads.slice(0, 1) })).toEqual({ eight: 0, four: 1 });
  });

  test('nodes that are paid for come before the cheapest and before the first', () => {
    const nodeGroups = [
      group('big', BIG),
      group('small', SMALL),
      group('mine', { gpus: 1, usdPerHour: 9, committed: 3 }),
    ];
    for (const nodeGroupChoice of ['order', 'price'] as const) {
      const workloads = [workload('a', { wanted: 4, groups: ['small', 'mine'], spec: { nodeGroupChoice } })];
      expect(ordered({ nodeGroups, workloads })).toMatchObject({ small: 1, mine: 3 });
    }
  });

  test('a group without a price is the last to be chosen', () => {
    const unpriced = poolGroup(observedGroup([]), {
      policy: groupPolicy({ shape: { instanceType: 'x', gpus: { [GPU]: 1 } } }, 'unpriced'),
    });
    const workloads = [workload('a', { wanted: 3, groups: ['unpriced', 'small'] })];
    const nodeGroups = [unpriced, group('small', { ...SMALL, max: 2 })];
    expect(ordered({ nodeGroups, workloads })).toEqual({ unpriced: 1, small: 2 });
  });

  test('costs no more than the best mix there is, for one workload', () => {
    const shapeArb = fc.record({ gpus: fc.constantFrom(1, 2, 3, 4, 8), usdPerHour: fc.integer({ min: 1, max: 12 }) });
    fc.assert(
      fc.property(
        fc.array(shapeArb, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 20 }),
        (shapes, wanted) => {
          const groups = shapes.map((_, index) => `g${index}`);
          const nodeGroups = shapes.map((shape, index) => group(`g${index}`, shape));
          const nodes = ordered({ nodeGroups, workloads: [workload('a', { wanted, groups })] });
          const usd = shapes.reduce((sum, shape, index) => sum + shape.usdPerHour * (nodes[`g${index}`] ?? 0), 0);
          expect(usd).toBe(leastUsd(shapes, wanted));
        },
      ),
      { numRuns: lawRuns(100) },
    );
  });

  test('names and their order decide nothing but ties', () => {
    const shapeArb = fc.record({ gpus: fc.constantFrom(1, 2, 4, 8), centsPerHour: fc.integer({ min: 100, max: 900 }) });
    const wantsArb = fc.array(fc.record({ wanted: fc.nat(9), gpus: fc.constantFrom(1, 2, 4) }), {
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(shapeArb, { minLength: 2, maxLength: 4, selector: (shape) => shape.centsPerHour / shape.gpus }),
        wantsArb,
        (shapes, wanted) => {
          const usdOf = (names: readonly string[]): number => {
            const nodeGroups = shapes.map(({ gpus, centsPerHour }, i) =>
              group(names[i] ?? '', { gpus, usdPerHour: centsPerHour / 100 }),
            );
            const workloads = wanted.map((of, index) => workload(`w${index}`, { ...of, groups: names.toSorted() }));
            const nodes = ordered({ nodeGroups: nodeGroups.toSorted(byName), workloads });
            return shapes.reduce((sum, shape, i) => sum + shape.centsPerHour * (nodes[names[i] ?? ''] ?? 0), 0);
          };
          const names = shapes.map((_, index) => `g${index}`);
          const others = shapes.map((_, index) => `z${9 - index}`);
          expect(usdOf(others)).toBe(usdOf(names));
        },
      ),
      { numRuns: lawRuns(60) },
    );
  });
});

function byName(a: PoolNodeGroup, b: PoolNodeGroup): number {
  return a.policy.metadata.name < b.policy.metadata.name ? -1 : 1;
}

function leastUsd(shapes: readonly Shape[], wanted: number): number {
  const costs = [0];
  for (let count = 1; count <= wanted; count++) {
    costs.push(Math.min(...shapes.map((one) => one.usdPerHour + (costs[Math.max(0, count - one.gpus)] ?? 0))));
  }
  return costs[wanted] ?? 0;
}

describe('planPool: slices of GPUs', () => {
  const MIG = 'nvidia.com/mig-1g.5gb';
  const slices = (used: number) =>
    node('a100', { gpusAllocatable: { [MIG]: 7 }, gpusUsed: { [MIG]: used }, podCount: used });

  test("count as what they are: units of the node's allocatable resources", () => {
    const policy = groupPolicy({ shape: { instanceType: 'p4d', gpus: { [MIG]: 7 }, usdPerHour: 4 } });
    const workloads = [workload('a', { wanted: 9, groups: ['g5-od'], spec: { gpusPerReplica: { [MIG]: 1 } } })];
    const nodeGroups = [poolGroup(observedGroup([slices(5)]), { policy })];
    expect(ordered({ workloads, nodeGroups })).toEqual({ 'g5-od': 2 });
  });

  test('a quota is by resource name', () => {
    const policy = groupPolicy({ shape: { instanceType: 'p4d', gpus: { [MIG]: 7 }, usdPerHour: 4 } });
    const workloads = [workload('a', { wanted: 30, groups: ['g5-od'], spec: { gpusPerReplica: { [MIG]: 1 } } })];
    const nodeGroups = [poolGroup(observedGroup([]), { policy })];
    expect(ordered({ workloads, nodeGroups, fleet: fleet({ gpuQuota: { [GPU]: 1, [MIG]: 14 } }) })).toEqual({
      'g5-od': 2,
    });
  });
});

const limited = (max: number, busy = 0) =>
  poolGroup(observedGroup(Array.from({ length: busy }, (_, i) => busyNode(`node-${i}`))), {
    policy: groupPolicy({ nodes: { max } }),
  });

describe('planPool: replicas that only work together', () => {
  const STEP = { replicas: { min: 0, max: 40, step: 4 } };
  const four = (wanted: number, running = 0) => ({
    ...workload('gang', { wanted, groups: ['g5-od'], spec: STEP }),
    target: observed(running),
  });
  test('growth is rounded up to whole steps, and says so', () => {
    const { plan, decisions } = planPool(poolInput({ workloads: [four(5)], nodeGroups: [limited(20)] }));
    expect(plan.targets['gang']?.replicas).toBe(8);
    expect(plan.nodeGroups['g5-od']?.nodes).toBe(8);
    expect(decisions[0]?.trail.find((one) => one.rule === 'step')).toMatchObject({ from: 5, to: 8 });
  });

  test('a step that does not fit whole is not placed, and orders no node', () => {
    const { plan, unmet } = planPool(poolInput({ workloads: [four(8)], nodeGroups: [limited(6)] }));
    expect(plan.targets['gang']?.replicas).toBe(4);
    expect(plan.nodeGroups['g5-od']?.nodes).toBe(4);
    expect(unmet).toEqual({ gang: 4 });
  });

  test('a step that lost a replica is completed, not doubled', () => {
    const { plan } = planPool(poolInput({ workloads: [four(4, 3)], nodeGroups: [limited(20, 3)] }));
    expect(plan.nodeGroups['g5-od']?.nodes).toBe(4);
  });

  test('shrinks in whole steps', () => {
    const { plan } = planPool(poolInput({ workloads: [four(5, 12)], nodeGroups: [limited(20, 12)] }));
    expect(plan.targets['gang']?.replicas).toBe(8);
  });

  test('is never placed in part, whatever else wants GPUs', () => {
    const gangArb = fc.record({ wanted: fc.nat(20), step: fc.constantFrom(1, 2, 3, 4), gpus: fc.constantFrom(1, 2) });
    fc.assert(
      fc.property(fc.array(gangArb, { minLength: 1, maxLength: 3 }), fc.nat(12), (gangs, max) => {
        const workloads = gangs.map(({ wanted, step, gpus }, index) =>
          workload(`w${index}`, {
            wanted,
            gpus,
            groups: ['a', 'b'],
            spec: { replicas: lawReplicas({ max: 24 * step, step }) },
          }),
        );
        const nodeGroups = [
          group('a', { gpus: 2, usdPerHour: 2, max: Math.max(1, max) }),
          group('b', { gpus: 4, usdPerHour: 3, max: 2 }),
        ];
        const { plan } = planPool(poolInput({ workloads, nodeGroups }));
        const gpus = gangs.reduce((sum, one, i) => sum + one.gpus * (plan.targets[`w${i}`]?.replicas ?? 0), 0);
        for (const [index, { step }] of gangs.entries())
          expect((plan.targets[`w${index}`]?.replicas ?? 1) % step).toBe(0);
        expect(gpus).toBeLessThanOrEqual(
          2 * (plan.nodeGroups['a']?.nodes ?? 0) + 4 * (plan.nodeGroups['b']?.nodes ?? 0),
        );
      }),
      { numRuns: lawRuns(100) },
    );
  });
});
