/** Which nodes are freed while they are in use, and which a shrinking Deployment leaves. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { PoolInput, PoolWorkload } from '../../../lib/core/decide-types.ts';
import { planPool } from '../../../lib/core/plan-pool.ts';
import type { NodeObservation, Plan, PodObservation } from '../../../lib/core/types.ts';
import {
  T0,
  fleet,
  groupPolicy,
  node,
  observed,
  observedGroup,
  poolGroup,
  poolInput,
  wants,
  workloadPolicy,
} from '../builders.ts';
import { lawRuns } from '../law-runs.ts';

const GPU = 'nvidia.com/gpu';

type PodOf = { readonly on: string } & Partial<PodObservation>;

const pod = (name: string, { on, ...over }: PodOf): PodObservation => ({
  name,
  nodeName: on,
  ready: true,
  createdMs: T0 - 3_600_000,
  unschedulable: false,
  terminating: false,
  terminationGraceSec: 30,
  ip: null,
  ...over,
});

/** One-GPU replicas on these nodes. */
const workload = (
  name: string,
  of: {
    readonly on: readonly PodOf[];
    readonly wanted?: number;
    readonly over?: Partial<PoolWorkload>;
    readonly spec?: object;
  },
): PoolWorkload => {
  const pods = of.on.map((each, index) => pod(`${name}-${index}`, each));
  return {
    policy: workloadPolicy({ nodeGroups: ['four', 'one'], gpusPerReplica: { [GPU]: 1 }, ...of.spec }, name),
    target: observed(pods.length, { pods }),
    outcome: wants(of.wanted ?? pods.length),
    ...of.over,
  };
};

const four = (name: string, used: number, over: Partial<NodeObservation> = {}) =>
  node(name, { gpusAllocatable: { [GPU]: 4 }, gpusUsed: { [GPU]: used }, podCount: used, ...over });

const poolOf = (of: {
  readonly workloads: readonly PoolWorkload[];
  readonly nodes: readonly NodeObservation[];
  readonly spec?: Record<string, unknown>;
  readonly consolidate?: boolean;
}): PoolInput =>
  poolInput({
    workloads: of.workloads,
    nodeGroups: [
      poolGroup(observedGroup(of.nodes), {
        policy: groupPolicy(
          {
            shape: { instanceType: 'g', gpus: { [GPU]: 4 }, usdPerHour: 4 },
            scaleDown: { consolidate: of.consolidate ?? true },
            ...of.spec,
          },
          'four',
        ),
      }),
    ],
    fleet: fleet(),
  });

const victims = (plan: Plan): readonly string[] =>
  Object.values(plan.nodeGroups).flatMap((group) => group.victims.map((one) => one.nodeName));

/** 3 of 4 on `a`, 1 of 4 on `b`: everything fits on `a`. */
const SPLIT: readonly PodOf[] = [{ on: 'a' }, { on: 'a' }, { on: 'a' }, { on: 'b' }];
const NODES = [four('a', 3), four('b', 1)];

const groups = (name: string, spec: Record<string, unknown>, nodes: readonly NodeObservation[]) =>
  poolGroup(observedGroup(nodes), { policy: groupPolicy({ scaleDown: { consolidate: true }, ...spec }, name) });

describe('planPool: a node in use is freed', () => {
  test('when its pods fit on what is free elsewhere', () => {
    const { plan, decisions } = planPool(poolOf({ workloads: [workload('w', { on: SPLIT })], nodes: NODES }));
    expect(victims(plan)).toEqual(['b']);
    expect(plan.nodeGroups['four']?.nodes).toBe(1);
    expect(decisions[0]?.trail.map((one) => one.because).join()).toMatch(/b is freed, because its pods fit elsewhere/);
  });

  const reasons: readonly (readonly [string, () => PoolInput])[] = [
    [
      'the policy does not allow it',
      () => poolOf({ workloads: [workload('w', { on: SPLIT })], nodes: NODES, consolidate: false }),
    ],
    [
      'its pods do not fit elsewhere',
      () =>
        poolOf({ workloads: [workload('w', { on: [...SPLIT, { on: 'b' }] })], nodes: [four('a', 3), four('b', 2)] }),
    ],
    [
      'a pod of it must not be evicted',
      () =>
        poolOf({
          workloads: [workload('w', { on: [...SPLIT.slice(0, 3), { on: 'b', evictable: false }] })],
          nodes: NODES,
        }),
    ],
    [
      'somebody else runs there',
      () => poolOf({ workloads: [workload('w', { on: SPLIT })], nodes: [four('a', 3), four('b', 1, { podCount: 2 })] }),
    ],
    [
      'the workload is on hold',
      () =>
        poolOf({
          workloads: [workload('w', { on: SPLIT, over: { outcome: wants(4, { hold: 'cold' }) } })],
          nodes: NODES,
        }),
    ],
    ['more replicas are wanted', () => poolOf({ workloads: [workload('w', { on: SPLIT, wanted: 9 })], nodes: NODES })],
    [
      'replicas only work together',
      () =>
        poolOf({
          workloads: [workload('w', { on: SPLIT, spec: { replicas: { min: 4, max: 40, step: 4 } } })],
          nodes: NODES,
        }),
    ],
    [
      'it is committed',
      () => poolOf({ workloads: [workload('w', { on: SPLIT })], nodes: NODES, spec: { committedNodes: 2 } }),
    ],
    [
      'it is young',
      () =>
        poolOf({
          workloads: [workload('w', { on: SPLIT })],
          nodes: [four('a', 3), four('b', 1, { createdMs: T0 - 500_000 })],
        }),
    ],
  ];
  test.each(reasons)('not when %s', (_why, make) => {
    expect(victims(planPool(make()).plan)).not.toContain('b');
  });

  test('not when not all replicas are ready', () => {
    const one = workload('w', { on: SPLIT });
    const target = { ...one.target, ready: 3 } as PoolWorkload['target'];
    expect(victims(planPool(poolOf({ workloads: [{ ...one, target }], nodes: NODES })).plan)).toEqual([]);
  });

  test('one at a time, the one with the least work in flight', () => {
    const on = [{ on: 'a' }, { on: 'b' }, { on: 'c' }];
    const busy = { 'w-0': 9, 'w-1': 2, 'w-2': 7 };
    const one = workload('w', { on, over: { inFlightByPod: busy } });
    const { plan } = planPool(poolOf({ workloads: [one], nodes: [four('a', 1), four('b', 1), four('c', 1)] }));
    expect(victims(plan)).toEqual(['b']);
  });

  test('stays named while it is drained, and is kept again when its place is taken', () => {
    const input = poolOf({ workloads: [workload('w', { on: SPLIT })], nodes: NODES });
    const previous = planPool(input).plan;
    const cordoned = [four('a', 3), four('b', 1, { schedulable: false })];
    const next = (wanted: number) =>
      planPool({
        ...poolOf({ workloads: [workload('w', { on: SPLIT, wanted })], nodes: cordoned }),
        nowMs: T0 + 10_000,
        previous,
      }).plan;
    expect(victims(next(4))).toEqual(['b']);
    expect(victims(next(5))).toEqual([]);
  });

  test('moves pods from on-demand to a spot node that is free, and keeps the spot node', () => {
    const shape = { instanceType: 'g5', gpus: { [GPU]: 1 } };
    const input = poolInput({
      workloads: [workload('w', { on: [{ on: 'od' }], spec: { nodeGroups: ['spot', 'od'] } })],
      nodeGroups: [
        groups('spot', { shape: { ...shape, usdPerHour: 0.4, market: 'spot' }, nodes: { max: 9, spare: 0 } }, [
          node('sp'),
        ]),
        groups('od', { shape: { ...shape, usdPerHour: 1 } }, [node('od', { gpusUsed: { [GPU]: 1 }, podCount: 1 })]),
      ],
    });
    const { plan } = planPool(input);
    expect(victims(plan)).toEqual(['od']);
    expect(plan.idleNodes).toEqual({});
  });

  test('never with a pod that must not be evicted, never more than one, never without room', () => {
    const podArb = fc.record({ on: fc.constantFrom('a', 'b', 'c'), evictable: fc.boolean() });
    fc.assert(
      fc.property(fc.array(podArb, { maxLength: 9 }), fc.nat(9), (pods, wanted) => {
        const on = pods.map(({ evictable, ...rest }) => ({
          ...rest,
          ...(evictable ? {} : { evictable: false as const }),
        }));
        const count = (name: string) => on.filter((one) => one.on === name).length;
        fc.pre(['a', 'b', 'c'].every((name) => count(name) <= 4));
        const input = poolOf({
          workloads: [workload('w', { on, wanted })],
          nodes: ['a', 'b', 'c'].map((name) => four(name, count(name))),
        });
        const named = victims(planPool(input).plan);
        expect(named.length).toBeLessThanOrEqual(1);
        for (const name of named) {
          expect(on.filter((one) => one.on === name).every((one) => one.evictable !== false)).toBe(true);
          expect(count(name)).toBeLessThanOrEqual(12 - 4 - (on.length - count(name)));
        }
      }),
      { numRuns: lawRuns(150) },
    );
  });
});

const goFirst = (plan: Plan): readonly string[] => plan.targets['w']?.goFirst ?? [];

describe('planPool: a Deployment that shrinks', () => {
  test('leaves whole nodes, those with the fewest of its pods', () => {
    const on = [{ on: 'a' }, { on: 'a' }, { on: 'a' }, { on: 'b' }, { on: 'c' }, { on: 'c' }];
    const { plan } = planPool(
      poolOf({ workloads: [workload('w', { on, wanted: 4 })], nodes: [four('a', 3), four('b', 1), four('c', 2)] }),
    );
    expect(goFirst(plan)).toEqual(['w-3']);
  });

  test('leaves a node that goes before any other', () => {
    const on = [{ on: 'a' }, { on: 'a' }, { on: 'b' }];
    const nodes = [four('a', 2, { leaving: 'rebalance' }), four('b', 1)];
    const { plan } = planPool(poolOf({ workloads: [workload('w', { on, wanted: 1 })], nodes }));
    expect(goFirst(plan)).toEqual(['w-0', 'w-1']);
  });

  test('leaves no node that is kept anyway, none that others need, and none when it does not shrink', () => {
    const nodes = [four('a', 1), four('b', 1)];
    const on = [{ on: 'a' }, { on: 'b' }];
    expect(
      goFirst(
        planPool(poolOf({ workloads: [workload('w', { on, wanted: 1 })], nodes, spec: { committedNodes: 2 } })).plan,
      ),
    ).toEqual([]);
    expect(
      goFirst(planPool(poolOf({ workloads: [workload('w', { on, wanted: 2 })], nodes, consolidate: false })).plan),
    ).toEqual([]);
    const shared = [workload('w', { on: [{ on: 'a' }, { on: 'a' }], wanted: 1 }), workload('v', { on: [{ on: 'a' }] })];
    expect(goFirst(planPool(poolOf({ workloads: shared, nodes: [four('a', 3)] })).plan)).toEqual([]);
  });

  test('of pods on nodes that stay, gives up those with the least work in flight', () => {
    const on = [{ on: 'a' }, { on: 'a' }, { on: 'a' }];
    const one = workload('w', { on, wanted: 1, over: { inFlightByPod: { 'w-0': 5, 'w-1': 0, 'w-2': 3 } } });
    expect(goFirst(planPool(poolOf({ workloads: [one], nodes: [four('a', 3)] })).plan)).toEqual(['w-1', 'w-2']);
  });
});
