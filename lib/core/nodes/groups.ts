/** What a node group can give now and may be asked for. */
import type { PoolInput, PoolNodeGroup } from '../decide-types.ts';
import { duration } from '../format.ts';
import type { NodeGroupPolicy } from '../policy.ts';
import type { GroupWatch, NodeGroupObservation, NodeObservation } from '../types.ts';
import { total } from './gpus.ts';
import { briefCause } from './trouble.ts';
import { lostNodes, startMsMaxOf } from './watch.ts';

export type Observed = Extract<NodeGroupObservation, { kind: 'observed' }>;

export type GroupFacts = {
  readonly name: string;
  readonly policy: NodeGroupPolicy;
  readonly observed: Observed;
  readonly watch: GroupWatch | undefined;
  /** A node that is not usable so long after it was asked for, or joined, is not coming [ms]. */
  readonly startMsMax: number;
  /** Asked for and not there yet, and believed in: 0 while there is no capacity [nodes]. */
  readonly pendingNodes: number;
  /** Most nodes that may be asked for now, and what stands against more [nodes]. */
  readonly orderable: { readonly nodes: number; readonly because: string };
};

/** Facts of a group that was observed. */
export function factsOf(
  group: PoolNodeGroup & { readonly observed: Observed },
  of: { readonly nowMs: number; readonly watch: GroupWatch | undefined },
): GroupFacts {
  const { observed, policy } = group;
  const missingNodes = Math.max(0, observed.desired - observed.nodes.length);
  const startMsMax = startMsMaxOf(policy, of.watch);
  const lost = lostNodes(of.watch, { nowMs: of.nowMs, startMsMax });
  // The group itself brings another one for each that ends, at the notice or at the end.
  const ending = observed.nodes.filter(
    ({ leaving }) => leaving === 'spotInterruption' || leaving === 'terminating',
  ).length;
  const replaced = Math.max(0, ending - Math.max(0, observed.nodes.length - observed.desired));
  return {
    name: policy.metadata.name,
    policy,
    observed,
    watch: of.watch,
    startMsMax,
    // While launches fail nobody is on the way.
    pendingNodes: of.nowMs < group.backoffUntilMs ? 0 : Math.max(0, missingNodes - lost) + replaced,
    orderable: orderableNodes(withTrouble(group, of.watch), { nowMs: of.nowMs, lost, startMsMax }),
  };
}

/** The later of two pauses: the cloud refuses, or what it gave was of no use. */
function withTrouble<Group extends PoolNodeGroup>(group: Group, watch: GroupWatch | undefined): Group {
  const trouble = watch?.trouble;
  if (trouble === undefined || trouble.untilMs <= group.backoffUntilMs) return group;
  return { ...group, backoffUntilMs: trouble.untilMs, backoffCause: trouble.cause };
}

function orderableNodes(
  group: PoolNodeGroup & { readonly observed: Observed },
  { nowMs, lost, startMsMax }: { readonly nowMs: number; readonly lost: number; readonly startMsMax: number },
): GroupFacts['orderable'] {
  const { observed, policy, backoffUntilMs, backoffCause } = group;
  const { name } = policy.metadata;
  const { max, surgeMax } = policy.spec.nodes;
  if (nowMs < backoffUntilMs) {
    const cause = backoffCause ?? 'no capacity';
    return {
      nodes: 0,
      because: `${name} gets no nodes for ${duration(backoffUntilMs - nowMs)} more (${briefCause(cause)})`,
    };
  }
  if (policy.spec.mode === 'paused') return { nodes: 0, because: `${name} is paused` };
  if (observed.status === 'creating' || observed.status === 'deleting' || observed.status === 'failed') {
    return { nodes: 0, because: `${name} is ${observed.status}` };
  }
  const onTheWay =
    Math.max(0, observed.desired - observed.nodes.length - lost) +
    observed.nodes.filter((node) => isComing(node, { nowMs, startMsMax })).length;
  const byMax = { nodes: Math.max(0, max - observed.desired), because: `${name} is at nodes.max ${max}` };
  const bySurge = {
    nodes: Math.max(0, surgeMax - onTheWay),
    because: `${name} has ${surgeMax} nodes on their way (nodes.surgeMax)`,
  };
  return bySurge.nodes < byMax.nodes ? bySurge : byMax;
}

/** Young and not usable yet: booting, or its GPUs are not reported yet. It counts as coming, so that no second one is asked for. */
export function isComing(node: NodeObservation, of: { readonly nowMs: number; readonly startMsMax: number }): boolean {
  if (!node.schedulable || of.nowMs - node.createdMs > of.startMsMax) return false;
  return !node.ready || total(node.gpusAllocatable) === 0;
}

/** Names of nodes that were announced to go. */
export function leavingNodes(input: PoolInput): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { observed } of input.nodeGroups) {
    if (observed.kind === 'missing') continue;
    for (const { name, leaving } of observed.nodes) if (leaving !== undefined) names.add(name);
  }
  return names;
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
