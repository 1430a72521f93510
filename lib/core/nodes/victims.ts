/** Which nodes to free, by name: never "one fewer", which would let the cloud choose. */
import type { PoolInput } from '../decide-types.ts';
import { SNAPSHOT_AGE_MS_MAX } from '../scaling/hold.ts';
import { snapshotAgeMs } from '../snapshot-age.ts';
import type { NodeObservation, PlannedNodeGroup } from '../types.ts';
import type { GroupFacts } from './groups.ts';
import { idleLongEnough, isEmpty, neededNodes } from './idle.ts';
import type { IdleNodes } from './idle.ts';
import type { Supply } from './supply.ts';
import { lostNodes } from './watch.ts';

/** How EKS calls instances that never became nodes. */
const NEVER_JOINED = 'NodeCreationFailure';

/** Nodes in use that are to be freed, by group; one at a time in the whole pool. */
export type Moves = ReadonlyMap<string, readonly NodeObservation[]>;

export type Victims = PlannedNodeGroup['victims'];

/**
 * Idle nodes whose time is up, then a node in use whose pods move elsewhere; longest idle first, at most `scaleDown.parallel` at once, leaving `nodes.min` and `committedNodes`. Those already
 * being freed stay named until they are gone, as long as they are empty and nobody needs them. A leading evaluation names no new ones.
 */
export function victimsOf(
  input: PoolInput,
  of: { readonly group: GroupFacts; readonly supply: Supply; readonly idle: IdleNodes; readonly moves: Moves },
): Victims {
  const { group } = of;
  const { spec } = group.policy;
  const needed = neededNodes(of.supply, group.name);
  const begun = new Set(input.previous?.nodeGroups[group.name]?.victims.map((victim) => victim.nodeName));
  const moving = of.moves.get(group.name) ?? [];
  const going = group.observed.nodes.filter(
    (node) => begun.has(node.name) && !needed.has(node.name) && (isEmpty(node) || moving.includes(node)),
  );
  const mayName = whyNoNewVictims(input, of) === null;
  const fresh = mayName
    ? idleLongEnough(group, { idle: of.idle, nowMs: input.nowMs }).filter(
        (node) => node.schedulable && !begun.has(node.name),
      )
    : [];
  const keep = Math.max(spec.nodes.min, spec.committedNodes);
  const spare = Math.max(0, Math.min(group.observed.desired, group.observed.nodes.length) - keep);
  const busy = mayName ? moving.filter((node) => !begun.has(node.name)) : [];
  return [...going, ...fresh, ...busy].slice(0, Math.min(spec.scaleDown.parallel, spare)).flatMap(victimOf);
}

function victimOf(node: NodeObservation): Victims {
  return node.instanceId === null ? [] : [{ nodeName: node.name, instanceId: node.instanceId }];
}

/**
 * Instances that the cloud says never joined, and that the cluster does not know: two witnesses. No more than are missing for too long; a leading
 * evaluation names none.
 */
export function ghostsOf(input: PoolInput, { group }: { readonly group: GroupFacts }): readonly string[] {
  if (input.kind === 'leading' || snapshotAgeMs(input.snapshot, input.nowMs) > SNAPSHOT_AGE_MS_MAX) return [];
  if (group.policy.spec.mode === 'paused' || group.policy.spec.ownership !== 'own') return [];
  const lost = lostNodes(group.watch, { nowMs: input.nowMs, startMsMax: group.startMsMax });
  const joined = new Set(group.observed.nodes.map((node) => node.instanceId));
  const named = group.observed.issues
    .filter((issue) => issue.code === NEVER_JOINED)
    .flatMap((issue) => issue.resourceIds ?? [])
    .filter((id) => id.startsWith('i-') && !joined.has(id));
  return [...new Set(named)].slice(0, lost);
}

/** Why this group must not begin to shrink now; null when it may. */
export function whyNoNewVictims(
  input: PoolInput,
  { group, supply }: { readonly group: GroupFacts; readonly supply: Supply },
): string | null {
  if (input.kind === 'leading') return 'an event only raises';
  if (snapshotAgeMs(input.snapshot, input.nowMs) > SNAPSHOT_AGE_MS_MAX) return 'the snapshot is old';
  if (group.policy.spec.mode === 'paused') return `${group.name} is paused`;
  if (group.observed.status !== 'active') return `${group.name} is ${group.observed.status}`;
  if (supply.isDegraded) return 'too many nodes are not Ready';
  return supply.holds.get(group.name) ?? null;
}
