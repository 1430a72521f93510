/** What an operator sees: every workload with its load, counts, last decision, and every node group and alert. */
import { nodeLeadSecOf } from '../core/nodes/lead.ts';
import { spareText } from '../core/nodes/spare.ts';
import type { NodeGroupPolicy, PolicySet, ScalingPolicy } from '../core/policy.ts';
import { readPlan } from '../core/read-plan.ts';
import { leadTimeSecOf } from '../core/scaling/lead-time.ts';
import type { NodeLead, NodeSpare, OpsAlert, Plan, ScalingDecision } from '../core/types.ts';
import type { ActuationRecord } from '../state/contract.ts';
import type { LoopDeps } from './deps.ts';
import { listPauses } from './pauses.ts';
import type { PauseView } from './pauses.ts';
import { readStored } from './stored-control.ts';
import { readRecord } from './stored-record.ts';

export type WorkloadStatus = {
  readonly workload: string;
  readonly pool: string;
  readonly mode: string;
  /** Counts as the last decision saw them; null when not observed. */
  readonly current: number | null;
  readonly ready: number | null;
  /** Null before the first decision. */
  readonly wanted: number | null;
  readonly min: number;
  readonly max: number;
  readonly binding: string | null;
  /** The sentence of the rule that had the last word. */
  readonly because: string | null;
  readonly inputs: ScalingDecision['inputs'];
  readonly decision: string | null;
  readonly decidedAtMs: number | null;
  readonly lastAction: { readonly outcome: string; readonly detail: string; readonly atMs: number } | null;
  /** From asked for to ready, in force. */
  readonly leadTime: LeadTimeStatus;
};

/** Half and nine tenths of the starts took at most so long [s]; of so many starts, 0: the policy's figure. */
export type LeadTimeStatus = { readonly p50Sec: number; readonly p90Sec: number; readonly starts: number };

export type NodeGroupStatus = {
  readonly nodeGroup: string;
  readonly mode: string;
  readonly ownership: string;
  readonly current: number | null;
  readonly wanted: number | null;
  readonly max: number;
  /** Names of nodes being freed. */
  readonly draining: readonly string[];
  readonly shortage: string | null;
  readonly lastAction: WorkloadStatus['lastAction'];
  /** From asked for to Ready with GPUs. */
  readonly leadTime: LeadTimeStatus;
  /** The same of instances that waited in a warm pool; null until one came from there. */
  readonly warmLeadTime: LeadTimeStatus | null;
  /** Nodes that stand by as learned (`nodes.spare: auto`), and why; null where they are not learned. */
  readonly spare: { readonly nodes: number; readonly because: string } | null;
};

export type StatusView = {
  readonly atMs: number;
  readonly policyVersion: string;
  readonly workloads: readonly WorkloadStatus[];
  readonly nodeGroups: readonly NodeGroupStatus[];
  readonly alerts: readonly OpsAlert[];
  /** What nobody may change now, by the kill switch. */
  readonly pauses: readonly PauseView[];
  /** Messages waiting for Kafka, and jobs in the action queue. */
  readonly outbox: number;
  readonly jobs: number;
};

export type StatusDeps = Pick<LoopDeps, 'clock' | 'state' | 'policies' | 'queue'>;

/** Reads it all from the store: the answer is the same in every host. Throws TransientError when the store cannot be reached. */
export async function readStatus(deps: StatusDeps): Promise<StatusView> {
  const policies = await deps.policies.current();
  const [workloads, nodeGroups, alerts, pauses, outbox, jobs] = await Promise.all([
    workloadStatuses(deps, policies),
    nodeGroupStatuses(deps, policies),
    firingAlerts(deps, policies),
    listPauses(deps),
    deps.state.outbox.size(),
    deps.queue.depth(),
  ]);
  return {
    atMs: deps.clock.nowMs(),
    policyVersion: policies.version,
    workloads,
    nodeGroups,
    alerts,
    pauses,
    outbox,
    jobs,
  };
}

async function workloadStatuses(deps: StatusDeps, policies: PolicySet): Promise<WorkloadStatus[]> {
  const ids = [...policies.workloads.keys()];
  const [controls, actions] = await Promise.all([
    deps.state.control.readMany(ids),
    deps.state.actuation.readMany(ids.map((id) => `target/${id}`)),
  ]);
  return [...policies.workloads.values()].map((policy) => {
    const id = policy.metadata.name;
    return workloadStatus(policy, {
      stored: controls.get(id)?.value,
      record: readRecord(actions.get(`target/${id}`)?.value).record,
    });
  });
}

/** One workload from what is stored of it: the document of its control, and the last step of its actuation. */
export function workloadStatus(
  policy: ScalingPolicy,
  of: { readonly stored: unknown; readonly record: ActuationRecord | undefined },
): WorkloadStatus {
  const { latest, control } = readStored(of.stored);
  const lead = leadTimeSecOf(control, { policySec: policy.spec.leadTimeSec });
  return {
    workload: policy.metadata.name,
    pool: policy.spec.pool,
    mode: policy.spec.mode,
    current: latest?.replicas.current ?? null,
    ready: latest?.replicas.ready ?? null,
    wanted: latest?.replicas.wanted ?? null,
    min: policy.spec.replicas.min,
    max: policy.spec.replicas.max,
    binding: latest?.binding ?? null,
    because: latest === null ? null : reasonOf(latest),
    inputs: latest?.inputs ?? [],
    decision: latest?.id ?? null,
    decidedAtMs: latest?.atMs ?? null,
    lastAction: actionOf(of.record),
    leadTime: { p50Sec: lead.p50, p90Sec: lead.p90, starts: control?.leadTimes?.starts.length ?? 0 },
  };
}

/** The sentence that people want of a decision: for a count that headroom rounded up, the load behind it; else that of the rule with the last word. */
export function reasonOf({ binding, trail }: Pick<ScalingDecision, 'binding' | 'trail'>): string | null {
  const rule = binding === 'headroom' ? 'demand' : binding;
  return (trail.findLast((step) => step.rule === rule) ?? trail.at(-1))?.because ?? null;
}

/** Every pool that a workload is in, once. */
export function poolsOf({ workloads }: PolicySet): string[] {
  return [...new Set([...workloads.values()].map((policy) => policy.spec.pool))];
}

async function nodeGroupStatuses(deps: StatusDeps, policies: PolicySet): Promise<NodeGroupStatus[]> {
  const nowMs = deps.clock.nowMs();
  const [plans, actions] = await Promise.all([
    deps.state.plans.readMany(poolsOf(policies)),
    deps.state.actuation.readMany([...policies.nodeGroups.keys()].map((name) => `nodeGroup/${name}`)),
  ]);
  const believed = [...plans.values()].flatMap(({ value }) => readPlan(value).plan ?? []);
  return [...policies.nodeGroups.values()].map((policy) => {
    const { name } = policy.metadata;
    const plan = believed.find(({ nodeGroups }) => nodeGroups[name] !== undefined);
    const { record } = readRecord(actions.get(`nodeGroup/${name}`)?.value);
    return nodeGroupStatus(policy, { plan, record, nowMs });
  });
}

/** One node group from the plan of its pool and the last step of its actuation. */
export function nodeGroupStatus(
  policy: NodeGroupPolicy,
  of: { readonly plan: Plan | undefined; readonly record: ActuationRecord | undefined; readonly nowMs: number },
): NodeGroupStatus {
  const { plan, record, nowMs } = of;
  const { name } = policy.metadata;
  const planned = plan?.nodeGroups[name];
  return {
    nodeGroup: name,
    mode: policy.spec.mode,
    ownership: policy.spec.ownership,
    current: planned?.observed?.desired ?? null,
    wanted: planned?.nodes ?? null,
    max: policy.spec.nodes.max,
    draining: (record?.drains ?? []).map((drain) => drain.nodeName),
    // The record keeps a shortage until the group is looked at again, which may be never.
    shortage:
      [record?.capacityBackoff, plan?.groupWatch?.[name]?.trouble].find((one) => (one?.untilMs ?? 0) > nowMs)?.cause ??
      null,
    lastAction: actionOf(record),
    ...leadTimesOf(policy, plan?.groupWatch?.[name]?.lead),
    spare: spareOf(plan?.groupWatch?.[name]?.spare),
  };
}

function spareOf(spare: NodeSpare | undefined): NodeGroupStatus['spare'] {
  return spare === undefined ? null : { nodes: spare.nodes, because: spareText(spare) };
}

function leadTimesOf(
  policy: NodeGroupPolicy,
  lead: NodeLead | undefined,
): Pick<NodeGroupStatus, 'leadTime' | 'warmLeadTime'> {
  const of = (where: 'cold' | 'warm'): LeadTimeStatus => {
    const { p50, p90 } = nodeLeadSecOf(lead, { policySec: policy.spec.leadTimeSec, where });
    return { p50Sec: p50, p90Sec: p90, starts: (lead?.starts ?? []).filter(([, , at]) => at === where).length };
  };
  const warm = of('warm');
  return { leadTime: of('cold'), warmLeadTime: warm.starts === 0 ? null : warm };
}

/** Every alert that fires now, of all pools. Throws TransientError when the store cannot be reached. */
export async function firingAlerts(deps: Pick<StatusDeps, 'state'>, policies: PolicySet): Promise<readonly OpsAlert[]> {
  const books = await deps.state.alerts.readMany(poolsOf(policies));
  return [...books.values()]
    .flatMap((book) => Object.values(book.value))
    .filter((entry) => entry.phase !== 'pending')
    .map((entry) => entry.alert);
}

function actionOf(record: ActuationRecord | undefined): WorkloadStatus['lastAction'] {
  return record === undefined ? null : { outcome: record.outcome, detail: record.detail, atMs: record.atMs };
}
