/** Spot nodes with on-demand ones behind them, spare nodes, and nodes that were announced to go. */
import { describe, expect, test } from '@jest/globals';
import type { PoolNodeGroup } from '../../../lib/core/decide-types.ts';
import { planPool } from '../../../lib/core/plan-pool.ts';
import type { NodeObservation } from '../../../lib/core/types.ts';
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

const MINUTE_MS = 60_000;

const spot = (nodes: readonly NodeObservation[], over: { desired?: number; spec?: Record<string, unknown> } = {}) =>
  poolGroup(observedGroup(nodes, { desired: over.desired ?? nodes.length }), {
    policy: groupPolicy(
      { shape: { instanceType: 'g5', gpus: { 'nvidia.com/gpu': 1 }, usdPerHour: 0.4, market: 'spot' }, ...over.spec },
      'spot',
    ),
  });
const onDemand = (nodes: readonly NodeObservation[] = [], desired = nodes.length) =>
  poolGroup(observedGroup(nodes, { desired }), { policy: groupPolicy({}, 'od') });

/** Pods on these nodes, one each. */
const running = (nodes: readonly string[]) => ({
  ...observed(nodes.length),
  pods: nodes.map((nodeName, index) => ({ ...observed(1).pods[0], name: `pod-${index}`, nodeName })),
});

const planned = (of: { wanted: number; on: readonly string[]; nodeGroups: readonly PoolNodeGroup[] }) => {
  const target = running(of.on) as ReturnType<typeof observed>;
  const policy = workloadPolicy({ nodeGroups: ['spot', 'od'] });
  const outcome = planPool(
    poolInput({ workloads: [{ policy, target, outcome: wants(of.wanted) }], nodeGroups: of.nodeGroups }),
  );
  return Object.fromEntries(Object.values(outcome.plan.nodeGroups).map((group) => [group.name, group.nodes]));
};

describe('planPool: spot', () => {
  test('asks for what is needed and one more, and for on-demand nodes until the spot nodes are there', () => {
    expect(planned({ wanted: 3, on: [], nodeGroups: [spot([]), onDemand()] })).toEqual({ spot: 4, od: 3 });
  });

  test('counts what is on its way: the next plan asks for nothing more', () => {
    expect(planned({ wanted: 3, on: [], nodeGroups: [spot([], { desired: 4 }), onDemand([], 3)] })).toEqual({
      spot: 4,
      od: 3,
    });
  });

  test('lets the on-demand nodes go when the spot nodes are there', () => {
    const nodes = [busyNode('s0'), busyNode('s1'), node('s2')];
    const nodeGroups = [spot(nodes), onDemand([node('o0'), node('o1')])];
    const policy = workloadPolicy({ nodeGroups: ['spot', 'od'] });
    const target = running(['s0', 's1']) as ReturnType<typeof observed>;
    const input = poolInput({ workloads: [{ policy, target, outcome: wants(2) }], nodeGroups });
    expect(planPool(input).plan.idleNodes).toEqual({ o0: T0, o1: T0 });
  });

  test('asks for on-demand nodes at the notice of an interruption, not at its end', () => {
    const nodes = [busyNode('s0', { leaving: 'spotInterruption' }), busyNode('s1')];
    const nodeGroups = [spot(nodes, { spec: { nodes: { max: 20, spare: 0 } } }), onDemand()];
    // The group itself brings a new spot node for the one that goes.
    expect(planned({ wanted: 2, on: ['s0', 's1'], nodeGroups })).toEqual({ spot: 2, od: 1 });
  });

  test('a spare node takes over at the notice, and the group brings the next spare itself', () => {
    const nodes = [busyNode('s0', { leaving: 'spotInterruption' }), busyNode('s1'), node('s2')];
    expect(planned({ wanted: 2, on: ['s0', 's1'], nodeGroups: [spot(nodes), onDemand()] })).toEqual({ spot: 3, od: 0 });
  });

  test('a recommendation to rebalance is answered with one more node, because nobody else brings it', () => {
    const nodes = [busyNode('s0', { leaving: 'rebalance' }), busyNode('s1')];
    const nodeGroups = [spot(nodes, { spec: { nodes: { max: 20, spare: 0 } } }), onDemand()];
    expect(planned({ wanted: 2, on: ['s0', 's1'], nodeGroups })).toEqual({ spot: 3, od: 1 });
  });

  test("free GPUs of a node that goes are nobody's", () => {
    const nodes = [busyNode('s0'), node('s1', { leaving: 'rebalance' })];
    const nodeGroups = [spot(nodes, { spec: { nodes: { max: 20, spare: 0 } } }), onDemand()];
    expect(planned({ wanted: 2, on: ['s0'], nodeGroups })).toMatchObject({ spot: 3 });
  });
});

const withSpare = (nodes: readonly NodeObservation[], spare: number) =>
  poolGroup(observedGroup(nodes), { policy: groupPolicy({ nodes: { max: 6, spare } }) });
const one = (nodeGroup: PoolNodeGroup, wanted: number, running_ = wanted) =>
  poolInput({
    workloads: [
      { policy: workloadPolicy({ nodeGroups: ['g5-od'] }), target: observed(running_), outcome: wants(wanted) },
    ],
    nodeGroups: [nodeGroup],
  });

describe('planPool: spare nodes', () => {
  test('are ordered beyond what is needed, within the limits', () => {
    const busy = [busyNode('node-0'), busyNode('node-1')];
    expect(planPool(one(withSpare(busy, 2), 2)).plan.nodeGroups['g5-od']?.nodes).toBe(4);
    expect(planPool(one(withSpare(busy, 9), 2)).plan.nodeGroups['g5-od']?.nodes).toBe(6);
  });

  test('are not idle, however long nobody needs them', () => {
    const nodes = [busyNode('node-0'), node('x'), node('y')];
    const input = one(withSpare(nodes, 1), 1);
    const first = planPool(input).plan;
    expect(Object.keys(first.idleNodes ?? {})).toEqual(['y']);
    const nowMs = T0 + 10 * MINUTE_MS;
    const previous = { ...first, atMs: nowMs - 10_000 };
    const later = planPool({ ...input, nowMs, previous, snapshot: { ...input.snapshot, atMs: nowMs } }).plan;
    expect(later.nodeGroups['g5-od']?.victims.map((victim) => victim.nodeName)).toEqual(['y']);
  });
});
