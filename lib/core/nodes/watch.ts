/** Nodes that were asked for and are of no use: instances that never join, nodes that join without GPUs. What only time tells, carried from plan to plan. */
import type { PoolInput, PoolNodeGroup } from '../decide-types.ts';
import { count } from '../format.ts';
import type { NodeGroupPolicy } from '../policy.ts';
import { SNAPSHOT_AGE_MS_MAX } from '../scaling/hold.ts';
import { snapshotAgeMs } from '../snapshot-age.ts';
import type { GroupWatch, NodeObservation } from '../types.ts';
import { groupBackoffMs } from './backoff.ts';
import { total } from './gpus.ts';
import { nodeLeadAfter, nodeStartMsMax } from './lead.ts';
import { sparePolicyOf } from './spare-policy.ts';

/** Ages of missing nodes that are told apart: nodes asked for later than that count with the youngest. */
const COHORTS_MAX = 8;

/** Every observed group's watch; groups that are not observed keep theirs. */
export function watchGroups(input: PoolInput): Map<string, GroupWatch> {
  return new Map(
    input.nodeGroups.flatMap((group) => {
      const { name } = group.policy.metadata;
      const before = input.previous?.groupWatch?.[name];
      // An event sees an older snapshot than the plan before it; in an old one nodes that came are missing.
      const isRecent = snapshotAgeMs(input.snapshot, input.nowMs) <= SNAPSHOT_AGE_MS_MAX;
      const isFresh = input.kind === 'full' && isRecent && group.observed.kind === 'observed';
      const watch = isFresh ? watchGroup(input, { group, before }) : before;
      return watch === undefined ? [] : [[name, watch] as const];
    }),
  );
}

/** Asked for, missing for too long, and no longer believed in [nodes]. `startMsMax`: how long a start of the group may take. */
export function lostNodes(
  watch: GroupWatch | undefined,
  of: { readonly nowMs: number; readonly startMsMax: number },
): number {
  return (watch?.missing ?? [])
    .filter(({ sinceMs }) => of.nowMs - sinceMs > of.startMsMax)
    .reduce((sum, { nodes }) => sum + nodes, 0);
}

/** How long a start of the group may take [ms]. */
export function startMsMaxOf({ spec }: NodeGroupPolicy, watch: GroupWatch | undefined): number {
  return nodeStartMsMax(watch?.lead, spec.leadTimeSec);
}

/** Ready for long, and still without GPUs. */
function isWithoutGpus(node: NodeObservation, of: { readonly nowMs: number; readonly startMsMax: number }): boolean {
  return node.ready && total(node.gpusAllocatable) === 0 && of.nowMs - node.createdMs > of.startMsMax;
}

type Of = { readonly group: PoolNodeGroup; readonly before: GroupWatch | undefined };

/** A clock was ahead by more than this: what it saw must not stand in the way until time has caught up [ms]. */
const AHEAD_MS_MAX = 120_000;

/** Without what is of a time to come. */
function ofThePast(watch: GroupWatch | undefined, nowMs: number): GroupWatch | undefined {
  const latestMs = Math.max(watch?.trouble?.sinceMs ?? 0, ...(watch?.missing ?? []).map(({ sinceMs }) => sinceMs));
  if (watch === undefined || latestMs <= nowMs + AHEAD_MS_MAX) return watch;
  const { missing: _missing, trouble: _trouble, ...others } = watch;
  return others;
}

function watchGroup(input: PoolInput, { group, ...of }: Of): GroupWatch | undefined {
  const { observed } = group;
  if (observed.kind === 'missing') return of.before;
  const { nowMs } = input;
  const before = ofThePast(of.before, nowMs);
  // While launches fail nothing is on its way, so nothing can be late.
  const isLaunching = nowMs >= group.backoffUntilMs;
  const missingNodes = isLaunching ? Math.max(0, observed.desired - observed.nodes.length) : 0;
  const missing = cohorts(before?.missing ?? [], { nodes: missingNodes, nowMs });
  const lead = nodeLeadAfter(input, { group, before: before?.lead });
  const late = { nowMs, startMsMax: nodeStartMsMax(lead, group.policy.spec.leadTimeSec) };
  const lost = lostNodes({ missing }, late);
  const blind = observed.nodes.filter((node) => isWithoutGpus(node, late)).length;
  const trouble = troubleNow(input, { group, before, lost, blind });
  const { warm = 0 } = observed;
  const watch: GroupWatch = {
    ...(missing.length === 0 ? {} : { missing }),
    ...(trouble === undefined ? {} : { trouble }),
    ...(lead === undefined ? {} : { lead }),
    ...(warm === 0 ? {} : { warm }),
    ...(before?.spare === undefined || sparePolicyOf(group.policy)?.isAuto !== true ? {} : { spare: before.spare }),
    ...(before?.undeliveredSinceMs === undefined ? {} : { undeliveredSinceMs: before.undeliveredSinceMs }),
  };
  return Object.keys(watch).length === 0 ? undefined : watch;
}

/** Those asked for first arrive first; so that one which never comes is the last that is left. */
function cohorts(
  before: NonNullable<GroupWatch['missing']>,
  now: { readonly nodes: number; readonly nowMs: number },
): NonNullable<GroupWatch['missing']> {
  const known = before.reduce((sum, { nodes }) => sum + nodes, 0);
  const more = now.nodes - known;
  if (more > 0) {
    const last = before.at(-1);
    if (before.length < COHORTS_MAX || last === undefined) return [...before, { sinceMs: now.nowMs, nodes: more }];
    return [...before.slice(0, -1), { sinceMs: now.nowMs, nodes: last.nodes + more }];
  }
  let arrived = -more;
  return before.flatMap((cohort) => {
    const gone = Math.min(arrived, cohort.nodes);
    arrived -= gone;
    return cohort.nodes === gone ? [] : [{ ...cohort, nodes: cohort.nodes - gone }];
  });
}

/** A new bad node is another failed attempt; the memory of it lasts until a good node has come. */
function troubleNow(
  { nowMs }: PoolInput,
  of: Of & { readonly lost: number; readonly blind: number },
): GroupWatch['trouble'] {
  const { name } = of.group.policy.metadata;
  const before = of.before?.trouble;
  const bad = of.lost + of.blind;
  if (before !== undefined && hasRecovered(of.group, before.sinceMs)) return bad === 0 ? undefined : { ...before, bad };
  if (bad <= (before?.bad ?? 0)) return before === undefined ? undefined : { ...before, bad };
  const attempts = (before?.attempts ?? 0) + 1;
  const kind = of.blind > 0 ? 'withoutGpus' : 'neverJoins';
  const cause =
    kind === 'withoutGpus'
      ? `${count(of.blind, 'node')} joined without GPUs`
      : `${count(of.lost, 'node')} never joined`;
  return { kind, bad, cause, attempts, sinceMs: nowMs, untilMs: nowMs + groupBackoffMs(name, attempts) };
}

/** A node that is younger than the trouble and offers GPUs. */
function hasRecovered({ observed }: PoolNodeGroup, sinceMs: number): boolean {
  if (observed.kind === 'missing') return false;
  return observed.nodes.some((node) => node.ready && node.createdMs > sinceMs && total(node.gpusAllocatable) > 0);
}
