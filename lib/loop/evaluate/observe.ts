/** Snapshots of the cluster: fresh for full evaluations, the last one for leading ones. */
import { messageOf } from '../../base/errors.ts';
import type { NodeGroupPolicy, PolicySet, ScalingPolicy } from '../../core/policy.ts';
import type { Snapshot } from '../../core/types.ts';
import type { EvaluateDeps } from '../deps.ts';
import type { Snapshots } from './context.ts';

/** Above this age [ms] somebody else's may be fresher: a Lambda container is frozen between its invocations. */
const OWN_SNAPSHOT_MS_MAX = 10_000;

/** Keeps the newest snapshot of each pool in this process; also in the store when `shareSnapshots`. */
export function makeSnapshots(deps: EvaluateDeps, options: { readonly shareSnapshots: boolean }): Snapshots {
  const newest = new Map<string, Snapshot>();
  const outages = new Map<string, string>();
  return {
    get: async ({ policies, pool, request }, of = {}) => {
      if (request.kind === 'leading') {
        const own = newest.get(pool);
        const isFresh = own !== undefined && deps.clock.nowMs() - own.atMs < OWN_SNAPSHOT_MS_MAX;
        if (isFresh || !options.shareSnapshots) return own;
        return (await deps.state.snapshots.read(pool))?.value;
      }
      const { snapshot, failure } = await observe(deps, { ...membersOf(policies, pool), ...of });
      tellOutage(deps, outages, { pool, failure });
      newest.set(pool, snapshot);
      if (options.shareSnapshots) await share(deps, { pool, snapshot });
      return snapshot;
    },
  };
}

export type PoolMembers = {
  readonly workloads: readonly ScalingPolicy[];
  readonly nodeGroups: readonly NodeGroupPolicy[];
};

/** Workloads of a pool, and the node groups any of them may use. */
export function membersOf(policies: PolicySet, pool: string): PoolMembers {
  const workloads = [...policies.workloads.values()].filter((policy) => policy.spec.pool === pool);
  const names = new Set(workloads.flatMap((policy) => policy.spec.nodeGroups));
  return { workloads, nodeGroups: [...names].flatMap((name) => policies.nodeGroups.get(name) ?? []) };
}

/** The cluster out of reach is a snapshot in which everything is missing: the core holds, and the alert rules say so. */
async function observe(
  deps: EvaluateDeps,
  members: PoolMembers & { readonly groupsMsMax?: number },
): Promise<{ readonly snapshot: Snapshot; readonly failure: string | null }> {
  try {
    return { snapshot: await deps.clusterView.observe(members), failure: null };
  } catch (error) {
    const missing = { kind: 'missing', reason: messageOf(error) } as const;
    deps.metrics.count('observe_failures_total');
    const snapshot = {
      atMs: deps.clock.nowMs(),
      targets: Object.fromEntries(members.workloads.map((policy) => [policy.metadata.name, missing])),
      nodeGroups: Object.fromEntries(members.nodeGroups.map((policy) => [policy.metadata.name, missing])),
    };
    return { snapshot, failure: missing.reason };
  }
}

/** One line per change: an API server that is down for an hour is asked 1,800 times. */
function tellOutage(
  { log }: EvaluateDeps,
  outages: Map<string, string>,
  { pool, failure }: { readonly pool: string; readonly failure: string | null },
): void {
  const before = outages.get(pool);
  if (failure === null) {
    if (before !== undefined) log.info('cluster is observed again', { pool });
    outages.delete(pool);
    return;
  }
  if (failure !== before) log.warn('cluster could not be observed, nothing shrinks', { pool, error: failure });
  outages.set(pool, failure);
}

/** A lost race is fine: the other snapshot is as fresh. */
async function share(deps: EvaluateDeps, { pool, snapshot }: { pool: string; snapshot: Snapshot }): Promise<void> {
  const stored = await deps.state.snapshots.read(pool);
  await deps.state.snapshots.compareAndSet(pool, snapshot, stored?.version);
}
