/** What a stock-out has not delivered is taken back once nobody has needed it for as long as an idle node may stay. */
import { describe, expect, test } from '@jest/globals';
import { planPool } from '../../../lib/core/plan-pool.ts';
import type { PoolNodeGroup } from '../../../lib/core/decide-types.ts';
import type { Plan } from '../../../lib/core/types.ts';
import {
  T0,
  busyNode,
  groupPolicy,
  node,
  observed,
  observedGroup,
  poolGroup,
  poolInput,
  wants,
  workloadPolicy,
} from '../builders.ts';

type Now = {
  readonly sec: number;
  readonly previous?: Plan;
  readonly wanted?: number;
  readonly ready?: number;
  readonly desired?: number;
  readonly spec?: Record<string, unknown>;
  readonly idleNodes?: number;
  readonly group?: Partial<PoolNodeGroup>;
  readonly kind?: 'full' | 'leading';
  readonly hold?: string;
};

const SHORT = { backoffUntilMs: T0 + 3_600_000, backoffCause: 'InsufficientInstanceCapacity' };

/** Two busy nodes; eight are asked for, and the cloud has no more. */
function planAt(now: Now): Plan {
  const { sec, previous, wanted = 2, ready = 2, desired = 8, idleNodes = 0, kind = 'full' } = now;
  const nodes = [
    busyNode('a'),
    busyNode('b'),
    ...Array.from({ length: idleNodes }, (_, index) => node(`idle-${index}`)),
  ];
  const policy = groupPolicy({ scaleDown: { idleSec: 120 }, ...now.spec });
  const target = observed(2, {
    ready,
    pods: ['a', 'b'].map((nodeName, index) => ({ ...podLike(), name: `pod-${index}`, nodeName, ready: index < ready })),
  });
  const outcome = wants(wanted, { hold: now.hold ?? null });
  return planPool(
    poolInput({
      kind,
      nowMs: T0 + sec * 1000,
      previous,
      workloads: [{ policy: workloadPolicy({ nodeGroups: ['g5-od'] }), target, outcome }],
      nodeGroups: [poolGroup(observedGroup(nodes, { desired }), { policy, ...SHORT, ...now.group })],
    }),
  ).plan;
}

const podLike = () => {
  const [pod] = observed(1).pods;
  if (pod === undefined) throw new Error('no pod');
  return pod;
};

/** Plans every 30 s, the same all the time. */
function after(sec: number, of: Omit<Now, 'sec' | 'previous'> = {}): Plan {
  let plan = planAt({ ...of, sec: 0 });
  for (let at = 30; at <= sec; at += 30) plan = planAt({ ...of, sec: at, previous: plan });
  return plan;
}

const groupOf = (plan: Plan) => plan.nodeGroups['g5-od'];

describe('undelivered nodes', () => {
  test('are named after the idle time, but for one', () => {
    expect(groupOf(after(90))).toMatchObject({ nodes: 8 });
    expect(groupOf(after(90))?.undelivered).toBeUndefined();
    expect(groupOf(after(120))).toMatchObject({ nodes: 3, undelivered: 5, victims: [] });
  });

  test.each<readonly [string, Omit<Now, 'sec' | 'previous'>]>([
    ['while a replica waits', { wanted: 5 }],
    ['while a replica is not ready', { ready: 1 }],
    ['while a load is unknown', { hold: 'its load is unknown' }],
    ['where launches succeed', { group: { backoffUntilMs: 0, backoffCause: null } }],
    ['of a group whose size is somebody else’s', { spec: { ownership: 'floor' } }],
    ['where nothing is written', { spec: { mode: 'observe' } }],
    ['when all are there but the last', { desired: 3 }],
    ['below what is paid for anyway', { spec: { committedNodes: 8 } }],
    ['below the minimum', { spec: { nodes: { min: 8, max: 20 } } }],
  ])('are not named %s', (_, of) => {
    expect(groupOf(after(300, of))?.undelivered).toBeUndefined();
  });

  test('leave those asked for that shall stand by', () => {
    expect(groupOf(after(150, { spec: { nodes: { max: 20, spare: 3 } } }))).toMatchObject({ nodes: 5, undelivered: 3 });
  });

  test('an event names none, and a gap without plans starts the time again', () => {
    const plan = after(120);
    expect(groupOf(planAt({ sec: 121, previous: plan, kind: 'leading' }))?.undelivered).toBeUndefined();
    const later = planAt({ sec: 120 + 121, previous: plan });
    expect(groupOf(later)?.undelivered).toBeUndefined();
    expect(
      groupOf(planAt({ sec: 150, previous: planAt({ sec: 121, previous: plan, kind: 'leading' }) }))?.undelivered,
    ).toBe(5);
  });

  test('a clock that was far ahead starts the time again, and no more', () => {
    const plan = after(60);
    const aheadMs = 86_400_000;
    const watch = plan.groupWatch?.['g5-od'];
    const groupWatch = { 'g5-od': { ...watch, undeliveredSinceMs: T0 + aheadMs } };
    let next = planAt({ sec: 90, previous: { ...plan, atMs: plan.atMs + aheadMs, groupWatch } });
    for (let sec = 120; sec <= 210; sec += 30) next = planAt({ sec, previous: next });
    expect(groupOf(next)).toMatchObject({ undelivered: 5 });
  });
});
