/** Nodes that were asked for in a stock-out, were never delivered, and that nobody needs any more: desired may be lowered by them, and by nothing else. */
import type { PoolInput } from '../decide-types.ts';
import { SNAPSHOT_AGE_MS_MAX } from '../scaling/hold.ts';
import { snapshotAgeMs } from '../snapshot-age.ts';
import type { GroupFacts } from './groups.ts';
import { spareWanted } from './spare-policy.ts';
import type { Supply } from './supply.ts';

/** So many stay asked for: the cloud's own next attempt tells when the shortage is over, and one that comes between a look and a write does no harm. */
const PROBES = 1;

/** No plan for so long: what happened meanwhile is not known, and the time starts again [ms]. */
const PLAN_GAP_MS_MAX = 120_000;

/**
 * How many, once they have not been needed for `scaleDown.idleSec` like an idle node; the time is carried on in `supply.watch`. Needed they are while any workload that may run
 * there has not all wanted replicas ready, or while nodes shall stand by.
 */
export function undeliveredOf(
  input: PoolInput,
  { supply, group }: { readonly supply: Supply; readonly group: GroupFacts },
): number {
  const { policy, name } = group;
  const { undeliveredSinceMs: since, ...watch } = supply.watch.get(name) ?? {};
  const gone = surplusOf(input, { supply, group });
  const sinceMs = input.kind === 'leading' ? since : gone === 0 ? undefined : carried(input, since);
  if (sinceMs !== undefined) supply.watch.set(name, { ...watch, undeliveredSinceMs: sinceMs });
  else if (Object.keys(watch).length > 0) supply.watch.set(name, watch);
  else supply.watch.delete(name);
  if (input.kind === 'leading' || sinceMs === undefined) return 0;
  return input.nowMs - sinceMs >= policy.spec.scaleDown.idleSec * 1000 ? gone : 0;
}

function carried({ previous, nowMs }: PoolInput, since: number | undefined): number {
  if (since === undefined || previous === undefined || Math.abs(nowMs - previous.atMs) > PLAN_GAP_MS_MAX) return nowMs;
  return since;
}

function surplusOf(input: PoolInput, of: { readonly supply: Supply; readonly group: GroupFacts }): number {
  const { observed, policy, name, watch } = of.group;
  const { mode, ownership, nodes, committedNodes } = policy.spec;
  const inShortage = input.nodeGroups.some((one) => one.policy.metadata.name === name && one.backoffCause !== null);
  if (!inShortage || mode !== 'act' || ownership !== 'own') return 0;
  if (snapshotAgeMs(input.snapshot, input.nowMs) > SNAPSHOT_AGE_MS_MAX) return 0;
  if (of.supply.isDegraded || of.supply.holds.has(name) || isNeeded(input, of)) return 0;
  const missing = observed.desired - observed.nodes.length;
  const standing = [...(of.supply.bins.free.get(name) ?? [])].filter((bin) => bin.isSpare === true).length;
  const spare = Math.max(0, spareWanted(policy, watch?.spare) - standing);
  const keep = Math.max(nodes.min, committedNodes);
  return Math.max(0, Math.min(missing - Math.max(PROBES, spare), observed.desired - keep));
}

/** Somebody waits for nodes: of this group, or of another that takes its place. */
function isNeeded(
  input: PoolInput,
  { supply, group }: { readonly supply: Supply; readonly group: GroupFacts },
): boolean {
  const users = input.workloads.filter(({ policy }) => policy.spec.nodeGroups.includes(group.name));
  const bins = [supply.bins.pending, supply.bins.new].flatMap((by) => by.get(group.name) ?? []);
  return (
    bins.some((bin) => bin.used && bin.isSpare !== true) ||
    users.some(({ target, outcome }) => target.kind === 'missing' || target.ready < outcome.wanted)
  );
}
