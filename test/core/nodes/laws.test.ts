/** Laws of the node plan, over random pools with spot, spare, buffers, nodes that leave, pods that must not be evicted. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { PoolInput, PoolNodeGroup } from '../../../lib/core/decide-types.ts';
import { extraCostOf } from '../../../lib/core/nodes/groups.ts';
import { planPool } from '../../../lib/core/plan-pool.ts';
import type { PodObservation } from '../../../lib/core/types.ts';
import { T0, node, observed, observedGroup, poolGroup, poolInput, wants } from '../builders.ts';
import { lawFleet, lawGroup, lawReplicas, lawWorkload, parsedNodes } from '../law-policies.ts';
import { lawRuns } from '../law-runs.ts';

const GPU = 'nvidia.com/gpu';
const GPUS_PER_NODE = 2;
const GROUPS = ['a', 'b', 'c'];

type Slot = { readonly node: string; readonly workload: string | null; readonly evictable: boolean };

/** Up to two one-GPU pods on each node; `null` is a pod of somebody else. */
const nodesArb = (group: string) =>
  fc
    .array(
      fc.record({
        slots: fc.array(
          fc.record({
            workload: fc.constantFrom('x', 'x', 'y', 'y', null),
            evictable: fc.constantFrom(true, true, false),
          }),
          {
            maxLength: 2,
          },
        ),
        ready: fc.constantFrom(true, true, true, true, false),
        ageMs: fc.nat(3_000_000),
        leaving: fc.constantFrom(undefined, undefined, undefined, 'spotInterruption', 'rebalance'),
        gpus: fc.constantFrom(GPUS_PER_NODE, GPUS_PER_NODE, GPUS_PER_NODE, 0),
      }),
      { maxLength: 4 },
    )
    .map((all) =>
      all.map((one, index) => {
        const name = `${group}-${index}`;
        const slots = one.slots.map((slot): Slot => ({ ...slot, node: name }));
        const seen = node(name, {
          ready: one.ready,
          createdMs: T0 - one.ageMs,
          gpusAllocatable: one.gpus === 0 ? {} : { [GPU]: one.gpus },
          gpusUsed: { [GPU]: slots.length },
          podCount: slots.length,
          ...(one.leaving === undefined ? {} : { leaving: one.leaving as 'rebalance' }),
        });
        return { seen, slots };
      }),
    );

/** Limits of nodes without spare ones, and with each kind of them. */
const SPARED = [{}, ...[0, 1, 2, 'auto', { start: 2 }, { start: 1, max: 1 }].map((spare) => ({ spare }))].map(
  parsedNodes,
);

const groupArb = (name: string) =>
  fc
    .record({
      nodes: nodesArb(name),
      pending: fc.nat(4),
      max: fc.integer({ min: 1, max: 7 }),
      surgeMax: fc.integer({ min: 1, max: 4 }),
      committed: fc.nat(3),
      spared: fc.constantFrom(...SPARED),
      isShort: fc.constantFrom(false, false, true),
      market: fc.constantFrom('onDemand' as const, 'spot' as const),
      ownership: fc.constantFrom('own' as const, 'own' as const, 'buffer' as const, 'observe' as const),
      usdPerHour: fc.integer({ min: 1, max: 4 }),
      consolidate: fc.boolean(),
    })
    .map((of) => {
      const seen = of.nodes.map((one) => one.seen);
      const { max, surgeMax, spared, market, usdPerHour } = of;
      const policy = lawGroup(name, {
        ownership: of.ownership,
        nodes: { ...spared, max, surgeMax },
        committedNodes: of.committed,
        scaleDown: { idleSec: 0, consolidate: of.consolidate },
        shape: { instanceType: name, gpus: { [GPU]: GPUS_PER_NODE }, usdPerHour, market },
      });
      const shortage = of.isShort ? { backoffUntilMs: T0 + 600_000, backoffCause: 'InsufficientInstanceCapacity' } : {};
      const observation = observedGroup(seen, { desired: seen.length + of.pending });
      const group: PoolNodeGroup = poolGroup(observation, { policy, ...shortage });
      return { group, slots: of.nodes.flatMap((one) => one.slots) };
    });

const poolArb: fc.Arbitrary<PoolInput> = fc
  .record({
    groups: fc.tuple(...GROUPS.map(groupArb)),
    /** null: as many as run. */
    wanted: fc.tuple(fc.option(fc.nat(12), { freq: 1 }), fc.option(fc.nat(12), { freq: 1 })),
    order: fc.shuffledSubarray(GROUPS, { minLength: 1 }),
    choice: fc.constantFrom('order' as const, 'price' as const),
    quota: fc.option(fc.nat(40)),
    budget: fc.option(fc.integer({ min: 1, max: 30 })),
  })
  .map(({ groups, wanted, order, choice, quota, budget }) => {
    const slots = groups.flatMap((one) => one.slots);
    const workloads = ['x', 'y'].map((name, index) => {
      const own = slots.filter((slot) => slot.workload === name);
      const pods = own.map((slot, at): PodObservation => ({
        name: `${name}-${at}`,
        nodeName: slot.node,
        ready: true,
        createdMs: T0 - 3_600_000,
        unschedulable: false,
        terminating: false,
        terminationGraceSec: 30,
        ip: null,
        ...(slot.evictable ? {} : { evictable: false }),
      }));
      return {
        policy: lawWorkload(name, {
          nodeGroups: order,
          nodeGroupChoice: choice,
          gpusPerReplica: { [GPU]: 1 },
          replicas: lawReplicas({ min: 1 }),
        }),
        target: observed(pods.length, { pods, ready: pods.length }),
        outcome: wants(wanted[index] ?? pods.length),
      };
    });
    return poolInput({
      workloads,
      nodeGroups: groups.map((one) => one.group),
      fleet: lawFleet({
        ...(quota === null ? {} : { gpuQuota: { [GPU]: quota } }),
        ...(budget === null ? {} : { budget: { usdPerHourMax: budget } }),
      }),
    });
  });

/** A first plan starts the timers of idle nodes; the second may free them. */
function twoPlans(input: PoolInput) {
  const previous = planPool(input).plan;
  const nowMs = T0 + 30_000;
  const second = { ...input, nowMs, previous, snapshot: { ...input.snapshot, atMs: nowMs } };
  return { input: second, outcome: planPool(second) };
}

const emptyGroup = (name: string, committedNodes: number, usdPerHour: number) =>
  poolGroup(observedGroup([]), {
    policy: lawGroup(name, {
      committedNodes,
      nodes: { max: 20, surgeMax: 20 },
      shape: { instanceType: 'g', gpus: { [GPU]: 1 }, usdPerHour },
    }),
  });

const desiredOf = ({ observed: seen }: PoolNodeGroup): number => (seen.kind === 'observed' ? seen.desired : 0);

describe('laws of the node plan', () => {
  test('whole numbers, within maximum, surge, quota and budget, whatever is spare or covered', () => {
    fc.assert(
      fc.property(poolArb, (first) => {
        const { input, outcome } = twoPlans(first);
        const { gpuQuota, budget } = input.fleet.spec;
        let [gpus, gpusBefore, usd, usdBefore] = [0, 0, 0, 0];
        for (const group of input.nodeGroups) {
          const { nodes } = group.policy.spec;
          const count = outcome.plan.nodeGroups[group.policy.metadata.name]?.nodes ?? -1;
          const desired = desiredOf(group);
          expect(Number.isInteger(count) && count >= 0).toBe(true);
          expect(count).toBeLessThanOrEqual(Math.max(nodes.max, desired));
          expect(count - desired).toBeLessThanOrEqual(nodes.surgeMax);
          gpus += GPUS_PER_NODE * Math.max(count, desired);
          gpusBefore += GPUS_PER_NODE * desired;
          usd += extraCostOf(group.policy, Math.max(count, desired));
          usdBefore += extraCostOf(group.policy, desired);
        }
        const quota = gpuQuota?.[GPU];
        if (quota !== undefined) expect(gpus).toBeLessThanOrEqual(Math.max(quota, gpusBefore));
        if (budget !== undefined) expect(usd).toBeLessThanOrEqual(Math.max(budget.usdPerHourMax, usdBefore) + 1e-6);
      }),
      { numRuns: lawRuns(100) },
    );
  });

  test('frees no node with a pod that must not be evicted or is not of the pool, and only one that is in use', () => {
    fc.assert(
      fc.property(poolArb, (first) => {
        const { input, outcome } = twoPlans(first);
        let inUse = 0;
        for (const group of input.nodeGroups) {
          const { name } = group.policy.metadata;
          const { committedNodes, scaleDown, ownership } = group.policy.spec;
          const victims = outcome.plan.nodeGroups[name]?.victims ?? [];
          expect(victims.length).toBeLessThanOrEqual(ownership === 'own' ? scaleDown.parallel : 0);
          if (victims.length > 0) expect(desiredOf(group) - victims.length).toBeGreaterThanOrEqual(committedNodes);
          for (const { nodeName } of victims) {
            const pods = input.workloads.flatMap(({ target }) =>
              target.kind === 'observed' ? target.pods.filter((pod) => pod.nodeName === nodeName) : [],
            );
            const seen = group.observed.kind === 'observed' ? group.observed.nodes : [];
            expect(seen.find((one) => one.name === nodeName)?.podCount).toBe(pods.length);
            expect(pods.filter((pod) => pod.evictable === false)).toEqual([]);
            if (pods.length > 0) {
              inUse++;
              expect(scaleDown.consolidate).toBe(true);
            }
          }
        }
        expect(inUse).toBeLessThanOrEqual(1);
      }),
      { numRuns: lawRuns(250) },
    );
  });

  test('of what was never delivered, all may be taken back but one, and no node there is', () => {
    let taken = 0;
    fc.assert(
      fc.property(poolArb, (first) => {
        const { input, outcome } = twoPlans(first);
        for (const group of input.nodeGroups) {
          const planned = outcome.plan.nodeGroups[group.policy.metadata.name];
          const { undelivered = 0, victims = [], nodes = 0 } = planned ?? {};
          if (undelivered === 0) continue;
          taken++;
          const there = group.observed.kind === 'observed' ? group.observed.nodes.length : 0;
          expect(group.backoffCause).not.toBeNull();
          expect(desiredOf(group) - undelivered).toBeGreaterThanOrEqual(
            Math.max(there + 1, group.policy.spec.committedNodes),
          );
          expect(nodes).toBe(desiredOf(group) - undelivered - victims.length - (planned?.ghosts ?? []).length);
          for (const { policy, target, outcome: wish } of input.workloads) {
            if (!policy.spec.nodeGroups.includes(group.policy.metadata.name)) continue;
            expect(target.kind === 'observed' && target.ready >= wish.wanted).toBe(true);
          }
        }
      }),
      { numRuns: lawRuns(150) },
    );
    expect(taken).toBeGreaterThan(3);
  });

  test('nothing that costs is ordered for a replica while a node that is paid for could be had', () => {
    const pairArb = fc.record({
      committed: fc.nat(5),
      wanted: fc.nat(12),
      choice: fc.constantFrom('order' as const, 'price' as const),
    });
    fc.assert(
      fc.property(
        pairArb,
        fc.constantFrom(['paid', 'free'], ['free', 'paid']),
        ({ committed, wanted, choice }, order) => {
          const policy = lawWorkload('w', {
            nodeGroups: [...order],
            nodeGroupChoice: choice,
            replicas: lawReplicas({ min: 1 }),
          });
          const { plan } = planPool(
            poolInput({
              workloads: [{ policy, target: observed(0), outcome: wants(wanted) }],
              nodeGroups: [emptyGroup('paid', committed, 9), emptyGroup('free', 0, 1)],
            }),
          );
          expect(plan.nodeGroups['paid']?.nodes).toBeGreaterThanOrEqual(Math.min(committed, wanted));
        },
      ),
      { numRuns: lawRuns(100) },
    );
  });

  test('is pure: the same input gives the same bytes, through JSON too', () => {
    fc.assert(
      fc.property(poolArb, (first) => {
        const { input, outcome } = twoPlans(first);
        expect(JSON.stringify(planPool(JSON.parse(JSON.stringify(input)) as PoolInput))).toBe(JSON.stringify(outcome));
      }),
      { numRuns: lawRuns(50) },
    );
  });
});
