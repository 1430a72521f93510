/**
 * Lead times of a node group, learned: from asked for to Ready with GPUs. The policy's figure is the start; what happened replaces it. Instances that waited in a warm
 * pool when they were asked for are told apart. What was asked for before anybody looked, what somebody else's loss brought about, and what had to wait for capacity
 * teaches nothing.
 */
import type { PoolInput, PoolNodeGroup } from '../decide-types.ts';
import { duration } from '../format.ts';
import { countedStarts, keptStarts, quantilesOf, tookSec } from '../scaling/lead-quantiles.ts';
import type { LeadTimeSec } from '../scaling/lead-quantiles.ts';
import type { NodeGroupPolicy } from '../policy.ts';
import type { NodeLead, NodeObservation } from '../types.ts';
import { total } from './gpus.ts';

type Awaited = NodeLead['awaited'][number];
type Where = Awaited[2];

/** Times of asking that are told apart: nodes asked for later count with the youngest. */
const COHORTS_MAX = 8;

/** A node that is not Ready with GPUs by then is not coming [ms], until the group has shown that its nodes take longer, or surely less. Source: the provisioning timeout of Cluster Autoscaler, 15 min. */
const NODE_START_MS_MAX = 900_000;
/** Nothing is given up sooner: image pulls and drivers have bad days [ms]. */
const START_MS_LEAST = 300_000;
/** A start that takes so many times what nine tenths take is no start. */
const LATE_RATIO = 3;
/** As many starts as it takes to give nodes up sooner than by the general rule. */
const SURE_STARTS = 24;
/** As a policy may say it [ms]. */
const START_MS_MOST = 7_200_000;

/** A clock that was set back by more than this: what is awaited teaches nothing [ms]. */
const SET_BACK_MS = 600_000;

/** Figures in force move only by more than this. */
const MOVE_RATIO_MIN = 0.1;

/** Unknown when it was asked for, or not told by it how long a start takes. */
const UNKNOWN_MS = 0;

/** The memory as of a full observation; undefined while there is nothing to remember. */
export function nodeLeadAfter(
  input: PoolInput,
  of: { readonly group: PoolNodeGroup; readonly before: NodeLead | undefined },
): NodeLead | undefined {
  const { group, before } = of;
  const { observed } = group;
  const seenMs = input.snapshot.atMs;
  if (observed.kind === 'missing') return before;
  if (before !== undefined && seenMs <= before.seenMs) {
    return before.seenMs - seenMs > SET_BACK_MS ? { ...before, seenMs, awaited: before.awaited.map(untaught) } : before;
  }
  const policySec = group.policy.spec.leadTimeSec;
  const usable = observed.nodes.filter(isUsable).length;
  const missing = Math.max(0, observed.desired - usable);
  const known = sumOf(before?.awaited ?? []);
  const isLaunching = input.nowMs >= group.backoffUntilMs;
  const asked = isLaunching ? (before?.awaited ?? []) : (before?.awaited ?? []).map(untaught);
  if (missing === 0 && known === 0 && before === undefined) return undefined;
  if (missing >= known) {
    const awaited = [...asked, ...askedNow(input, { group, nodes: missing - known, isLaunching })].reduce(merged, []);
    return { ...emptyLead(before, policySec), seenMs, awaited };
  }
  const fallen = Math.max(
    0,
    (input.previous?.nodeGroups[group.policy.metadata.name]?.observed?.desired ?? 0) - observed.desired,
  );
  return arrived(before, { awaited: asked, nodes: known - missing, fallen, seenMs, policySec });
}

function emptyLead(before: NodeLead | undefined, policySec: number): NodeLead {
  return before ?? { seenMs: 0, awaited: [], starts: [], policySec };
}

/** Ready, and its GPUs are there. */
function isUsable(node: NodeObservation): boolean {
  return node.ready && total(node.gpusAllocatable) > 0;
}

function sumOf(awaited: readonly Awaited[]): number {
  return awaited.reduce((sum, [, nodes]) => sum + nodes, 0);
}

function untaught([, nodes, where]: Awaited): Awaited {
  return [UNKNOWN_MS, nodes, where];
}

/** What is missing since this observation: asked for by the plan before it, or by nobody we know. The pool gives what it has first. */
function askedNow(
  input: PoolInput,
  of: { readonly group: PoolNodeGroup; readonly nodes: number; readonly isLaunching: boolean },
): readonly Awaited[] {
  if (of.nodes === 0) return [];
  const { observed, policy } = of.group;
  const before = input.previous?.nodeGroups[policy.metadata.name]?.observed ?? null;
  if (observed.kind === 'missing') return [];
  const raised = before === null || !of.isLaunching ? 0 : Math.max(0, observed.desired - before.desired);
  const taught = Math.min(raised, of.nodes);
  const warm = Math.min(taught, input.previous?.groupWatch?.[policy.metadata.name]?.warm ?? 0);
  const askedMs = Math.min(input.previous?.atMs ?? input.nowMs, input.snapshot.atMs);
  const cohorts: readonly Awaited[] = [
    [UNKNOWN_MS, of.nodes - taught, 'cold'],
    [askedMs, warm, 'warm'],
    [askedMs, taught - warm, 'cold'],
  ];
  return cohorts.filter(([, nodes]) => nodes > 0);
}

/** Bounded: what is too much goes with the youngest, and teaches nothing if that does not. */
function merged(awaited: readonly Awaited[], next: Awaited): readonly Awaited[] {
  const last = awaited.at(-1);
  if (last !== undefined && last[0] === next[0] && last[2] === next[2])
    return [...awaited.slice(0, -1), joined(last, next)];
  if (awaited.length < COHORTS_MAX || last === undefined) return [...awaited, next];
  return [...awaited.slice(0, -1), joined(last, next)];
}

function joined([askedMs, nodes, where]: Awaited, next: Awaited): Awaited {
  return [next[0] === UNKNOWN_MS ? UNKNOWN_MS : askedMs, nodes + next[1], where];
}

type Arrival = {
  readonly awaited: readonly Awaited[];
  /** Fewer are missing than before. */
  readonly nodes: number;
  /** So many of them because fewer are asked for. */
  readonly fallen: number;
  readonly seenMs: number;
  readonly policySec: number;
};

function arrived(before: NodeLead | undefined, now: Arrival): NodeLead {
  const memory = emptyLead(before, now.policySec);
  const startMsMax = nodeStartMsMax(before, now.policySec);
  let { awaited } = now;
  const took: { readonly sec: number; readonly where: Where }[] = [];
  for (let left = now.nodes; left > 0; left--) {
    const cohort = nextToArrive(awaited, { memory, ...now, startMsMax });
    if (cohort === undefined) break;
    awaited = awaited.flatMap((one) =>
      one !== cohort ? [one] : one[1] > 1 ? [[one[0], one[1] - 1, one[2]] as const] : [],
    );
    // Of those that are no longer asked for nobody knows which they were, nor who came where somebody else's loss was made good.
    if (left <= now.fallen || awaited.some(([askedMs]) => askedMs === UNKNOWN_MS)) continue;
    const sec = secOf(cohort, { memory, ...now, startMsMax });
    if (sec !== null) took.push({ sec, where: cohort[2] });
  }
  const news = (['cold', 'warm'] as const).flatMap((where) => countedStarts(took.filter((one) => one.where === where)));
  const starts = news.length === 0 ? memory.starts : keptStarts(memory.starts, news);
  return { ...memory, seenMs: now.seenMs, awaited, starts, ...inForce({ ...memory, starts }, now.policySec) };
}

type Known = Arrival & { readonly memory: NodeLead; readonly startMsMax: number };

/** The one whose time has come first; what is overdue comes last, as a node that never joins does. */
function nextToArrive(awaited: readonly Awaited[], known: Known): Awaited | undefined {
  const dueMs = ([askedMs, , where]: Awaited): number => {
    if (askedMs === UNKNOWN_MS || known.seenMs - askedMs > known.startMsMax) return Infinity;
    return askedMs + nodeLeadSecOf(known.memory, { policySec: known.policySec, where }).p50 * 1000;
  };
  return awaited.toSorted((a, b) => compared(dueMs(a), dueMs(b)))[0];
}

function compared(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** What was given up sooner than by the general rule and came all the same teaches, too: else nodes that have become slower would be given up for good. */
function secOf([askedMs, , where]: Awaited, known: Known): number | null {
  if (askedMs === UNKNOWN_MS || known.seenMs - askedMs > Math.max(NODE_START_MS_MAX, known.startMsMax)) return null;
  const usualSec = nodeLeadSecOf(known.memory, { policySec: known.policySec, where }).p50;
  const leastMs = Math.max(0, known.memory.seenMs - askedMs);
  return tookSec({ leastMs, mostMs: known.seenMs - askedMs, usualSec });
}

/** Figures follow what was measured only when it differs by more than a tenth. */
function inForce(memory: NodeLead, policySec: number): Pick<NodeLead, 'cold' | 'warm' | 'policySec'> {
  const of = (where: Where, before: LeadTimeSec | undefined): LeadTimeSec | undefined => {
    const starts = memory.starts.filter(([, , at]) => at === where);
    if (starts.length === 0) return undefined;
    const measured = quantilesOf({ starts, policySec, agesSec: [] });
    if (before === undefined || memory.policySec !== policySec) return measured;
    const p50 = moved(before.p50, measured.p50);
    return { p50, p90: Math.max(p50, moved(before.p90, measured.p90)) };
  };
  const cold = of('cold', memory.cold);
  const warm = of('warm', memory.warm);
  return { policySec, ...(cold === undefined ? {} : { cold }), ...(warm === undefined ? {} : { warm }) };
}

function moved(from: number, to: number): number {
  return Math.abs(to - from) > MOVE_RATIO_MIN * from ? to : from;
}

/** Lead times in force [s]: the policy's until starts were seen. Of the warm pool: those of cold starts until warm ones were seen. */
export function nodeLeadSecOf(
  lead: NodeLead | undefined,
  of: { readonly policySec: number; readonly where: Where },
): LeadTimeSec {
  const isKnown = lead !== undefined && lead.policySec === of.policySec;
  const learned = isKnown ? ((of.where === 'warm' ? lead.warm : undefined) ?? lead.cold) : undefined;
  return learned ?? { p50: of.policySec, p90: of.policySec };
}

/** A node that is not Ready with GPUs so long after it was asked for is not coming [ms]: three times what nine tenths of the cold starts take, at least 15 minutes, or 5 once many starts were seen. */
export function nodeStartMsMax(lead: NodeLead | undefined, policySec: number): number {
  const { p90 } = nodeLeadSecOf(lead, { policySec, where: 'cold' });
  const cold = (lead?.starts ?? []).filter(([, , where]) => where === 'cold');
  const isSure = cold.reduce((sum, [, weight]) => sum + weight, 0) >= SURE_STARTS;
  return Math.min(START_MS_MOST, Math.max(isSure ? START_MS_LEAST : NODE_START_MS_MAX, LATE_RATIO * p90 * 1000));
}

/** How long the next node takes, in a clause: `a node takes 72 s, p90 95 s (learned from 9 starts)`. */
export function nodeLeadText(
  lead: NodeLead | undefined,
  of: { readonly policy: NodeGroupPolicy; readonly where: Where },
): string {
  const policySec = of.policy.spec.leadTimeSec;
  const { p50, p90 } = nodeLeadSecOf(lead, { policySec, where: of.where });
  const from = of.where === 'warm' ? 'a node from the warm pool' : 'a node';
  const starts = (lead?.starts ?? []).filter(([, , where]) => where === of.where).length;
  if (starts === 0) {
    const source = lead?.cold === undefined ? "the policy's figure" : 'as a cold one';
    return `${from} takes ${duration(p50 * 1000)} (${source})`;
  }
  const late = p90 === p50 ? '' : `, p90 ${duration(p90 * 1000)}`;
  return `${from} takes ${duration(p50 * 1000)}${late} (learned from ${starts} starts)`;
}
