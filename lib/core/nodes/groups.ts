/** What a node group can give now and may be asked for. */
import type { PoolNodeGroup } from '../decide-types.ts';
import { duration } from '../format.ts';
import type { NodeGroupPolicy } from '../policy.ts';
import type { NodeGroupObservation, NodeObservation } from '../types.ts';
import { total } from './gpus.ts';

/** A node that is not Ready with GPUs by then is not coming [ms]. Source: the provisioning timeout of Cluster Autoscaler, 15 min. */
export const NODE_START_MS_MAX = 900_000;

export type Observed = Extract<NodeGroupObservation, { kind: 'observed' }>;

export type GroupFacts = {
  readonly name: string;
  readonly policy: NodeGroupPolicy;
  readonly observed: Observed;
  /** Asked for and not there yet, and believed in: 0 while there is no capacity [nodes]. */
  readonly pendingNodes: number;
  /** Most nodes that may be asked for now, and what stands against more [nodes]. */
  readonly orderable: { readonly nodes: number; readonly because: string };
};

/** Facts of a group that was observed. */
export function factsOf(group: PoolNodeGroup & { readonly observed: Observed }, nowMs: number): GroupFacts {
  const { observed, policy } = group;
  const missingNodes = Math.max(0, observed.desired - observed.nodes.length);
  const inBackoff = nowMs < group.backoffUntilMs;
  return {
    name: policy.metadata.name,
    policy,
    observed,
    pendingNodes: inBackoff ? 0 : missingNodes,
    orderable: orderableNodes(group, nowMs),
  };
}

function orderableNodes(
  group: PoolNodeGroup & { readonly observed: Observed },
  nowMs: number,
): GroupFacts['orderable'] {
  const { observed, policy, backoffUntilMs, backoffCause } = group;
  const { name } = policy.metadata;
  const { max, surgeMax } = policy.spec.nodes;
  if (nowMs < backoffUntilMs) {
    const cause = backoffCause ?? 'no capacity';
    return { nodes: 0, because: `${name} gets no nodes for ${duration(backoffUntilMs - nowMs)} more (${cause})` };
  }
  if (policy.spec.mode === 'paused') return { nodes: 0, because: `${name} is paused` };
  if (observed.status === 'creating' || observed.status === 'deleting' || observed.status === 'failed') {
    return { nodes: 0, because: `${name} is ${observed.status}` };
  }
  const onTheWay =
    Math.max(0, observed.desired - observed.nodes.length) + observed.nodes.filter((n) => isComing(n, nowMs)).length;
  const byMax = { nodes: Math.max(0, max - observed.desired), because: `${name} is at nodes.max ${max}` };
  const bySurge = {
    nodes: Math.max(0, surgeMax - onTheWay),
    because: `${name} has ${surgeMax} nodes on their way (nodes.surgeMax)`,
  };
  return bySurge.nodes < byMax.nodes ? bySurge : byMax;
}

/** Young and not usable yet: booting, or its GPUs are not reported yet. It counts as coming, so that no second one is asked for. */
export function isComing(node: NodeObservation, nowMs: number): boolean {
  if (!node.schedulable || nowMs - node.createdMs > NODE_START_MS_MAX) return false;
  return !node.ready || total(node.gpusAllocatable) === 0;
}

/** What a node costs [USD/h]; 0 when no price is known. */
export function priceOf(policy: NodeGroupPolicy): number {
  return policy.spec.shape.usdPerHour ?? 0;
}

/** The price of a node [USD/h]; null when none is known. */
export function priceKnown(policy: NodeGroupPolicy): number | null {
  return policy.spec.shape.usdPerHour ?? null;
}

/** What a group of so many nodes costs beyond what is committed [USD/h]. */
export function extraCostOf(policy: NodeGroupPolicy, nodes: number): number {
  return Math.max(0, nodes - policy.spec.committedNodes) * priceOf(policy);
}
