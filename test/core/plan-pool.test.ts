/** Replicas to nodes, in one pass. */
import { describe, expect, test } from '@jest/globals';
import { planPool } from '../../lib/core/plan-pool.ts';
import type { PoolInput } from '../../lib/core/decide-types.ts';
import type { NodeObservation, Plan } from '../../lib/core/types.ts';
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
  T0,
  wants,
  workloadPolicy,
} from './builders.ts';

const busy = (countOf: number): NodeObservation[] => Array.from({ length: countOf }, (_, i) => busyNode(`node-${i}`));

const tiered = (name: string, tier: number) =>
  poolWorkload({
    wanted: 4,
    name,
    policy: workloadPolicy({ nodeGroups: ['g5-od'], priority: { tier } }, name),
    target: observed(1),
  });

const idleInput = (over: Partial<PoolInput> = {}): PoolInput =>
  poolInput({
    workloads: [poolWorkload({ wanted: 2, target: observed(2) })],
    nodeGroups: [poolGroup(observedGroup([busyNode('node-0'), busyNode('node-1'), node('z'), node('y'), node('x')]))],
    ...over,
  });

const fourNodes = (spec: Record<string, unknown>) =>
  poolGroup(observedGroup([busyNode('node-0'), busyNode('node-1'), node('y'), node('x')]), {
    policy: groupPolicy(spec),
  });

const owned = (ownership: string) =>
  idleInput({
    nodeGroups: [
      poolGroup(observedGroup([busyNode('node-0'), busyNode('node-1'), node('x')]), {
        policy: groupPolicy({ ownership }),
      }),
    ],
  });

/** Plans again and again, with the world unchanged. */
function settle(input: PoolInput, options: { forMs: number }): Plan {
  let previous = input.previous;
  for (let ms = 0; ms <= options.forMs; ms += 30_000) {
    const nowMs = input.nowMs + ms;
    previous = planPool({ ...input, nowMs, previous, snapshot: { ...input.snapshot, atMs: nowMs } }).plan;
  }
  if (previous === undefined) throw new Error('no plan');
  return previous;
}

describe('planPool: growth', () => {
  test('orders the nodes that replicas need, in the same pass', () => {
    const { plan, decisions, unmet } = planPool(poolInput({ workloads: [poolWorkload({ wanted: 7 })] }));
    expect(plan.targets['llama-8b-chat']?.replicas).toBe(7);
    expect(plan.nodeGroups['g5-od']).toMatchObject({ nodes: 7, victims: [], observed: { desired: 4 } });
    expect(unmet).toEqual({});
    expect(decisions[0]).toMatchObject({
      replicas: { current: 4, ready: 4, wanted: 7 },
      nodeGroups: [{ name: 'g5-od', current: 4, wanted: 7 }],
      usdPerHour: { before: 4.02, after: 7.04 },
      binding: 'demand',
    });
    expect(decisions[0]?.trail).toEqual([
      {
        rule: 'nodes',
        from: 4,
        to: 7,
        unit: 'nodes',
        because:
          "g5-od: 3 more nodes for replicas that fit on no node there is; a node takes 180 s (the policy's figure)",
      },
    ]);
  });

  test('uses free GPUs first, then nodes on their way, then new ones', () => {
    const nodes = [...busy(4), node('spare'), node('booting', { ready: false, createdMs: T0 - 60_000 })];
    const group = poolGroup(observedGroup(nodes, { desired: 7 }));
    const { plan } = planPool(poolInput({ workloads: [poolWorkload({ wanted: 8 })], nodeGroups: [group] }));
    expect(plan.nodeGroups['g5-od']?.nodes).toBe(8);
  });

  test('a node whose GPUs are not allocatable yet counts as coming', () => {
    const nodes = [...busy(4), node('new', { gpusAllocatable: {}, createdMs: T0 - 60_000 })];
    const { plan } = planPool(
      poolInput({ workloads: [poolWorkload({ wanted: 5 })], nodeGroups: [poolGroup(observedGroup(nodes))] }),
    );
    expect(plan.nodeGroups['g5-od']?.nodes).toBe(5);
  });

  test('a group in backoff is skipped for the next one, and its nodes that never came are not believed in', () => {
    const policy = workloadPolicy({ nodeGroups: ['g5-od', 'g6-od'] });
    const input = poolInput({
      workloads: [poolWorkload({ wanted: 6, policy })],
      nodeGroups: [
        poolGroup(observedGroup(busy(4), { desired: 6 }), {
          backoffUntilMs: T0 + 180_000,
          backoffCause: 'InsufficientInstanceCapacity in eu-west-1a',
        }),
        poolGroup(observedGroup([]), { policy: groupPolicy({}, 'g6-od') }),
      ],
    });
    const { plan, unmet } = planPool(input);
    expect(plan.nodeGroups['g5-od']?.nodes).toBe(6);
    expect(plan.nodeGroups['g6-od']?.nodes).toBe(2);
    expect(unmet).toEqual({});
  });

  test('committed nodes come before the preferred group', () => {
    const policy = workloadPolicy({ nodeGroups: ['g5-od', 'g6-od'] });
    const input = poolInput({
      workloads: [poolWorkload({ wanted: 7, policy })],
      nodeGroups: [
        poolGroup(observedGroup(busy(4))),
        poolGroup(observedGroup([]), { policy: groupPolicy({ committedNodes: 2 }, 'g6-od') }),
      ],
    });
    const { plan } = planPool(input);
    expect([plan.nodeGroups['g5-od']?.nodes, plan.nodeGroups['g6-od']?.nodes]).toEqual([5, 2]);
  });

  const limits: readonly (readonly [string, Partial<PoolInput>, string])[] = [
    [
      'nodes.max',
      { nodeGroups: [poolGroup(observedGroup(busy(4)), { policy: groupPolicy({ nodes: { max: 6 } }) })] },
      'g5-od is at nodes.max 6',
    ],
    [
      'nodes.surgeMax',
      { nodeGroups: [poolGroup(observedGroup(busy(4)), { policy: groupPolicy({ nodes: { max: 20, surgeMax: 2 } }) })] },
      'g5-od has 2 nodes on their way (nodes.surgeMax)',
    ],
    [
      'the GPU quota',
      { fleet: fleet({ gpuQuota: { 'nvidia.com/gpu': 6 } }) },
      'the GPU quota does not allow another node of g5-od',
    ],
    [
      'the budget',
      { fleet: fleet({ budget: { usdPerHourMax: 6.5 } }) },
      'the budget does not allow another node of g5-od (1.01 USD/h)',
    ],
  ];
  test.each(limits)('%s limits growth to what can be had, and says what is unmet', (_name, over, because) => {
    const { plan, unmet, decisions } = planPool(poolInput({ workloads: [poolWorkload({ wanted: 9 })], ...over }));
    expect(plan.targets['llama-8b-chat']?.replicas).toBe(6);
    expect(plan.nodeGroups['g5-od']?.nodes).toBe(6);
    expect(unmet).toEqual({ 'llama-8b-chat': 3 });
    expect(decisions[0]?.binding).toBe('allocation');
    const allocation = decisions[0]?.trail.find((s) => s.rule === 'allocation');
    expect(allocation?.because).toBe(
      `3 of 9 replicas cannot have GPUs: ${because}; auto: alone in interactive work of tier 1, 2 GPUs left after running replicas and floors`,
    );
  });

  test('running replicas and the minimum are never cut by a shortage', () => {
    const full = poolGroup(observedGroup(busy(2)), { policy: groupPolicy({ nodes: { max: 2 } }) });
    const policy = workloadPolicy({ nodeGroups: ['g5-od'], replicas: { min: 3, max: 40 } });
    const input = poolInput({
      workloads: [poolWorkload({ wanted: 8, policy, target: observed(5, { ready: 2 }) })],
      nodeGroups: [full],
    });
    expect(planPool(input).plan.targets['llama-8b-chat']?.replicas).toBe(5);
    const small = poolInput({
      workloads: [poolWorkload({ wanted: 8, policy, target: observed(0) })],
      nodeGroups: [full],
    });
    expect(planPool(small)).toMatchObject({ unmet: { 'llama-8b-chat': 8 } });
    expect(planPool(small).plan.targets['llama-8b-chat']?.replicas).toBe(3);
  });

  test('workloads without node groups are not limited, and a group that is not seen refuses nothing', () => {
    const free = poolWorkload({ wanted: 500, policy: workloadPolicy({}) });
    expect(planPool(poolInput({ workloads: [free] })).plan.targets['llama-8b-chat']?.replicas).toBe(500);
    const unseen = poolInput({
      workloads: [poolWorkload({ wanted: 9 })],
      nodeGroups: [poolGroup({ kind: 'missing', reason: 'timeout' })],
    });
    const { plan, unmet } = planPool(unseen);
    expect(plan.targets['llama-8b-chat']?.replicas).toBe(9);
    expect(unmet).toEqual({});
    expect(plan.nodeGroups).toEqual({});
  });

  test('higher tiers get scarce GPUs first', () => {
    const input = poolInput({
      workloads: [tiered('b', 2), tiered('a', 1)],
      nodeGroups: [poolGroup(observedGroup(busy(2)), { policy: groupPolicy({ nodes: { max: 6 } }) })],
    });
    const { plan, unmet } = planPool(input);
    expect([plan.targets['a']?.replicas, plan.targets['b']?.replicas]).toEqual([4, 2]);
    expect(unmet).toEqual({ b: 2 });
  });
});

describe('planPool: decrease', () => {
  test('names idle nodes after idleSec, at most `parallel`', () => {
    expect(settle(idleInput(), { forMs: 270_000 }).nodeGroups['g5-od']).toMatchObject({ nodes: 5, victims: [] });
    const plan = settle(idleInput(), { forMs: 300_000 });
    expect(plan.nodeGroups['g5-od']).toMatchObject({
      nodes: 3,
      victims: [
        { nodeName: 'x', instanceId: 'i-x' },
        { nodeName: 'y', instanceId: 'i-y' },
      ],
    });
  });

  test('leaves nodes.min and committed nodes', () => {
    const min = settle(idleInput({ nodeGroups: [fourNodes({ nodes: { min: 3, max: 20 } })] }), { forMs: 600_000 });
    expect(min.nodeGroups['g5-od']?.nodes).toBe(3);
    const committed = settle(idleInput({ nodeGroups: [fourNodes({ committedNodes: 4 })] }), { forMs: 600_000 });
    expect(committed.nodeGroups['g5-od']?.nodes).toBe(4);
  });

  test('a node that wanted replicas need is not idle', () => {
    const input = idleInput({ workloads: [poolWorkload({ wanted: 5, target: observed(2) })] });
    expect(settle(input, { forMs: 600_000 }).nodeGroups['g5-od']).toMatchObject({ nodes: 5, victims: [] });
  });

  const sick = [...busy(4).map((n) => ({ ...n, ready: false })), node('z')];
  const refusals: readonly (readonly [string, Partial<PoolInput>])[] = [
    ['on an event', { kind: 'leading' }],
    ['on hold', { workloads: [poolWorkload({ wanted: 2, target: observed(2), outcome: wants(2, { hold: 'cold' }) })] }],
    [
      'while the group updates',
      { nodeGroups: [poolGroup(observedGroup([...busy(2), node('z')], { status: 'updating' }))] },
    ],
    ['while many nodes are not Ready', { nodeGroups: [poolGroup(observedGroup(sick))] }],
  ];
  test.each(refusals)('frees nothing %s', (_name, over) => {
    const plan = settle(idleInput(over), { forMs: 900_000 });
    expect(plan.nodeGroups['g5-od']?.victims).toEqual([]);
    expect(plan.nodeGroups['g5-od']?.nodes).toBeGreaterThanOrEqual(plan.nodeGroups['g5-od']?.observed?.desired ?? 0);
  });

  test('and says so while many nodes are not Ready', () => {
    const { decisions } = planPool(idleInput({ nodeGroups: [poolGroup(observedGroup(sick))] }));
    expect(decisions[0]?.trail.find(({ rule }) => rule === 'nodes')?.because).toBe(
      'g5-od: nothing is freed while too many nodes are not Ready',
    );
  });

  test('an old snapshot frees nothing and starts idle time again', () => {
    const before = settle(idleInput(), { forMs: 270_000 });
    const nowMs = T0 + 300_000;
    const blind = planPool(
      idleInput({ nowMs, previous: before, snapshot: { ...idleInput().snapshot, atMs: T0 + 260_000 } }),
    ).plan;
    expect(blind.nodeGroups['g5-od']?.victims).toEqual([]);
    expect(blind.idleNodes).toEqual({});
  });

  test('a node being freed stays named while it is cordoned, also by an event, and one that got a pod does not', () => {
    const before = settle(idleInput(), { forMs: 300_000 });
    const cordoned = [
      busyNode('node-0'),
      busyNode('node-1'),
      node('x', { schedulable: false }),
      busyNode('y', { schedulable: false }),
    ];
    const input = idleInput({
      nowMs: T0 + 310_000,
      kind: 'leading',
      previous: before,
      nodeGroups: [poolGroup(observedGroup(cordoned))],
    });
    const { plan } = planPool(input);
    expect(plan.nodeGroups['g5-od']).toMatchObject({ nodes: 3, victims: [{ nodeName: 'x', instanceId: 'i-x' }] });
  });

  test('only the sole writer names victims; a floor goes down instead', () => {
    expect(settle(owned('floor'), { forMs: 300_000 }).nodeGroups['g5-od']).toMatchObject({ nodes: 2, victims: [] });
    expect(settle(owned('observe'), { forMs: 300_000 }).nodeGroups['g5-od']).toMatchObject({ nodes: 2, victims: [] });
  });

  test('an event keeps what the plan before ordered, although its snapshot is older', () => {
    const grown = planPool(poolInput({ workloads: [poolWorkload({ wanted: 7 })] })).plan;
    const { plan } = planPool(poolInput({ kind: 'leading', nowMs: T0 + 1_000, previous: grown }));
    expect(plan.nodeGroups['g5-od']?.nodes).toBe(7);
  });
});

describe('planPool: the plan', () => {
  test('its sequence only rises, also when the clock goes back', () => {
    const first = planPool(poolInput()).plan;
    expect(first.seq).toBe(T0);
    expect(planPool(poolInput({ nowMs: T0 - 60_000, previous: first })).plan.seq).toBe(T0 + 1);
  });

  test('the same inputs give the same bytes, and ids tell inputs apart', () => {
    expect(JSON.stringify(planPool(poolInput()))).toBe(JSON.stringify(planPool(poolInput())));
    const ids = [poolInput(), poolInput({ nowMs: T0 + 1 }), poolInput({ policyVersion: 'v2' })].map(
      (input) => planPool(input).decisions[0]?.id,
    );
    expect(new Set(ids).size).toBe(3);
    expect(ids[0]).toMatch(/^d_[0-9a-f]{16}$/);
  });

  test('act becomes observe while another autoscaler owns the count', () => {
    const target = observed(4, { scaledBy: 'HorizontalPodAutoscaler/llama' });
    const { plan, decisions } = planPool(poolInput({ workloads: [poolWorkload({ wanted: 6, target })] }));
    expect(plan.targets['llama-8b-chat']?.mode).toBe('observe');
    expect(decisions[0]?.trail.at(0)?.because).toBe(
      'HorizontalPodAutoscaler/llama sets the count; nothing is written while it does',
    );
  });

  test('a target never seen is not in the plan; one seen before keeps its place without an observation', () => {
    const gone = { kind: 'missing', reason: 'timeout' } as const;
    const unseen = poolWorkload({ wanted: 1, target: gone });
    const never = { ...unseen, outcome: wants(1, { control: { ...wants(1).control, lastWanted: null } }) };
    expect(planPool(poolInput({ workloads: [never] })).plan.targets).toEqual({});
    expect(planPool(poolInput({ workloads: [unseen] })).plan.targets['llama-8b-chat']).toMatchObject({
      replicas: 1,
      observed: null,
    });
  });
});
