/** Laws of the pool's plan, over random workloads, nodes and limits. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { PoolInput } from '../../lib/core/decide-types.ts';
import { planPool } from '../../lib/core/plan-pool.ts';
import type { NodeObservation } from '../../lib/core/types.ts';
import { node, observed, observedGroup, poolGroup, poolInput, T0, wants } from './builders.ts';
import { lawFleet, lawGroup, lawPriority, lawWorkload } from './law-policies.ts';
import { lawRuns } from './law-runs.ts';

const GPU = 'nvidia.com/gpu';

const workloadArb = (name: string) =>
  fc
    .record({
      wanted: fc.nat(12),
      running: fc.nat(4),
      gpus: fc.constantFrom(1, 1, 2, 4),
      tier: fc.integer({ min: 1, max: 3 }),
      hold: fc.option(fc.constant('cold')),
      groups: fc.constantFrom(['a', 'b'], ['b', 'a'], ['a'], []),
    })
    .map(({ wanted, running, gpus, tier, hold, groups }) => ({
      policy: lawWorkload(name, {
        nodeGroups: [...groups],
        gpusPerReplica: { [GPU]: gpus },
        priority: lawPriority({ tier }),
      }),
      target: observed(running),
      outcome: wants(wanted, { hold }),
    }));

const nodeArb = (name: string): fc.Arbitrary<NodeObservation> =>
  fc
    .record({ used: fc.nat(4), ready: fc.boolean(), schedulable: fc.boolean(), ageMs: fc.nat(2_000_000) })
    .map(({ used, ready, schedulable, ageMs }) =>
      node(name, {
        gpusAllocatable: { [GPU]: 4 },
        gpusUsed: { [GPU]: used },
        podCount: used,
        ready,
        schedulable,
        createdMs: T0 - ageMs,
      }),
    );

const groupArb = (name: string) =>
  fc
    .record({
      nodes: fc
        .nat(5)
        .chain((size) => fc.tuple(...Array.from({ length: size }, (_, index) => nodeArb(`${name}-${index}`)))),
      pending: fc.nat(2),
      min: fc.nat(2),
      max: fc.integer({ min: 2, max: 9 }),
      surgeMax: fc.integer({ min: 1, max: 5 }),
      committed: fc.nat(3),
      backoff: fc.boolean(),
      ownership: fc.constantFrom('own' as const, 'floor' as const, 'observe' as const),
      idleSec: fc.constantFrom(0, 60),
    })
    .map(({ nodes, pending, min, max, surgeMax, committed, backoff, ownership, idleSec }) =>
      poolGroup(observedGroup(nodes, { desired: nodes.length + pending }), {
        policy: lawGroup(name, {
          ownership,
          nodes: { min, max, surgeMax },
          committedNodes: committed,
          scaleDown: { idleSec },
          shape: { instanceType: 'g', gpus: { [GPU]: 4 }, usdPerHour: 2 },
        }),
        backoffUntilMs: backoff ? T0 + 60_000 : 0,
      }),
    );

const poolArb: fc.Arbitrary<PoolInput> = fc
  .record({
    workloads: fc.tuple(workloadArb('x'), workloadArb('y'), workloadArb('z')),
    nodeGroups: fc.tuple(groupArb('a'), groupArb('b')),
    quota: fc.option(fc.nat(80)),
    budget: fc.option(fc.integer({ min: 1, max: 40 })),
    allocation: fc.constantFrom(
      'auto' as const,
      'fair' as const,
      'priority' as const,
      'resource' as const,
      'load' as const,
    ),
    kind: fc.constantFrom('leading' as const, 'full' as const),
  })
  .map(({ workloads, nodeGroups, quota, budget, allocation, kind }) =>
    poolInput({
      workloads,
      nodeGroups,
      kind,
      fleet: lawFleet({
        allocation,
        ...(quota === null ? {} : { gpuQuota: { [GPU]: quota } }),
        ...(budget === null ? {} : { budget: { usdPerHourMax: budget } }),
      }),
    }),
  );

describe('laws of planPool', () => {
  test('nodes are whole, within the larger of the maximum and what there is, and never ordered above surge, quota or in backoff', () => {
    fc.assert(
      fc.property(poolArb, (input) => {
        const { plan } = planPool(input);
        let gpus = 0;
        let grew = false;
        for (const group of input.nodeGroups) {
          if (group.observed.kind !== 'observed') continue;
          const planned = plan.nodeGroups[group.policy.metadata.name];
          const { desired } = group.observed;
          const { max, surgeMax } = group.policy.spec.nodes;
          const count = planned?.nodes ?? -1;
          expect(Number.isInteger(count)).toBe(true);
          expect(count).toBeLessThanOrEqual(Math.max(max, desired));
          expect(count).toBeGreaterThanOrEqual(0);
          if (planned?.ownership !== 'floor') expect(count - desired).toBeLessThanOrEqual(surgeMax);
          if (group.backoffUntilMs > T0 && planned?.ownership !== 'floor') expect(count).toBeLessThanOrEqual(desired);
          grew ||= count > desired;
          gpus += 4 * Math.max(count, desired);
        }
        const quota = input.fleet.spec.gpuQuota?.[GPU];
        if (quota !== undefined && grew && Object.values(plan.nodeGroups).every((g) => g.ownership !== 'floor'))
          expect(gpus).toBeLessThanOrEqual(quota);
      }),
      { numRuns: lawRuns(100) },
    );
  });

  test('replicas stay between what runs and what is wanted, and what is missing is told', () => {
    fc.assert(
      fc.property(poolArb, (input) => {
        const { plan, unmet, decisions } = planPool(input);
        for (const { policy, target, outcome } of input.workloads) {
          const { name } = policy.metadata;
          const replicas = plan.targets[name]?.replicas ?? -1;
          const running = target.kind === 'observed' ? target.replicas : 0;
          expect(replicas).toBeLessThanOrEqual(outcome.wanted);
          expect(replicas).toBeGreaterThanOrEqual(Math.min(running, outcome.wanted));
          if (replicas < outcome.wanted) expect(unmet[name]).toBeGreaterThan(0);
          if (policy.spec.nodeGroups.length === 0) expect(replicas).toBe(outcome.wanted);
        }
        expect(decisions).toHaveLength(input.workloads.length);
      }),
      { numRuns: lawRuns(100) },
    );
  });

  test('growth has GPUs: replicas never need more than is free, on its way or ordered', () => {
    fc.assert(
      fc.property(poolArb, (input) => {
        const { plan } = planPool(input);
        const need = input.workloads.reduce((sum, { policy, target }) => {
          if (policy.spec.nodeGroups.length === 0 || target.kind !== 'observed') return sum;
          const grown = Math.max(0, (plan.targets[policy.metadata.name]?.replicas ?? 0) - target.replicas);
          return sum + grown * (policy.spec.gpusPerReplica?.[GPU] ?? 0);
        }, 0);
        const have = input.nodeGroups.reduce((sum, group) => {
          if (group.observed.kind !== 'observed') return sum;
          const { nodes, desired } = group.observed;
          const free = nodes.reduce((gpus, each) => gpus + 4 - (each.gpusUsed[GPU] ?? 0), 0);
          const more = Math.max(
            0,
            (plan.nodeGroups[group.policy.metadata.name]?.nodes ?? 0) - nodes.length,
            desired - nodes.length,
          );
          return sum + free + 4 * (more + (plan.nodeGroups[group.policy.metadata.name]?.victims.length ?? 0));
        }, 0);
        expect(need).toBeLessThanOrEqual(have);
      }),
      { numRuns: lawRuns(100) },
    );
  });

  test('victims are empty nodes that are there, few at once, never below the minimum; an event or a hold names none', () => {
    fc.assert(
      fc.property(poolArb, (input) => {
        const first = planPool(input).plan;
        const nowMs = T0 + 90_000;
        const { plan } = planPool({ ...input, nowMs, previous: first, snapshot: { ...input.snapshot, atMs: nowMs } });
        for (const { policy, observed: seen } of input.nodeGroups) {
          const planned = plan.nodeGroups[policy.metadata.name];
          if (seen.kind !== 'observed' || planned === undefined) continue;
          expect(planned.victims.length).toBeLessThanOrEqual(policy.spec.scaleDown.parallel);
          const held = input.workloads.some(
            (w) => w.policy.spec.nodeGroups.includes(policy.metadata.name) && w.outcome.hold !== null,
          );
          if (input.kind === 'leading' || held || policy.spec.ownership !== 'own') expect(planned.victims).toEqual([]);
          for (const { nodeName } of planned.victims)
            expect(seen.nodes.find((each) => each.name === nodeName)).toMatchObject({ podCount: 0, ready: true });
          if (planned.victims.length > 0) {
            expect(planned.nodes).toBeGreaterThanOrEqual(Math.max(policy.spec.nodes.min, policy.spec.committedNodes));
          }
        }
      }),
      { numRuns: lawRuns(100) },
    );
  });

  test('is pure: same input, same bytes, through JSON too', () => {
    fc.assert(
      fc.property(poolArb, (input) => {
        const first = JSON.stringify(planPool(input));
        expect(JSON.stringify(planPool(JSON.parse(JSON.stringify(input)) as PoolInput))).toBe(first);
      }),
      { numRuns: lawRuns(100) },
    );
  });
});
