/** Nodes per group: what the wanted replicas need, and what nobody needs any more. */
import type { PoolInput, PoolNodeGroup } from '../decide-types.ts';
import { count, duration } from '../format.ts';
import type { PlannedNodeGroup } from '../types.ts';
import type { GroupFacts } from './groups.ts';
import { idleLongEnough } from './idle.ts';
import { nodeLeadText } from './lead.ts';
import type { IdleNodes } from './idle.ts';
import { spareText } from './spare.ts';
import { orderedNodes } from './supply.ts';
import type { Supply } from './supply.ts';
import { undeliveredOf } from './undelivered.ts';
import { ghostsOf, victimsOf, whyNoNewVictims } from './victims.ts';
import type { Moves } from './victims.ts';

export type NodePlan = {
  readonly name: string;
  readonly policy: PoolNodeGroup['policy'];
  /** null: not observed. */
  readonly desired: number | null;
  /** Absolute; for ownership `floor` the minimum size asked for. */
  readonly nodes: number;
  readonly observed: PlannedNodeGroup['observed'];
  readonly victims: PlannedNodeGroup['victims'];
  /** Instances to end that never became nodes. */
  readonly ghosts: readonly string[];
  /** Nodes a stock-out never delivered that are not needed any more. */
  readonly undelivered: number;
  /** Ownership `buffer` only. */
  readonly placeholders?: number;
  /** Why it differs from what is desired now; null when it does not. */
  readonly because: string | null;
  /** Nodes standing by as learned, where that has changed. */
  readonly spare?: { readonly from: number; readonly to: number; readonly because: string };
};

/** Plans every group of the pool. A group never observed and never planned is left out: there is no number to stand on. */
export function planNodes(
  input: PoolInput,
  of: {
    readonly supply: Supply;
    readonly idle: IdleNodes;
    readonly moves: Moves;
    readonly placeholders: ReadonlyMap<string, number>;
  },
): readonly NodePlan[] {
  return input.nodeGroups.flatMap((group) => {
    const facts = of.supply.groups.get(group.policy.metadata.name);
    return facts === undefined ? unseen(input, group) : [planGroup(input, { ...of, group: facts })];
  });
}

function unseen(input: PoolInput, group: PoolNodeGroup): readonly NodePlan[] {
  const { name } = group.policy.metadata;
  const before = input.previous?.nodeGroups[name];
  if (before === undefined) return [];
  return [
    {
      name,
      policy: group.policy,
      desired: null,
      nodes: before.nodes,
      observed: null,
      victims: [],
      ghosts: [],
      undelivered: 0,
      because: null,
    },
  ];
}

type GroupParts = {
  readonly group: GroupFacts;
  readonly supply: Supply;
  readonly idle: IdleNodes;
  readonly moves: Moves;
  readonly placeholders: ReadonlyMap<string, number>;
};

function planGroup(input: PoolInput, parts: GroupParts): NodePlan {
  const { group } = parts;
  const { policy, observed } = group;
  const { desired, min, max } = observed;
  const victims = victimsOf(input, parts);
  const ghosts = ghostsOf(input, parts);
  const ordered = orderedNodes(parts.supply, group.name);
  const undelivered = ordered > 0 ? 0 : undeliveredOf(input, parts);
  const left = desired - victims.length - ghosts.length - undelivered;
  const owned = atLeastBefore(input, { group, nodes: left + ordered });
  const isFloor = policy.spec.ownership === 'floor';
  const isBuffer = policy.spec.ownership === 'buffer';
  const nodes = policy.spec.mode === 'paused' ? desired : isFloor ? floorOf(input, { ...parts, ordered }) : owned;
  return {
    name: group.name,
    policy,
    desired,
    nodes,
    observed: { desired, min, max, ...(isBuffer ? { placeholders: observed.placeholders ?? 0 } : {}) },
    ...(isBuffer ? { placeholders: placeholdersAtLeast(input, parts) } : {}),
    victims: policy.spec.ownership === 'own' ? victims : [],
    ghosts,
    undelivered,
    ...spareOf(input, parts),
    because: becauseOf(input, {
      ...parts,
      nodes,
      ordered,
      ghosts,
      undelivered,
      victims: victims.map((victim) => victim.nodeName),
    }),
  };
}

/** A leading evaluation sees an older snapshot than the plan it follows: it may raise that plan, not undo it. */
function atLeastBefore(input: PoolInput, of: { readonly group: GroupFacts; readonly nodes: number }): number {
  const before = input.previous?.nodeGroups[of.group.name];
  if (input.kind === 'full' || before === undefined || of.group.policy.spec.mode === 'paused') return of.nodes;
  const most = Math.max(of.group.policy.spec.nodes.max, of.group.observed.desired);
  return Math.max(of.nodes, Math.min(before.nodes, most));
}

/** An event sees an older snapshot than the plan before it, and only raises. */
function placeholdersAtLeast(input: PoolInput, { group, placeholders }: GroupParts): number {
  const before = input.previous?.nodeGroups[group.name]?.placeholders ?? 0;
  const wanted = placeholders.get(group.name) ?? 0;
  if (group.policy.spec.mode === 'paused') return group.observed.placeholders ?? 0;
  return input.kind === 'full' ? wanted : Math.max(wanted, before);
}

/** Minimum size that keeps what is needed: every node but those idle for long enough, which the group's own autoscaler may then take. */
function floorOf(input: PoolInput, parts: GroupParts & { readonly ordered: number }): number {
  const { group } = parts;
  const { nodes: limits } = group.policy.spec;
  const mayLower = whyNoNewVictims(input, parts) === null;
  const idle = idleLongEnough(group, { idle: parts.idle, nowMs: input.nowMs }).length;
  const needed = group.observed.desired - (mayLower ? idle : 0) + parts.ordered;
  const least = Math.max(limits.min, group.policy.spec.committedNodes);
  const floor = Math.min(Math.max(least, needed), Math.max(limits.max, group.observed.desired));
  return mayLower ? floor : Math.max(floor, input.previous?.nodeGroups[group.name]?.nodes ?? 0);
}

function becauseOf(
  input: PoolInput,
  of: GroupParts & {
    readonly nodes: number;
    readonly ordered: number;
    readonly victims: readonly string[];
    readonly ghosts: readonly string[];
    readonly undelivered: number;
  },
): string | null {
  const { name, observed, policy } = of.group;
  if (of.nodes === observed.desired)
    return of.supply.isDegraded ? `${name}: nothing is freed while too many nodes are not Ready` : null;
  if (of.ordered > 0) {
    const where = (observed.warm ?? 0) >= of.ordered ? 'warm' : 'cold';
    const takes = nodeLeadText(of.group.watch?.lead, { policy, where });
    return `${name}: ${count(of.ordered, 'more node')} ${purposeOf(of)}; ${takes}`;
  }
  const moving = (of.moves.get(name) ?? []).find((node) => of.victims.includes(node.name));
  if (moving !== undefined)
    return `${name}: ${moving.name} is freed, because its pods fit elsewhere and it costs more than what that costs`;
  if (of.victims.length > 0) {
    const idleMs = Math.max(...of.victims.map((node) => input.nowMs - (of.idle[node] ?? input.nowMs)));
    return `${name}: ${of.victims.join(', ')} idle for ${duration(idleMs)}, limit ${duration(policy.spec.scaleDown.idleSec * 1000)}`;
  }
  const [ghost] = of.ghosts;
  if (ghost !== undefined) return `${name}: ${of.ghosts.join(', ')} never became nodes`;
  if (of.undelivered > 0)
    return `${name}: ${count(of.undelivered, 'node')} less asked for: the cloud did not deliver them, and nobody needs them any more`;
  return `${name}: as planned before`;
}

function purposeOf({ supply, group, ordered }: GroupParts & { readonly ordered: number }): string {
  const spare = (supply.bins.new.get(group.name) ?? []).filter((bin) => bin.isSpare === true).length;
  if (spare === 0) return 'for replicas that fit on no node there is';
  return spare === ordered ? 'to stand by' : `for replicas that fit on no node there is, ${spare} of them to stand by`;
}

function spareOf(input: PoolInput, { supply, group }: GroupParts): Pick<NodePlan, 'spare'> {
  const now = supply.watch.get(group.name)?.spare;
  if (now === undefined) return {};
  const from = input.previous?.groupWatch?.[group.name]?.spare?.nodes ?? 0;
  return from === now.nodes ? {} : { spare: { from, to: now.nodes, because: `${group.name}: ${spareText(now)}` } };
}
