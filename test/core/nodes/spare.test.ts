/** `nodes.spare: auto`: as many nodes stand by as bursts within the time a node takes have shown to be worth. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { sparePolicyOf } from '../../../lib/core/nodes/spare-policy.ts';
import { spareAfter } from '../../../lib/core/nodes/spare.ts';
import { supplyOf } from '../../../lib/core/nodes/supply.ts';
import { planPool } from '../../../lib/core/plan-pool.ts';
import type { PoolOutcome } from '../../../lib/core/decide-types.ts';
import type { NodeObservation, NodeSpare, Plan } from '../../../lib/core/types.ts';
import { burstWorld } from '../../support/burst-world.ts';
import {
  T0,
  busyNode,
  groupPolicy,
  node,
  observed,
  observedGroup,
  poolGroup,
  poolInput,
  poolWorkload,
  wants,
  workloadPolicy,
} from '../builders.ts';

const GROUP = 'g5-od';
const EVERY_SEC = 30;
const LEAD_SEC = 180;

type Course = {
  /** Nodes in use at a time [s]. */
  readonly needAt: (sec: number) => number;
  readonly untilSec: number;
  readonly spare?: unknown;
  readonly risk?: string;
  readonly nodes?: Record<string, unknown>;
  readonly fleet?: Record<string, unknown>;
  /** From then on the load is unknown [s]. */
  readonly holdFromSec?: number;
  readonly from?: NodeSpare;
};

const workloadOf = ({ risk = 'balanced' }: Course, need: number, hold: string | null = null) =>
  poolWorkload({
    wanted: need,
    policy: workloadPolicy({
      nodeGroups: [GROUP],
      risk,
      replicas: { min: 0, max: 50 },
      signals: [{ kind: 'requestRate', perReplicaPerSec: 1 }],
    }),
    target: observed(need),
    outcome: wants(need, { hold }),
  });
const groupOf = ({ spare = 'auto', nodes }: Course) =>
  groupPolicy({ nodes: { max: 50, spare, ...nodes }, leadTimeSec: LEAD_SEC }, GROUP);

/** What the rule alone learns of a course: days in a moment. Nodes in force at each look, and the memory at the end. */
function learn(of: Course): { readonly course: readonly number[]; readonly spare: NodeSpare } {
  const policy = groupOf(of);
  const sparePolicy = sparePolicyOf(policy);
  const inputs = [null, 'its load is unknown'].map((hold) =>
    poolInput({ workloads: [workloadOf(of, 3, hold)], nodeGroups: [poolGroup(observedGroup([]), { policy })] }),
  );
  const situations = inputs.map((input) => ({ input, supply: supplyOf(input) }));
  const course: number[] = [];
  let spare = of.from;
  for (let sec = 0; sec <= of.untilSec; sec += EVERY_SEC) {
    const now = situations[sec >= (of.holdFromSec ?? Infinity) ? 1 : 0];
    const facts = now?.supply.groups.get(GROUP);
    if (now === undefined || facts === undefined || sparePolicy === null) throw new Error('no group');
    const nowMs = T0 + sec * 1000;
    const input = { ...now.input, nowMs, snapshot: { ...now.input.snapshot, atMs: nowMs } };
    const group = { ...facts, watch: spare === undefined ? undefined : { spare } };
    spare = spareAfter(input, { supply: now.supply, group, policy: sparePolicy, need: of.needAt(sec) });
    course.push(spare.nodes);
  }
  if (spare === undefined) throw new Error('nothing was learned');
  return { course, spare };
}

/** Every node in use holds one pod; what stands by is there at once, so that only the number wanted is looked at. */
function watch(of: Course): { readonly plan: Plan; readonly outcomes: readonly PoolOutcome[] } {
  const policy = groupOf(of);
  const outcomes: PoolOutcome[] = [];
  let spare = 0;
  for (let sec = 0; sec <= of.untilSec; sec += EVERY_SEC) {
    const need = of.needAt(sec);
    const nodes: NodeObservation[] = [
      ...Array.from({ length: need }, (_, index) => busyNode(`busy-${index}`)),
      ...Array.from({ length: spare }, (_, index) => node(`spare-${index}`)),
    ];
    const previous = outcomes.at(-1)?.plan;
    const input = poolInput({
      nowMs: T0 + sec * 1000,
      workloads: [workloadOf(of, need)],
      nodeGroups: [poolGroup(observedGroup(nodes, { max: 50 }), { policy })],
      previous,
    });
    const outcome = planPool({
      ...input,
      ...(of.fleet === undefined ? {} : { fleet: { ...input.fleet, spec: { ...input.fleet.spec, ...of.fleet } } }),
    });
    outcomes.push(outcome);
    spare = Math.max(0, (outcome.plan.nodeGroups[GROUP]?.nodes ?? 0) - need);
  }
  const plan = outcomes.at(-1)?.plan;
  if (plan === undefined) throw new Error('nothing was planned');
  return { plan, outcomes };
}

const spareOf = (plan: Plan): NodeSpare | undefined => plan.groupWatch?.[GROUP]?.spare;
const HOUR = 3_600;
const AHEAD_MS = 30 * 86_400_000;
/** Three nodes, and two more for two minutes every so often. */
const burstsEvery =
  (everySec: number, untilSec = Infinity) =>
  (sec: number): number =>
    sec < untilSec && sec % everySec >= everySec - 120 ? 5 : 3;

describe('nodes.spare auto', () => {
  test('a clock that was far ahead stops nothing for good', () => {
    const of = { needAt: burstsEvery(HOUR), untilSec: 6 * HOUR } as const;
    const { spare } = learn(of);
    const ahead = { ...spare, seenMs: spare.seenMs + AHEAD_MS, sampledMs: spare.sampledMs + AHEAD_MS };
    const later = learn({ ...of, untilSec: 24 * HOUR, from: ahead });
    expect(later.spare.seenMs).toBe(T0 + 24 * HOUR * 1000);
    expect(later.spare.nodes).toBe(learn({ ...of, untilSec: 24 * HOUR }).spare.nodes);
  });

  test('begins with none or with the start, and keeps none where the need stands still', () => {
    const given = watch({ needAt: () => 3, untilSec: 60, spare: { start: 2 } });
    expect(spareOf(given.plan)?.nodes).toBe(2);
    expect(given.plan.nodeGroups[GROUP]?.nodes).toBe(5);
    expect(learn({ needAt: () => 3, untilSec: 48 * HOUR }).course.every((nodes) => nodes === 0)).toBe(true);
    const faded = learn({ needAt: () => 3, untilSec: 120 * HOUR, spare: { start: 2 } });
    expect([faded.course[0], faded.spare.nodes]).toEqual([2, 0]);
  });

  test('a need that moves slower than nodes come keeps none', () => {
    expect(learn({ needAt: (sec) => 3 + Math.floor(sec / (24 * HOUR)), untilSec: 96 * HOUR }).spare.nodes).toBe(0);
  });

  test('bursts within the lead time are met by as many as they ask for, and the trail says why', () => {
    const { plan, outcomes } = watch({ needAt: burstsEvery(HOUR), untilSec: 3 * HOUR });
    expect(spareOf(plan)?.nodes).toBe(2);
    expect(plan.nodeGroups[GROUP]?.nodes).toBe(5);
    const steps = outcomes.flatMap(({ decisions }) => decisions[0]?.trail ?? []).filter(({ rule }) => rule === 'spare');
    expect(steps).toHaveLength(1);
    expect(steps[0]).toMatchObject({ from: 0, to: 2, unit: 'nodes' });
    expect(steps[0]?.because).toMatch(
      /^g5-od: 2 nodes standing by: the need rises by 2 or more within 180 s in [\d.]+ % of the times, and a node is worth it above 0\.4 %$/,
    );
    const nodes = outcomes
      .flatMap(({ decisions }) => decisions[0]?.trail ?? [])
      .find(({ because }) => because.includes('to stand by'));
    expect(nodes?.because).toMatch(/^g5-od: 2 more nodes to stand by; a node takes 180 s/);
  });

  test('the risk decides how rare a burst may be that is worth it', () => {
    const course = { needAt: burstsEvery(3 * HOUR), untilSec: 48 * HOUR };
    expect(learn({ ...course, risk: 'low' }).spare.nodes).toBe(2);
    expect(learn({ ...course, risk: 'cheap' }).spare.nodes).toBe(0);
  });

  test('is given back when bursts have stopped for long enough, and never flaps', () => {
    const { course, spare } = learn({ needAt: burstsEvery(4 * HOUR, 13 * HOUR), untilSec: 96 * HOUR });
    const changes = course.filter((nodes, index) => index > 0 && nodes !== course[index - 1]).length;
    expect([Math.max(...course), spare.nodes, changes]).toEqual([2, 0, 2]);
    const regular = learn({ needAt: burstsEvery(4 * HOUR), untilSec: 240 * HOUR }).course.slice(
      (24 * HOUR) / EVERY_SEC,
    );
    expect(new Set(regular)).toEqual(new Set([2]));
  });

  test('nothing is given back, and nothing learned, while a load is unknown', () => {
    const course = { needAt: burstsEvery(4 * HOUR, 13 * HOUR), holdFromSec: 14 * HOUR };
    const before = learn({ ...course, untilSec: 14 * HOUR - EVERY_SEC });
    const after = learn({ ...course, untilSec: 96 * HOUR });
    expect(after.spare).toEqual(before.spare);
    expect(after.spare.nodes).toBe(2);
  });

  test('stays within nodes.max, its own maximum, the quota and the budget', () => {
    const needAt = burstsEvery(HOUR);
    const of = (over: Partial<Course>): number | undefined =>
      watch({ needAt, untilSec: 1.2 * HOUR, ...over }).plan.nodeGroups[GROUP]?.nodes;
    expect(of({})).toBe(5);
    expect(of({ nodes: { max: 4 } })).toBe(4);
    expect(of({ spare: { max: 1 } })).toBe(4);
    expect(of({ fleet: { gpuQuota: { 'nvidia.com/gpu': 4 } } })).toBe(4);
    expect(of({ fleet: { budget: { usdPerHourMax: 4.1 } } })).toBe(4);
  });

  test('nodes that are paid for anyway stand by first, and no more are ordered beside them', () => {
    const idle = Array.from({ length: 2 }, (_, index) => node(`paid-${index}`));
    const policy = groupPolicy({ nodes: { max: 50, spare: { start: 2 } }, committedNodes: 5 }, GROUP);
    const busy = Array.from({ length: 3 }, (_, index) => busyNode(`busy-${index}`));
    const { plan } = planPool(
      poolInput({
        workloads: [poolWorkload({ wanted: 3, target: observed(3) })],
        nodeGroups: [poolGroup(observedGroup([...busy, ...idle]), { policy })],
      }),
    );
    expect(plan.nodeGroups[GROUP]?.nodes).toBe(5);
  });

  test('an event changes nothing of it', () => {
    const { plan } = watch({ needAt: burstsEvery(HOUR), untilSec: 1.2 * HOUR });
    const leading = planPool(
      poolInput({
        kind: 'leading',
        nowMs: T0 + 7 * HOUR * 1000,
        previous: plan,
        nodeGroups: [
          poolGroup(observedGroup([]), { policy: groupPolicy({ nodes: { max: 50, spare: 'auto' } }, GROUP) }),
        ],
      }),
    );
    expect(spareOf(leading.plan)).toEqual(spareOf(plan));
  });

  test('the memory stays bounded and whole, whatever the need does', () => {
    const need = fc.array(fc.integer({ min: 0, max: 45 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(need, (needs) => {
        const { spare } = learn({ needAt: (sec) => needs[(sec / EVERY_SEC) % needs.length] ?? 0, untilSec: 3 * HOUR });
        expect(spare.slots.length).toBeLessThanOrEqual(18);
        expect(spare.bins).toHaveLength(19);
        expect(JSON.stringify(spare).length).toBeLessThan(1_500);
        expect(spare.nodes).toBeLessThanOrEqual(50);
      }),
      { numRuns: 20 },
    );
  });

  test('under bursts fewer requests are late than with none, at a cost like that of the best fixed number', () => {
    const course = { days: 0.5, stepSec: 60, burstsPerDay: [24] };
    const [none, auto] = [burstWorld({ ...course, spare: 0 }), burstWorld({ ...course, spare: 'auto' })];
    expect(auto.lateShare).toBeLessThan(0.7 * none.lateShare);
    expect(auto.gpuHours).toBeLessThan(none.gpuHours + 3 * 12);
    expect(auto.changes).toBeLessThanOrEqual(3);
  });
});
