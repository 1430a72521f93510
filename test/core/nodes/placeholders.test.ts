/** Ownership buffer: placeholder pods for what is foreseen. */
import { describe, expect, test } from '@jest/globals';
import type { PoolInput } from '../../../lib/core/decide-types.ts';
import { planPool } from '../../../lib/core/plan-pool.ts';
import type { NodeObservation, PlannedNodeGroup } from '../../../lib/core/types.ts';
import {
  busyNode,
  groupPolicy,
  node,
  observed,
  observedGroup,
  poolGroup,
  poolInput,
  T0,
  wants,
  workloadPolicy,
} from '../builders.ts';

const group = (nodes: readonly NodeObservation[], spec: Record<string, unknown> = {}) =>
  poolGroup(observedGroup(nodes), {
    policy: groupPolicy(
      { provider: { kind: 'karpenterNodePool', nodePool: 'gpu' }, ownership: 'buffer', ...spec },
      'pool',
    ),
  });

function planned(of: {
  readonly wanted: number;
  readonly pods: number;
  readonly bound?: number;
  readonly mode?: string;
  readonly scaledBy?: string;
  readonly nodes?: readonly NodeObservation[];
  readonly spec?: Record<string, unknown>;
}): PlannedNodeGroup | undefined {
  const { wanted, pods, bound = pods, mode = 'observe', scaledBy = null } = of;
  const nodes = of.nodes ?? Array.from({ length: bound }, (_, index) => busyNode(`node-${index}`));
  const policy = workloadPolicy({ mode, nodeGroups: ['pool'] });
  const target = observed(pods, { ready: bound, scaledBy });
  return planPool(
    poolInput({ workloads: [{ policy, target, outcome: wants(wanted) }], nodeGroups: [group(nodes, of.spec)] }),
  ).plan.nodeGroups['pool'];
}

/** One pod on one node, and seven placeholders. */
function inputOf(wanted: number, kind: 'full' | 'leading', spec: Record<string, unknown> = {}): PoolInput {
  const policy = workloadPolicy({ mode: 'observe', nodeGroups: ['pool'] });
  const seen = group([busyNode('node-0')], spec);
  const nodeGroups = [{ ...seen, observed: { ...seen.observed, placeholders: 7 } }] as (typeof seen)[];
  return poolInput({ kind, workloads: [{ policy, target: observed(1), outcome: wants(wanted) }], nodeGroups });
}

describe('planPool: ownership buffer', () => {
  test('holds a place for every replica that is foreseen while somebody else sets the count', () => {
    expect(planned({ wanted: 6, pods: 2 })?.placeholders).toBe(4);
    expect(planned({ wanted: 6, pods: 2, mode: 'act', scaledBy: 'HorizontalPodAutoscaler/llama' })?.placeholders).toBe(
      4,
    );
  });

  test('goes on holding it when the node is there, until the pod comes', () => {
    const nodes = [busyNode('node-0'), busyNode('node-1'), node('new-0'), node('new-1')];
    expect(planned({ wanted: 4, pods: 2, nodes })?.placeholders).toBe(2);
    // The pods exist and wait to be bound: they take the places themselves.
    expect(planned({ wanted: 4, pods: 4, bound: 2, nodes })?.placeholders).toBe(0);
  });

  test('none for replicas that this plan creates: they ask the scaler themselves', () => {
    const pool = planned({ wanted: 6, pods: 2, mode: 'act' });
    expect(pool?.placeholders).toBe(0);
    expect(pool?.ownership).toBe('buffer');
  });

  test('shrinks when the need passes', () => {
    expect(
      planned({ wanted: 2, pods: 2, nodes: [busyNode('node-0'), busyNode('node-1'), node('x')] })?.placeholders,
    ).toBe(0);
  });

  test('keeps spare nodes, and never more than nodes.max holds', () => {
    expect(planned({ wanted: 2, pods: 2, spec: { nodes: { max: 9, spare: 2 } } })?.placeholders).toBe(2);
    expect(planned({ wanted: 30, pods: 2, spec: { nodes: { max: 5, surgeMax: 50 } } })?.placeholders).toBe(3);
  });

  test('counts in units of the first resource of the shape', () => {
    const shape = { instanceType: 'p5', gpus: { 'nvidia.com/gpu': 8 }, usdPerHour: 50 };
    const pool = planned({ wanted: 5, pods: 2, nodes: [], bound: 0, spec: { shape } });
    expect(pool?.placeholders).toBe(3);
  });

  test('an event only raises, a paused group is left as it is', () => {
    const previous = planPool(inputOf(4, 'full')).plan;
    const next = planPool({ ...inputOf(2, 'leading'), nowMs: T0 + 1_000, previous }).plan;
    expect(next.nodeGroups['pool']?.placeholders).toBe(3);
    expect(planPool(inputOf(4, 'full', { mode: 'paused' })).plan.nodeGroups['pool']?.placeholders).toBe(7);
  });
});
