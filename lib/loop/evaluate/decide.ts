/** Gathers what the core needs for one pool, and decides each touched workload; the others keep their count. */
import { messageOf } from '../../base/errors.ts';
import { snapshotAgeMs } from '../../core/snapshot-age.ts';
import { EMPTY_CONTROL, carriedOutcome } from '../../core/carried-outcome.ts';
import type {
  EvaluationKind,
  PoolInput,
  PoolNodeGroup,
  PoolWorkload,
  WorkloadControl,
  WorkloadInput,
  WorkloadOutcome,
} from '../../core/decide-types.ts';
import { decideWorkload } from '../../core/decide-workload.ts';
import type { NodeGroupPolicy, ScalingPolicy } from '../../core/policy.ts';
import { CLOCK_APART_MS_MAX } from '../../core/scaling/hold.ts';
import { usdPerReplicaHourOf } from '../../core/scaling/price.ts';
import { nodeBirthsOf } from '../../core/scaling/lead-time.ts';
import type { NodeBirths } from '../../core/scaling/lead-time.ts';
import type { Plan, PlannedTarget, Snapshot, TargetObservation } from '../../core/types.ts';
import type { LoadWindow } from '../../core/window/load-window.ts';
import { longestRequestSecMin } from '../../core/window/longest.ts';
import { FRESH_INTERVALS, FRESH_MS, readingsOf, warmRatioOf } from '../../core/window/readings.ts';
import type { ActuationRecord, Versioned } from '../../state/contract.ts';
import { membersOf } from './observe.ts';
import type { PoolContext } from './context.ts';
import { readStored } from '../stored-control.ts';
import { readRecords } from '../stored-record.ts';
import type { ReadStored } from '../stored-control.ts';

export type Decided = {
  readonly input: PoolInput;
  /** Workloads decided now. */
  readonly touched: ReadonlySet<string>;
  readonly controls: ReadonlyMap<string, Versioned<ReadStored>>;
  /** By `target/WORKLOAD` and `nodeGroup/NAME`. */
  readonly actuation: ReadonlyMap<string, ActuationRecord>;
};

/** Reads the stores once and runs the pure core. Throws TransientError when the store cannot be reached. */
export async function decideWorkloads(
  context: PoolContext,
  seen: { readonly snapshot: Snapshot; readonly previous: Plan | undefined },
): Promise<Decided> {
  const { deps, policies, pool, request } = context;
  const members = membersOf(policies, pool);
  const asked = request.kind === 'leading' && request.workloads !== undefined ? new Set(request.workloads) : null;
  const decidable = members.workloads.filter((policy) => asked === null || asked.has(policy.metadata.name));
  const ids = decidable.map((policy) => policy.metadata.name);
  const [windows, controls, actuation] = await Promise.all([
    deps.state.load.readMany(ids),
    readControls(context, ids),
    readActuation(
      context,
      members.nodeGroups.map((group) => group.metadata.name),
    ),
  ]);
  const nowMs = nowFor(deps.clock.nowMs(), seen.previous?.atMs);
  const touched = new Set(ids);
  const nodes = request.kind === 'full' ? nodeBirthsOf(seen.snapshot) : {};
  const workloads = members.workloads.map((policy): PoolWorkload => {
    const id = policy.metadata.name;
    const target = seen.snapshot.targets[id] ?? MISSING_TARGET;
    const parts = {
      policy,
      target,
      nowMs,
      snapshot: seen.snapshot,
      nodes,
      nodeGroups: members.nodeGroups,
      window: windows.get(id),
      lostUntilMs: context.memory.holdUntilMs(pool),
      control: withPlanned(controls.get(id)?.value.control, seen.previous?.targets[id]),
      planned: seen.previous?.targets[id]?.replicas,
    };
    const outcome = touched.has(id) ? decideSafely(context, parts) : keepCount(parts);
    return { policy, target, outcome, ...inFlightByPod(parts.window, nowMs) };
  });
  const nodeGroups = members.nodeGroups.map((policy): PoolNodeGroup => {
    const record = actuation.get(`nodeGroup/${policy.metadata.name}`);
    return {
      policy,
      observed: seen.snapshot.nodeGroups[policy.metadata.name] ?? {
        kind: 'missing',
        reason: 'was not in the snapshot',
      },
      backoffUntilMs: record?.capacityBackoff?.untilMs ?? 0,
      backoffCause: record?.capacityBackoff?.cause ?? null,
    };
  });
  const input: PoolInput = {
    pool,
    kind: request.kind,
    nowMs,
    policyVersion: policies.version,
    fleet: policies.fleet,
    snapshot: seen.snapshot,
    previous: seen.previous,
    seqAfter: context.memory.seqOf(pool),
    workloads,
    nodeGroups,
  };
  return { input, touched, controls, actuation };
}

/** What pods report as; of a gateway's or a queue's events nobody knows which pod they are about. */
const POD_SOURCE = 'pod/';

/** Work in flight by pod, as fresh as a reading must be: lets idle pods go first, and frees the node with the least work. */
function inFlightByPod(window: LoadWindow | undefined, nowMs: number): Pick<PoolWorkload, 'inFlightByPod'> {
  if (window === undefined) return {};
  const heard = [...window.sources].flatMap(([source, mark]) => {
    const freshMs = Math.max(FRESH_MS, FRESH_INTERVALS * mark.intervalMs);
    const isKnown = source.startsWith(POD_SOURCE) && mark.inFlightMilli >= 0 && nowMs - mark.lastEndMs <= freshMs;
    return isKnown ? [[source.slice(POD_SOURCE.length), mark.inFlightMilli / 1000] as const] : [];
  });
  return heard.length === 0 ? {} : { inFlightByPod: Object.fromEntries(heard) };
}

/** Time does not go back from one evaluation to the next where two controllers' clocks differ by a little: what was learned would start anew. */
function nowFor(clockMs: number, previousMs: number | undefined): number {
  if (previousMs === undefined || previousMs - clockMs > CLOCK_APART_MS_MAX) return clockMs;
  return Math.max(clockMs, previousMs);
}

const MISSING_TARGET: TargetObservation = { kind: 'missing', reason: 'was not in the snapshot' };

type Parts = {
  readonly policy: ScalingPolicy;
  readonly target: TargetObservation;
  readonly nowMs: number;
  readonly snapshot: Snapshot;
  readonly nodes?: NodeBirths;
  /** Of the pool, for what a replica costs. */
  readonly nodeGroups?: readonly NodeGroupPolicy[];
  readonly window: LoadWindow | undefined;
  /** The store lost its tail: nothing shrinks before [epoch ms]. */
  readonly lostUntilMs?: number;
  readonly control: WorkloadControl | undefined;
  /** Replicas of the plan in force. */
  readonly planned: number | undefined;
};

/**
 * The plan in force may hold a raise that is missing in the memory, because its maker lost the race for the memory or died before writing it.
 * It counts as wanted at that time, so that the next full evaluation holds it for the stabilization window like any other.
 */
function withPlanned(
  control: WorkloadControl | undefined,
  planned: PlannedTarget | undefined,
): WorkloadControl | undefined {
  if (planned === undefined || planned.replicas <= (control?.lastWanted ?? -1)) return control;
  const { wants, ...rest } = control ?? EMPTY_CONTROL;
  const want = [planned.decided?.atMs ?? 0, planned.replicas] as const;
  return { ...rest, lastWanted: planned.replicas, wants: [...wants, want] };
}

/** What the core is given of one workload. */
export function workloadInputOf(parts: Omit<Parts, 'planned'>, kind: EvaluationKind): WorkloadInput {
  return {
    policy: parts.policy,
    kind,
    nowMs: parts.nowMs,
    readings: readingsOf(parts.window, {
      nowMs: parts.nowMs,
      readyReplicas: parts.target.kind === 'observed' ? parts.target.ready : null,
    }),
    holdUntilMs: Math.max(parts.window?.holdUntilMs ?? 0, parts.lostUntilMs ?? 0),
    warmRatio: parts.window === undefined ? 0 : warmRatioOf(parts.window, parts.nowMs),
    target: parts.target,
    snapshotAgeMs: snapshotAgeMs(parts.snapshot, parts.nowMs),
    ...(parts.snapshot.asOfMs === undefined ? {} : { lookAgeMs: Math.max(0, parts.nowMs - parts.snapshot.atMs) }),
    ...(parts.nodes === undefined ? {} : { nodes: parts.nodes }),
    ...priceIn(parts),
    ...(parts.window === undefined ? {} : requestsAndClock(parts.window, { kind, nowMs: parts.nowMs })),
    control: parts.control,
  };
}

/** Only where a policy weighs misses against it. */
function priceIn({
  policy,
  target,
  nodeGroups = [],
}: Omit<Parts, 'planned'>): Pick<WorkloadInput, 'usdPerReplicaHour'> {
  if (policy.spec.price === undefined) return {};
  return { usdPerReplicaHour: usdPerReplicaHourOf(policy, { target, nodeGroups }) };
}

/** Only a full evaluation may lower, so only it asks. */
function requestsAndClock(
  window: LoadWindow,
  now: { readonly kind: EvaluationKind; readonly nowMs: number },
): Pick<WorkloadInput, 'longestRequestSec' | 'clockBehindMs'> {
  if (now.kind === 'leading') return {};
  let newestMs = 0;
  for (const mark of window.sources.values()) newestMs = Math.max(newestMs, mark.lastEndMs);
  const behindMs = newestMs - now.nowMs;
  return {
    longestRequestSec: longestRequestSecMin(window, now.nowMs),
    ...(behindMs > 0 ? { clockBehindMs: behindMs } : {}),
  };
}

/** A broken invariant fails this workload's evaluation only, closed: its count stands. */
function decideSafely(context: PoolContext, parts: Parts): WorkloadOutcome {
  try {
    return decideWorkload(workloadInputOf(parts, context.request.kind));
  } catch (error) {
    const workload = parts.policy.metadata.name;
    context.deps.metrics.count('decide_failures_total');
    context.deps.log.error('decision failed, the count stands', { workload, error: messageOf(error) });
    return keepCount({ ...parts, reason: `decision failed: ${messageOf(error)}` });
  }
}

function keepCount(parts: Parts & { readonly reason?: string }): WorkloadOutcome {
  const observed = parts.target.kind === 'observed' ? parts.target.replicas : undefined;
  return carriedOutcome({
    replicas: parts.planned ?? parts.control?.lastWanted ?? observed ?? parts.policy.spec.replicas.min,
    reason: parts.reason ?? 'no new event since it was decided',
    control: parts.control,
  });
}

async function readControls(
  context: PoolContext,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Versioned<ReadStored>>> {
  const { log, metrics, state } = context.deps;
  const stored = await state.control.readMany(ids);
  const read = [...stored].map(([id, { version, value }]) => [id, { version, value: readStored(value) }] as const);
  for (const [workload, { value }] of read) {
    for (const part of value.dropped) {
      metrics.count('control_dropped_total', 1, { part });
      log.warn('stored memory is of another shape and was dropped', { workload, part });
    }
  }
  return new Map(read);
}

async function readActuation(
  context: PoolContext,
  groups: readonly string[],
): Promise<ReadonlyMap<string, ActuationRecord>> {
  // A leading evaluation only needs the groups; alert rules of the full one look at the targets too.
  const targets = context.request.kind === 'full' ? membersOf(context.policies, context.pool).workloads : [];
  const ids = [
    ...groups.map((name) => `nodeGroup/${name}`),
    ...targets.map((policy) => `target/${policy.metadata.name}`),
  ];
  return readRecords(context.deps, ids);
}
