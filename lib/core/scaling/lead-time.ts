/**
 * Lead times learned: how long this workload's pods took from asked for to ready. What the policy says is the start; what happened replaces it.
 * Pods that were there before anybody looked teach nothing, nor do those of a rollout (another version may start faster, slower or never) or those that go before they are ready.
 */
import type { WorkloadControl, WorkloadInput } from '../decide-types.ts';
import { countedStarts, keptStarts, quantilesOf, tookSec } from './lead-quantiles.ts';
import type { LeadTimeSec, Start } from './lead-quantiles.ts';
import { replicaShapeOf, replicasAsPods } from '../nodes/replica-pods.ts';
import type { PodObservation, Snapshot } from '../types.ts';

/** A pod that is not ready yet: name, created [epoch ms], 1 when it was seen without a node. */
export type WaitingPod = readonly [name: string, createdMs: number, withoutNode: 0 | 1];

export type LeadTimeState = {
  /** The newest observation learned from [epoch ms]. */
  readonly seenMs: number;
  readonly waiting: readonly WaitingPod[];
  /** Oldest first. */
  readonly starts: readonly Start[];
  /** The policy's lead time as of then [s]: another one starts the figures in force anew. */
  readonly policySec: number;
  /** In force: they follow what was measured only when it differs by more than a tenth. */
  readonly inForce: LeadTimeSec;
};

/** Where nodes come from and how old they are, by node name. */
export type NodeBirths = Readonly<Record<string, { readonly group: string; readonly createdMs: number }>>;

/** Of the nodes of a snapshot. Made once per evaluation of a pool. */
export function nodeBirthsOf({ nodeGroups }: Snapshot): NodeBirths {
  const births = Object.entries(nodeGroups).flatMap(([group, observed]) =>
    observed.kind === 'missing'
      ? []
      : observed.nodes.map(({ name, createdMs }) => [name, { group, createdMs }] as const),
  );
  return Object.fromEntries(births);
}

/** Pods watched at once: a fleet that grows by hundreds is told from a few dozen of them. */
const WAITING_MAX = 32;
/** A pod that is not ready after eight lead times failed, or waits for GPUs that nobody has: neither is a lead time. */
const FAILED_AFTER = 8;
/** Creation times are whole seconds: a pod may look so much older than it is [ms]. */
const CREATED_PRECISION_MS = 1000;
/** Figures in force move only by more than this, so that a horizon does not tremble with every start. */
const MOVE_RATIO_MIN = 0.1;
/** A clock that was set back by more than this: what was watched is told from nothing [ms]. */
const SET_BACK_MS = 600_000;

/** The memory as of now. Only full evaluations teach: they bring a fresh snapshot. */
export function leadTimesAfter(input: WorkloadInput): LeadTimeState | undefined {
  const before = input.control?.leadTimes;
  const { target } = input;
  if (input.kind !== 'full' || target.kind === 'missing') return before;
  // A pod that is seen Ready was so before it was looked at, whatever else may be missing.
  const seenMs = input.nowMs - (input.lookAgeMs ?? input.snapshotAgeMs);
  const policySec = input.policy.spec.leadTimeSec;
  if (before === undefined) {
    return { seenMs, waiting: [], starts: [], policySec, inForce: { p50: policySec, p90: policySec } };
  }
  if (seenMs <= before.seenMs) {
    return before.seenMs - seenMs > SET_BACK_MS ? { ...before, seenMs, waiting: [] } : before;
  }
  if (target.rolloutInProgress) return { ...before, seenMs, waiting: [] };
  const nodes = input.nodes ?? {};
  const { waiting, news } = watched(before, { pods: startsOf(input, nodes), seenMs, nodes });
  const starts = news.length === 0 ? before.starts : keptStarts(before.starts, news);
  const isQuiet = news.length === 0 && waiting.length === 0 && before.waiting.length === 0;
  const inForce =
    isQuiet && policySec === before.policySec
      ? before.inForce
      : inForceAfter(before, { starts, policySec, agesSec: waiting.map(([, atMs]) => (seenMs - atMs) / 1000) });
  return { seenMs, waiting, starts, policySec, inForce };
}

/** What starts: pods, or replicas of several, which are ready with their last pod and wait for their youngest node. */
function startsOf({ policy, target }: WorkloadInput, nodes: NodeBirths): readonly PodObservation[] {
  if (target.kind === 'missing') return [];
  const { pods: podsPerReplica } = replicaShapeOf({ policy, target });
  const bornMs = ({ nodeName }: PodObservation): number => nodes[nodeName ?? '']?.createdMs ?? 0;
  const nodeOf = (pods: readonly PodObservation[]): string | null =>
    pods.toSorted((a, b) => bornMs(b) - bornMs(a))[0]?.nodeName ?? null;
  return replicasAsPods(target.pods, { podsPerReplica, nodeOf });
}

/** What of the pods became ready since the last observation, and what is still awaited. */
function watched(
  before: LeadTimeState,
  now: { readonly pods: readonly PodObservation[]; readonly seenMs: number; readonly nodes: NodeBirths },
): { readonly waiting: readonly WaitingPod[]; readonly news: readonly Start[] } {
  const waiting: WaitingPod[] = [];
  const took: { readonly sec: number; readonly where: string }[] = [];
  const failedMs = FAILED_AFTER * Math.max(before.policySec, before.inForce.p90) * 1000;
  for (const pod of now.pods) {
    const sinceMs = before.seenMs - (pod.ready ? 0 : CREATED_PRECISION_MS);
    const known = before.waiting.length === 0 ? undefined : before.waiting.find(([name]) => name === pod.name);
    if (pod.terminating || (known === undefined && pod.createdMs <= sinceMs)) continue;
    const withoutNode = pod.unschedulable || (!pod.ready && pod.nodeName === null) || known?.[2] === 1 ? 1 : 0;
    if (pod.ready) {
      const sec = secOf(before, { pod, isKnown: known !== undefined, seenMs: now.seenMs });
      if (sec !== null) took.push({ sec, where: whereOf(pod, { withoutNode: withoutNode === 1, nodes: now.nodes }) });
    } else if (waiting.length < WAITING_MAX && now.seenMs - pod.createdMs <= failedMs) {
      waiting.push([pod.name, pod.createdMs, withoutNode]);
    }
  }
  return { waiting, news: took.length === 0 ? [] : countedStarts(took) };
}

/** Known only between two observations. */
function secOf(
  before: LeadTimeState,
  of: { readonly pod: PodObservation; readonly isKnown: boolean; readonly seenMs: number },
): number | null {
  const mostMs = Math.max(0, of.seenMs - of.pod.createdMs);
  const leastMs = of.isKnown ? Math.max(0, before.seenMs - of.pod.createdMs) : 0;
  return tookSec({ leastMs, mostMs, usualSec: before.inForce.p50 });
}

/** `pod`: on a node that was there; `node`: a node had to come first. With the node group behind a slash where it is known. */
function whereOf(pod: PodObservation, of: { readonly withoutNode: boolean; readonly nodes: NodeBirths }): string {
  const node = pod.nodeName === null ? undefined : of.nodes[pod.nodeName];
  if (node === undefined) return of.withoutNode ? 'node' : 'pod';
  return `${node.createdMs > pod.createdMs ? 'node' : 'pod'}/${node.group}`;
}

function inForceAfter(
  before: LeadTimeState,
  now: { readonly starts: readonly Start[]; readonly policySec: number; readonly agesSec: readonly number[] },
): LeadTimeSec {
  const measured = quantilesOf(now);
  if (now.policySec !== before.policySec) return measured;
  const p50 = moved(before.inForce.p50, measured.p50);
  return { p50, p90: Math.max(p50, moved(before.inForce.p90, measured.p90)) };
}

function moved(from: number, to: number): number {
  return Math.abs(to - from) > MOVE_RATIO_MIN * from ? to : from;
}

/** Lead times in force [s]: the policy's until something else was measured. `where` asks for starts on nodes that were there (`pod`) or had to come (`node`), of a group where given. */
export function leadTimeSecOf(
  control: Pick<WorkloadControl, 'leadTimes'> | undefined,
  of: { readonly policySec: number; readonly where?: string },
): LeadTimeSec {
  const state = control?.leadTimes;
  if (state === undefined || state.policySec !== of.policySec) return { p50: of.policySec, p90: of.policySec };
  const { where } = of;
  if (where === undefined) return state.inForce;
  const starts = state.starts.filter(([, , at]) => at === where || at.startsWith(`${where}/`));
  return quantilesOf({ starts, policySec: of.policySec, agesSec: [] });
}

/** The input with the learned lead time (p90) in the policy's place: every rule that looks ahead or waits for a replica to come back uses it. */
export function withLeadTime(input: WorkloadInput, leadTimes: LeadTimeState | undefined): WorkloadInput {
  const { policy } = input;
  const learned = leadTimes === undefined ? {} : { leadTimes };
  const { p90 } = leadTimeSecOf(learned, { policySec: policy.spec.leadTimeSec });
  if (p90 === policy.spec.leadTimeSec) return input;
  return { ...input, policy: { ...policy, spec: { ...policy.spec, leadTimeSec: p90 } } };
}
