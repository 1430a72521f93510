/**
 * How many nodes stand by, learned (`nodes.spare: auto`): as many as the need rises by within the time a node takes, but for the share of times that is not worth it. The newsvendor's
 * quantile at the critical ratio c_under/(c_under + c_over), with the share of times that may meet too little, 1 − ratio, as the workloads of the group have it from their price or risk.
 * Source: Arrow, Harris and Marschak 1951; for pools of instances Intelligent Pooling (Poppe et al. 2022).
 */
import type { PoolInput } from '../decide-types.ts';
import { MISS_RATIO } from '../forecast/miss-ratio.ts';
import { count, duration, figure } from '../format.ts';
import { SNAPSHOT_AGE_MS_MAX } from '../scaling/hold.ts';
import { snapshotAgeMs } from '../snapshot-age.ts';
import type { NodeSpare } from '../types.ts';
import type { GroupFacts } from './groups.ts';
import { nodeLeadSecOf } from './lead.ts';
import type { SparePolicy } from './spare-policy.ts';
import type { Supply } from './supply.ts';

/** Upper ends of the histogram's bins [nodes]: exact where it matters, and as much as a policy may ask for. */
const BIN_NODES = [0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 50, 64, 80, 100] as const;

export const SPARE_BINS = BIN_NODES.length;

/** What was seen is half forgotten after a day: days differ, and yesterday at this hour still counts. */
const HALF_LIFE_SEC = 86_400;
/** The start of the policy is worth so much watching [s]. */
const PRIOR_SEC = 7_200;
/** A lead time is watched in so many slots. */
const SLOTS = 16;
/** Evaluations are seconds apart: shorter slots would be empty [ms]. */
const SLOT_MS_MIN = 10_000;
/** Nobody looked for so long: what the need did meanwhile is not known [ms]. */
const GAP_MS_MAX = 120_000;
/** Fewer stand by only after fewer were enough for so long, by half the share [ms]. */
const LOWER_MS = 3_600_000;
const LOWER_SHARE = 0.5;

/** The memory as of now, and with it the nodes in force. Only a full evaluation on a fresh snapshot, with every load known, teaches or lowers. */
export function spareAfter(
  input: PoolInput,
  of: { readonly supply: Supply; readonly group: GroupFacts; readonly policy: SparePolicy; readonly need: number },
): NodeSpare {
  const { supply, group, policy } = of;
  const nowMs = input.nowMs;
  const before = afterSetBack(group.watch?.spare, nowMs) ?? begun(policy, nowMs);
  const isFresh =
    input.kind === 'full' &&
    snapshotAgeMs(input.snapshot, nowMs) <= SNAPSHOT_AGE_MS_MAX &&
    !supply.isDegraded &&
    !supply.holds.has(group.name) &&
    nowMs > before.seenMs;
  if (!isFresh) return before;
  const { policy: groupPolicy, watch, observed } = group;
  const where = (observed.warm ?? 0) > 0 ? 'warm' : 'cold';
  const leadMs = 1000 * nodeLeadSecOf(watch?.lead, { policySec: groupPolicy.spec.leadTimeSec, where }).p90;
  const seen = watched(before, { nowMs, need: of.need, leadMs });
  const share = missShareOf(input, group.name);
  return { ...seen, ...sized(before, { bins: seen.bins, share, nowMs, max: policy.max }), share, leadMs };
}

/** A clock that was set back by more than this: what was watched last says nothing of now [ms]. */
const SET_BACK_MS = 600_000;

function afterSetBack(before: NodeSpare | undefined, nowMs: number): NodeSpare | undefined {
  if (before === undefined || before.seenMs - nowMs <= SET_BACK_MS) return before;
  return { ...before, seenMs: nowMs - 1, sampledMs: nowMs, slots: [], lowSinceMs: null };
}

function begun(policy: SparePolicy, nowMs: number): NodeSpare {
  const bins = BIN_NODES.map(() => 0);
  bins[binOf(policy.start)] = PRIOR_SEC;
  return {
    seenMs: nowMs - 1,
    sampledMs: nowMs,
    slots: [],
    bins,
    nodes: policy.start,
    lowSinceMs: null,
    share: 0,
    leadMs: 0,
  };
}

function binOf(nodes: number): number {
  const index = BIN_NODES.findIndex((most) => nodes <= most);
  return index === -1 ? BIN_NODES.length - 1 : index;
}

type Seen = Pick<NodeSpare, 'seenMs' | 'sampledMs' | 'slots' | 'bins'>;

/** A slot is counted when the lead time after it has passed: by the most that was needed since, less what was needed then. */
function watched(
  before: NodeSpare,
  now: { readonly nowMs: number; readonly need: number; readonly leadMs: number },
): Seen {
  const { nowMs, need, leadMs } = now;
  const slotMs = Math.max(SLOT_MS_MIN, leadMs / SLOTS);
  const known = nowMs - before.seenMs > Math.max(GAP_MS_MAX, 2 * slotMs) ? [] : before.slots;
  const last = known.at(-1);
  const isNew = last === undefined || nowMs - last[0] >= slotMs;
  let slots = isNew
    ? [...known, [nowMs, need, need] as const]
    : [...known.slice(0, -1), [last[0], last[1], Math.max(last[2], need)] as const];
  let { bins, sampledMs } = before;
  for (;;) {
    const [oldest, next] = slots;
    if (oldest === undefined || next === undefined || nowMs - oldest[0] < leadMs) break;
    const surge = Math.max(0, Math.max(...slots.map(([, , most]) => most)) - oldest[1]);
    bins = counted(bins, { bin: binOf(surge), sec: (next[0] - oldest[0]) / 1000, agedMs: nowMs - sampledMs });
    sampledMs = nowMs;
    slots = slots.slice(1);
  }
  return { seenMs: nowMs, sampledMs, slots, bins };
}

function counted(
  bins: readonly number[],
  of: { readonly bin: number; readonly sec: number; readonly agedMs: number },
): readonly number[] {
  const kept = 0.5 ** (Math.max(0, of.agedMs) / 1000 / HALF_LIFE_SEC);
  return bins.map((sec, index) => Math.round((sec * kept + (index === of.bin ? of.sec : 0)) * 10) / 10);
}

/** More at once, fewer only after a while: both against the same histogram, so that it does not flap. */
function sized(
  before: NodeSpare,
  now: { readonly bins: readonly number[]; readonly share: number; readonly nowMs: number; readonly max: number },
): Pick<NodeSpare, 'nodes' | 'lowSinceMs'> {
  const { bins, share, nowMs, max } = now;
  const most = Math.min(before.nodes, max);
  const up = Math.min(max, leastFor(bins, share));
  if (up > most) return { nodes: up, lowSinceMs: null };
  const down = leastFor(bins, share * LOWER_SHARE);
  if (down >= most) return { nodes: most, lowSinceMs: null };
  const lowSinceMs = before.lowSinceMs ?? nowMs;
  return nowMs - lowSinceMs < LOWER_MS ? { nodes: most, lowSinceMs } : { nodes: down, lowSinceMs: null };
}

/** The least number of nodes that the need rose by more than in at most this share of the times. */
function leastFor(bins: readonly number[], share: number): number {
  const limit = share * bins.reduce((sum, sec) => sum + sec, 0);
  let above = 0;
  for (let index = bins.length - 1; index > 0; index--) {
    above += bins[index] ?? 0;
    if (above > limit) return BIN_NODES[index] ?? 0;
  }
  return 0;
}

/** The share of times that may meet too little: the smallest of the workloads that may run there, as they have it in force from price, risk and what became of it. */
function missShareOf(input: PoolInput, group: string): number {
  const shares = input.workloads
    .filter(({ policy }) => policy.spec.nodeGroups.includes(group))
    .map(({ policy, outcome }) => outcome.control.forecast?.missRatio ?? MISS_RATIO[policy.spec.risk].begin);
  return shares.length === 0 ? MISS_RATIO.cheap.begin : Math.min(...shares);
}

/** Why so many stand by, in a clause. */
export function spareText({ nodes, bins, share, leadMs }: NodeSpare): string {
  const all = bins.reduce((sum, sec) => sum + sec, 0);
  const least = Math.max(1, nodes);
  const above = bins.reduce((sum, sec, index) => sum + ((BIN_NODES[index] ?? 0) >= least ? sec : 0), 0);
  return `${count(nodes, 'node')} standing by: the need rises by ${least} or more within ${duration(leadMs)} in ${percentOf(all === 0 ? 0 : above / all)} of the times, and a node is worth it above ${percentOf(share)}`;
}

/** Three digits of a share that may be small. */
function percentOf(ratio: number): string {
  return `${figure(100 * ratio)} %`;
}
