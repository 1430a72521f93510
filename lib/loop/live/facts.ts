/**
 * What the store says of the whole fleet in a few reads: three documents per pool, one record per node group, and three small things. Nothing here is read per
 * workload, so that looking at a thousand of them costs the store as little as looking at ten.
 */
import { priceKnown } from '../../core/nodes/groups.ts';
import type { NodeGroupPolicy, PolicySet, ScalingPolicy } from '../../core/policy.ts';
import { readPlan } from '../../core/read-plan.ts';
import type { OpsAlert, Plan, Snapshot } from '../../core/types.ts';
import type { ActuationRecord } from '../../state/contract.ts';
import { listPauses } from '../pauses.ts';
import type { PauseView } from '../pauses.ts';
import { readRecord } from '../stored-record.ts';
import { firingAlerts, nodeGroupStatus, poolsOf } from '../status.ts';
import type { NodeGroupStatus, StatusDeps } from '../status.ts';

/** What can be said of every workload without reading what is stored of it alone. */
export type FleetRow = {
  readonly workload: string;
  /** The object that is resized. */
  readonly target: string;
  readonly pool: string;
  readonly mode: string;
  /** By the kill switch: all, this workload, or not. */
  readonly paused: boolean;
  /** As observed; null when it was not. */
  readonly current: number | null;
  readonly ready: number | null;
  /** By the newest plan; null before the first. */
  readonly wanted: number | null;
  /** Why it was not observed. */
  readonly unseen: string | null;
  /** The worst alert that names it. */
  readonly alert: OpsAlert['severity'] | null;
};

export type GroupRow = NodeGroupStatus & {
  /** Nodes that joined and are Ready; null when not observed. */
  readonly ready: number | null;
  /** Nodes there are, Ready or not: those are paid for. */
  readonly there: number | null;
  readonly usdPerHourEach: number | null;
  /** No more nodes are asked for before [epoch ms]. */
  readonly backoffUntilMs: number | null;
  readonly paused: boolean;
};

export type Fleet = {
  /** The oldest evaluation and the oldest look at the cluster of any pool [epoch ms]; null where a pool has none yet. */
  readonly decidedAtMs: number | null;
  readonly observedAtMs: number | null;
  /** Up to when the oldest of those looks is proven to be whole [epoch ms]. */
  readonly provenAtMs: number | null;
  readonly policyVersion: string;
  readonly policies: PolicySet;
  readonly rows: readonly FleetRow[];
  readonly nodeGroups: readonly GroupRow[];
  readonly alerts: readonly OpsAlert[];
  readonly pauses: readonly PauseView[];
  readonly outbox: number;
  readonly jobs: number;
};

type Pool = { readonly plan: Plan | undefined; readonly snapshot: Snapshot | undefined };

const SEVERITIES: readonly OpsAlert['severity'][] = ['info', 'warning', 'critical'];

/** Reads the fleet. Throws TransientError when the store cannot be reached. */
export async function readFleet(deps: StatusDeps): Promise<Fleet> {
  const policies = await deps.policies.current();
  const [pools, alerts, pauses, records, outbox, jobs] = await Promise.all([
    readPools(deps, policies),
    firingAlerts(deps, policies),
    listPauses(deps),
    deps.state.actuation.readMany([...policies.nodeGroups.keys()].map((name) => `nodeGroup/${name}`)),
    deps.state.outbox.size(),
    deps.queue.depth(),
  ]);
  const nowMs = deps.clock.nowMs();
  const worst = worstAlerts(alerts);
  const paused = new Set(pauses.map(({ kind, name }) => `${kind}/${name}`));
  const isPaused = (kind: 'workload' | 'nodeGroup', name: string): boolean =>
    paused.has('all/') || paused.has(`${kind}/${name}`);
  return {
    decidedAtMs: oldest([...pools.values()].map(({ plan }) => plan?.atMs)),
    observedAtMs: oldest([...pools.values()].map(({ snapshot }) => snapshot?.atMs)),
    provenAtMs: oldest([...pools.values()].map(({ snapshot }) => snapshot?.asOfMs ?? snapshot?.atMs)),
    policyVersion: policies.version,
    policies,
    rows: [...policies.workloads.values()].map((policy) => ({
      ...rowOf(policy, pools.get(policy.spec.pool)),
      paused: isPaused('workload', policy.metadata.name),
      alert: worst.get(policy.metadata.name) ?? null,
    })),
    nodeGroups: [...policies.nodeGroups.values()].map((policy) => {
      const { name } = policy.metadata;
      const { record } = readRecord(records.get(`nodeGroup/${name}`)?.value);
      return { ...groupOf(policy, { pools, record, nowMs }), paused: isPaused('nodeGroup', name) };
    }),
    alerts: alerts.toSorted(
      (a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) || b.sinceMs - a.sinceMs,
    ),
    pauses,
    outbox,
    jobs,
  };
}

async function readPools(deps: StatusDeps, policies: PolicySet): Promise<ReadonlyMap<string, Pool>> {
  const names = poolsOf(policies);
  const [plans, snapshots] = await Promise.all([
    deps.state.plans.readMany(names),
    deps.state.snapshots.readMany(names),
  ]);
  return new Map(
    names.map((name) => [name, { plan: readPlan(plans.get(name)?.value).plan, snapshot: snapshots.get(name)?.value }]),
  );
}

function rowOf(policy: ScalingPolicy, pool: Pool | undefined): Omit<FleetRow, 'paused' | 'alert'> {
  const { name } = policy.metadata;
  const { kind, namespace, name: targetName } = policy.spec.target;
  const seen = pool?.snapshot?.targets[name];
  const planned = pool?.plan?.targets[name];
  const isSeen = seen?.kind === 'observed';
  return {
    workload: name,
    target: `${kind} ${namespace}/${targetName}`,
    pool: policy.spec.pool,
    mode: planned?.mode ?? policy.spec.mode,
    current: isSeen ? seen.replicas : null,
    ready: isSeen ? seen.ready : null,
    wanted: planned?.replicas ?? null,
    unseen: seen === undefined ? 'not looked at yet' : isSeen ? null : seen.reason,
  };
}

function groupOf(
  policy: NodeGroupPolicy,
  of: {
    readonly pools: ReadonlyMap<string, Pool>;
    readonly record: ActuationRecord | undefined;
    readonly nowMs: number;
  },
): Omit<GroupRow, 'paused'> {
  const { pools, record, nowMs } = of;
  const { name } = policy.metadata;
  const pool = [...pools.values()].find(({ plan }) => plan?.nodeGroups[name] !== undefined);
  const pauses = [record?.capacityBackoff?.untilMs, pool?.plan?.groupWatch?.[name]?.trouble?.untilMs];
  const untilMs = Math.max(0, ...pauses.map((one) => one ?? 0));
  const seen = pool?.snapshot?.nodeGroups[name];
  const nodes = seen?.kind === 'observed' ? seen.nodes : undefined;
  return {
    ...nodeGroupStatus(policy, { plan: pool?.plan, record, nowMs }),
    ready: nodes?.filter(({ ready }) => ready).length ?? null,
    there: nodes?.length ?? null,
    usdPerHourEach: priceKnown(policy),
    backoffUntilMs: untilMs > nowMs ? untilMs : null,
  };
}

function worstAlerts(alerts: readonly OpsAlert[]): ReadonlyMap<string, OpsAlert['severity']> {
  const worst = new Map<string, OpsAlert['severity']>();
  for (const { workloads, severity } of alerts) {
    for (const workload of workloads) {
      const before = SEVERITIES.indexOf(worst.get(workload) ?? 'info');
      if (!worst.has(workload) || SEVERITIES.indexOf(severity) > before) worst.set(workload, severity);
    }
  }
  return worst;
}

/** Null when there are none, or one is not known. */
function oldest(times: readonly (number | undefined)[]): number | null {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 || known.length < times.length ? null : Math.min(...known);
}
