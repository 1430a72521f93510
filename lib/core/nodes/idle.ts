/** Which nodes nobody needs, and since when. */
import type { PoolInput } from '../decide-types.ts';
import type { NodeObservation } from '../types.ts';
import { SNAPSHOT_AGE_MS_MAX } from '../scaling/hold.ts';
import { snapshotAgeMs } from '../snapshot-age.ts';
import type { GroupFacts } from './groups.ts';
import { total } from './gpus.ts';
import type { Supply } from './supply.ts';

/** No plan for so long: what happened to the nodes meanwhile is not known, and idle time starts again [ms]. */
const PLAN_GAP_MS_MAX = 120_000;

export type IdleNodes = Readonly<Record<string, number>>;

/**
 * Nodes without a pod of their own whose GPUs no wanted replica needs, with the time they were first seen so [epoch ms]. Time spent in an
 * outage (stale snapshot, sick nodes, group not observed, no plan) does not count. A leading evaluation starts no timer.
 */
export function idleNodesOf(input: PoolInput, supply: Supply): IdleNodes {
  if (input.kind === 'full' && (snapshotAgeMs(input.snapshot, input.nowMs) > SNAPSHOT_AGE_MS_MAX || supply.isDegraded))
    return {};
  const since = carriedTimers(input);
  const entries = [...supply.groups.values()].flatMap((group) => {
    const needed = neededNodes(supply, group.name);
    return group.observed.nodes.flatMap((node) => {
      if (!isEmpty(node) || needed.has(node.name)) return [];
      const sinceMs = since[node.name] ?? (input.kind === 'full' ? input.nowMs : undefined);
      return sinceMs === undefined ? [] : [[node.name, sinceMs] as const];
    });
  });
  return Object.fromEntries(entries);
}

function carriedTimers(input: PoolInput): IdleNodes {
  const { previous } = input;
  if (previous === undefined || input.nowMs - previous.atMs > PLAN_GAP_MS_MAX) return {};
  return previous.idleNodes ?? {};
}

/** Nodes that wanted replicas were placed on. */
export function neededNodes(supply: Supply, group: string): ReadonlySet<string> {
  const names = new Set<string>();
  for (const bins of [supply.bins.free.get(group) ?? [], supply.bins.pending.get(group) ?? []])
    for (const { used, nodeName } of bins) if (used && nodeName !== null) names.add(nodeName);
  return names;
}

/** Ready, and without a pod that is neither DaemonSet nor mirror pod. */
export function isEmpty(node: NodeObservation): boolean {
  return node.ready && node.podCount === 0 && total(node.gpusUsed) === 0;
}

/** Idle for as long as the group's policy asks, longest first. */
export function idleLongEnough(
  group: GroupFacts,
  of: { readonly idle: IdleNodes; readonly nowMs: number },
): readonly NodeObservation[] {
  const idleMs = group.policy.spec.scaleDown.idleSec * 1000;
  const sinceOf = (node: NodeObservation): number => of.idle[node.name] ?? Infinity;
  return (
    group.observed.nodes
      // Only empty nodes are idle: most need no look into a record of thousands.
      .filter((node) => node.podCount === 0 && of.nowMs - sinceOf(node) >= idleMs)
      .toSorted((a, b) => sinceOf(a) - sinceOf(b) || (a.name < b.name ? -1 : 1))
  );
}
