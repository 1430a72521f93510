/** GPUs that can be had now: free on nodes that exist, on nodes that are on their way, on nodes that may be ordered. */
import type { PoolInput } from '../decide-types.ts';
import { figure } from '../format.ts';
import type { GpuCounts, GroupWatch, NodeObservation } from '../types.ts';
import { fits, minus, plus, total } from './gpus.ts';
import { extraCostOf, factsOf, isComing } from './groups.ts';
import type { GroupFacts } from './groups.ts';
import { isDegraded } from './health.ts';
import { watchGroups } from './watch.ts';

/** Prices do not add up exactly in binary [USD/h]. */
const USD_TOLERANCE = 1e-6;

export type BinKind = 'free' | 'pending' | 'new';

/** GPUs of one node; `free` shrinks as replicas are placed. */
export type Bin = {
  readonly kind: BinKind;
  readonly group: string;
  /** null: the node does not exist yet. */
  readonly nodeName: string | null;
  free: GpuCounts;
  used: boolean;
  /** Kept free on purpose: takes what comes, and nothing is moved here. */
  isSpare?: true;
  /** What this plan placed here. */
  content: readonly Content[];
};

/** A pool has thousands of nodes, and most get nothing in a plan. */
const NOTHING: readonly Content[] = [];

/** One replica, and where else it could be. */
export type Content = {
  readonly gpus: GpuCounts;
  readonly groups: readonly string[];
  readonly choice: 'order' | 'price';
};

/** A working copy for one placement: filled, read, thrown away. */
export type Supply = {
  readonly groups: ReadonlyMap<string, GroupFacts>;
  readonly bins: Readonly<Record<BinKind, ReadonlyMap<string, Bin[]>>>;
  /** GPUs left under the fleet's quota, by resource name; a name without a quota is absent. */
  quotaLeft: GpuCounts;
  /** [USD/h]; Infinity without a budget. */
  budgetLeft: number;
  /** Too many nodes look sick. */
  readonly isDegraded: boolean;
  /** Which workload is on hold and why, by group: nothing of it may shrink. */
  readonly holds: ReadonlyMap<string, string>;
  /** As it will be carried on: what is learned from the placement itself is added to it. */
  readonly watch: Map<string, GroupWatch>;
};

/** Supply of a pool, with nodes ordered already where a group is below its minimum. */
export function supplyOf(input: PoolInput): Supply {
  const watch = watchGroups(input);
  const facts = input.nodeGroups.flatMap((group) => {
    if (group.observed.kind === 'missing') return [];
    const of = { nowMs: input.nowMs, watch: watch.get(group.policy.metadata.name) };
    return factsOf({ ...group, observed: group.observed }, of);
  });
  const binsOf = (make: (group: GroupFacts) => Bin[]): Map<string, Bin[]> =>
    new Map(facts.map((group) => [group.name, make(group)]));
  const supply: Supply = {
    groups: new Map(facts.map((group) => [group.name, group])),
    bins: {
      free: binsOf((group) => freeBins(group, input)),
      pending: binsOf((group) => pendingBins(group, input.nowMs)),
      new: binsOf(() => []),
    },
    quotaLeft: quotaLeft(input, facts),
    budgetLeft: budgetLeft(input, facts),
    isDegraded: isDegraded(input, watch),
    holds: holdsOf(input),
    watch,
  };
  for (const group of facts) {
    const below = group.policy.spec.nodes.min - group.observed.desired;
    for (let ordered = 0; ordered < below && orderNode(supply, group.name) === null; ordered++);
  }
  return supply;
}

function holdsOf(input: PoolInput): ReadonlyMap<string, string> {
  const holds = new Map<string, string>();
  for (const { policy, outcome } of input.workloads) {
    if (outcome.hold === null) continue;
    for (const group of policy.spec.nodeGroups) {
      if (!holds.has(group)) holds.set(group, `${policy.metadata.name} is on hold: ${outcome.hold}`);
    }
  }
  return holds;
}

/** Nodes in use first, then idle ones, those about to be freed last: what is idle stays idle when it can. */
function freeBins(group: GroupFacts, input: PoolInput): Bin[] {
  const victims = new Set(input.previous?.nodeGroups[group.name]?.victims.map((victim) => victim.nodeName));
  const late = { nowMs: input.nowMs, startMsMax: group.startMsMax };
  const rank = (node: NodeObservation): number => (victims.has(node.name) ? 2 : node.podCount === 0 ? 1 : 0);
  return group.observed.nodes
    .filter((node) => node.ready && node.schedulable && node.leaving === undefined && !isComing(node, late))
    .toSorted((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1))
    .map((node) => ({
      kind: 'free',
      group: group.name,
      nodeName: node.name,
      free: total(node.gpusUsed) === 0 ? node.gpusAllocatable : minus(node.gpusAllocatable, node.gpusUsed),
      used: false,
      content: NOTHING,
    }));
}

function pendingBins(group: GroupFacts, nowMs: number): Bin[] {
  const coming = group.observed.nodes
    .filter((node) => isComing(node, { nowMs, startMsMax: group.startMsMax }))
    .map((node) => {
      const bin = newBin({ kind: 'pending', group, nodeName: node.name });
      return { ...bin, free: minus(bin.free, node.gpusUsed) };
    });
  const asked = Array.from({ length: group.pendingNodes }, () => newBin({ kind: 'pending', group, nodeName: null }));
  return [...coming, ...asked];
}

function newBin(of: { readonly kind: BinKind; readonly group: GroupFacts; readonly nodeName: string | null }): Bin {
  const { kind, group, nodeName } = of;
  return { kind, group: group.name, nodeName, free: group.policy.spec.shape.gpus, used: false, content: NOTHING };
}

function quotaLeft(input: PoolInput, facts: readonly GroupFacts[]): GpuCounts {
  const quota = input.fleet.spec.gpuQuota ?? {};
  const inUse = facts.reduce<GpuCounts>(
    (sum, group) => plus(sum, group.policy.spec.shape.gpus, group.observed.desired),
    {},
  );
  return minus(quota, inUse);
}

function budgetLeft(input: PoolInput, facts: readonly GroupFacts[]): number {
  const { budget } = input.fleet.spec;
  if (budget === undefined) return Infinity;
  return (
    budget.usdPerHourMax - facts.reduce((sum, group) => sum + extraCostOf(group.policy, group.observed.desired), 0)
  );
}

/** Orders one node of a group. Returns null when done, else what stands against it in a clause. */
export function orderNode(supply: Supply, name: string): string | null {
  const refusal = canOrder(supply, name);
  const group = supply.groups.get(name);
  const ordered = supply.bins.new.get(name);
  if (refusal !== null || group === undefined || ordered === undefined) return refusal ?? `${name} is not observed`;
  supply.quotaLeft = minus(supply.quotaLeft, limitedGpus(supply, group));
  supply.budgetLeft -= extraOfNext(group, ordered.length);
  ordered.push(newBin({ kind: 'new', group, nodeName: null }));
  return null;
}

/** What stands against one more node of a group, in a clause; null when nothing does. */
export function canOrder(supply: Supply, name: string): string | null {
  const group = supply.groups.get(name);
  const ordered = supply.bins.new.get(name);
  if (group === undefined || ordered === undefined) return `${name} is not observed`;
  if (ordered.length >= group.orderable.nodes) return group.orderable.because;
  if (!fits(supply.quotaLeft, limitedGpus(supply, group)))
    return `the GPU quota does not allow another node of ${name}`;
  const extra = extraOfNext(group, ordered.length);
  if (extra > supply.budgetLeft + USD_TOLERANCE)
    return `the budget does not allow another node of ${name} (${figure(extra)} USD/h)`;
  return null;
}

/** Takes the newest order of a group back. */
export function takeBackNode(supply: Supply, name: string): void {
  const group = supply.groups.get(name);
  const ordered = supply.bins.new.get(name);
  if (group === undefined || ordered?.pop() === undefined) return;
  supply.quotaLeft = plus(supply.quotaLeft, limitedGpus(supply, group));
  supply.budgetLeft += extraOfNext(group, ordered.length);
}

/** True while another node of the group is paid for already. */
export function isPaid(supply: Supply, name: string): boolean {
  const group = supply.groups.get(name);
  if (group === undefined) return false;
  return group.observed.desired + orderedNodes(supply, name) < group.policy.spec.committedNodes;
}

/** GPUs of one node that count against a quota. */
function limitedGpus(supply: Supply, group: GroupFacts): GpuCounts {
  const { gpus } = group.policy.spec.shape;
  return Object.fromEntries(Object.entries(gpus).filter(([resource]) => supply.quotaLeft[resource] !== undefined));
}

function extraOfNext(group: GroupFacts, ordered: number): number {
  const nodes = group.observed.desired + ordered;
  return extraCostOf(group.policy, nodes + 1) - extraCostOf(group.policy, nodes);
}

/** Nodes ordered in this placement, by group. */
export function orderedNodes(supply: Supply, name: string): number {
  return supply.bins.new.get(name)?.length ?? 0;
}
