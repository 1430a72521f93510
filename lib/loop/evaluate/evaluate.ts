/** Second stage: reads windows, snapshot and policies, lets the pure core decide, stores the plan by compare-and-set, and wakes the targets. */
import { ConflictError, messageOf } from '../../base/errors.ts';
import { lowersAnything } from '../../core/lowers-anything.ts';
import { planPool } from '../../core/plan-pool.ts';
import type { PolicySet } from '../../core/policy.ts';
import { readPlan } from '../../core/read-plan.ts';
import { SNAPSHOT_AGE_MS_MAX } from '../../core/scaling/hold.ts';
import type { Plan, Snapshot } from '../../core/types.ts';
import type { EvaluateDeps } from '../deps.ts';
import { raiseAlerts } from './alerts.ts';
import type { EvaluateRequest, PoolContext } from './context.ts';
import { decideWorkloads } from './decide.ts';
import type { Decided } from './decide.ts';
import { planMemory } from '../plan-memory.ts';
import { makeSnapshots } from './observe.ts';
import { publishDecisions, saveControls, wakeTargets } from './publish.ts';
import type { StoredPlan } from './publish.ts';

export type { EvaluateRequest } from './context.ts';

export type EvaluateResult = {
  readonly pools: readonly string[];
  readonly decided: number;
  /** Jobs put into the action queue. */
  readonly woken: number;
  /** Pools whose evaluation failed, closed: the plan in force stands there. */
  readonly failed: readonly { readonly pool: string; readonly reason: string }[];
};

export type Evaluate = (request: EvaluateRequest) => Promise<EvaluateResult>;

/** Lost races on one plan before giving up: the winner's plan is as fresh as ours would be. */
const PLAN_ATTEMPTS_MAX = 4;

/**
 * Makes the evaluate stage. `shareSnapshots`: stores each fresh snapshot, so that leading evaluations in other processes (Lambda) can use it;
 * a process host keeps its own. One pool's failure is logged and counted and leaves the others alone.
 */
export function makeEvaluate(deps: EvaluateDeps, options: { readonly shareSnapshots: boolean }): Evaluate {
  const snapshots = makeSnapshots(deps, options);
  const memory = planMemory();
  return async (request) => {
    const policies = await deps.policies.current();
    const results = await Promise.all(
      poolsOf(policies, request.workloads).map(async (pool) => {
        try {
          return { pool, ...(await evaluatePool({ deps, snapshots, memory, policies, pool, request })) };
        } catch (error) {
          deps.metrics.count('evaluate_failures_total', 1, { pool });
          deps.log.error('evaluation failed, the plan in force stands', {
            pool,
            kind: request.kind,
            error: messageOf(error),
          });
          return { pool, decided: 0, woken: 0, reason: messageOf(error) };
        }
      }),
    );
    return {
      pools: results.map((r) => r.pool),
      decided: results.reduce((sum, r) => sum + r.decided, 0),
      woken: results.reduce((sum, r) => sum + r.woken, 0),
      failed: results.flatMap((r) => ('reason' in r ? [{ pool: r.pool, reason: r.reason }] : [])),
    };
  };
}

/** Pools of the named workloads (all when undefined), in a stable order. Unknown names are skipped: their policy went away. */
function poolsOf(policies: PolicySet, workloads: readonly string[] | undefined): string[] {
  const ids = workloads ?? [...policies.workloads.keys()];
  const pools = new Set(ids.flatMap((id) => policies.workloads.get(id)?.spec.pool ?? []));
  return [...pools].toSorted();
}

async function evaluatePool(context: PoolContext): Promise<{ decided: number; woken: number }> {
  const { deps, request } = context;
  const startedMs = deps.clock.monotonicMs();
  const snapshot = await context.snapshots.get(context);
  // Before the first full evaluation there is nothing to compare with: the schedule comes within seconds.
  if (snapshot === undefined) return { decided: 0, woken: 0 };
  const stored = await decideUntilStored(context, snapshot);
  const woken = stored.isNew ? await carryOut(context, stored) : 0;
  deps.metrics.observe(`evaluate_${request.kind}_duration_ms`, deps.clock.monotonicMs() - startedMs);
  return { decided: stored.touched.size, woken };
}

/** The plan is in force: first whoever acts on it, then what is said and remembered of it. Returns the number of jobs. */
async function carryOut(context: PoolContext, stored: StoredPlan): Promise<number> {
  const woken = await wakeTargets(context, stored);
  await publishDecisions(context, stored);
  await saveControls(context, stored);
  if (context.request.kind === 'full') await raiseAlerts(context, stored);
  return woken;
}

/** Decides and stores the plan; when another evaluator was faster, decides again on what it left. Throws ConflictError when that never ends. */
async function decideUntilStored(context: PoolContext, snapshot: Snapshot): Promise<StoredPlan> {
  for (let attempt = 1; attempt <= PLAN_ATTEMPTS_MAX; attempt++) {
    const knownSeq = context.memory.seqOf(context.pool);
    const stored = await context.deps.state.plans.read(context.pool);
    const previous = believed(context, stored?.value);
    noteLoss(context, { knownSeq, previous });
    const { decided, outcome } = await decideOnFresh(context, { snapshot, previous });
    const plan = finishPlan(context, { planned: outcome.plan, previous, decided });
    // Most events change nothing: a leading evaluation that raises nothing writes nothing.
    if (previous !== undefined && context.request.kind === 'leading' && wantsTheSame(plan, previous)) {
      return { ...decided, outcome, plan: previous, isNew: false };
    }
    if (await context.deps.state.plans.compareAndSet(context.pool, plan, stored?.version)) {
      context.memory.stored(plan);
      return { ...decided, outcome, plan, isNew: true };
    }
    context.deps.metrics.count('evaluate_conflicts_total');
  }
  throw new ConflictError(
    `Cannot store the plan of pool "${context.pool}": expected to win within ${PLAN_ATTEMPTS_MAX} attempts`,
  );
}

/** Node groups in which nothing happens are described now and then: before anything is lowered, they are described anew and it is decided again. */
async function decideOnFresh(
  context: PoolContext,
  seen: { readonly snapshot: Snapshot; readonly previous: Plan | undefined },
): Promise<{ readonly decided: Decided; readonly outcome: ReturnType<typeof planPool> }> {
  const decide = async (snapshot: Snapshot) => {
    const decided = await decideWorkloads(context, { snapshot, previous: seen.previous });
    return { decided, outcome: planPool(decided.input) };
  };
  const first = await decide(seen.snapshot);
  const { nowMs, kind } = first.decided.input;
  const isOld = nowMs - (seen.snapshot.groupsAsOfMs ?? nowMs) > SNAPSHOT_AGE_MS_MAX;
  if (kind !== 'full' || !isOld || !lowersAnything(first.outcome.plan)) return first;
  const fresh = await context.snapshots.get(context, { groupsMsMax: SNAPSHOT_AGE_MS_MAX });
  return fresh === undefined ? first : decide(fresh);
}

/** A plan that is broken must not stop its pool for good: what does not read of it is left out. */
function believed({ deps, pool }: PoolContext, stored: Plan | undefined): Plan | undefined {
  const { plan, dropped } = readPlan(stored);
  for (const part of dropped) {
    deps.metrics.count('plan_dropped_total', 1, { part });
    deps.log.warn('what a stored plan remembers is of another shape and was dropped', { pool, part });
  }
  return plan;
}

function noteLoss(
  { deps, memory, pool }: PoolContext,
  { knownSeq, previous }: { readonly knownSeq: number; readonly previous: Plan | undefined },
): void {
  if (!memory.saw(pool, previous, { knownSeq, nowMs: deps.clock.nowMs() })) return;
  deps.metrics.count('plans_lost_total', 1, { pool });
  deps.log.warn('the store lost plans, nothing shrinks for a minute', { pool, knownSeq, seq: previous?.seq ?? null });
}

/** Puts back what a leading evaluation did not raise, with who decided it and when, and notes which event led to a raise. */
function finishPlan(
  context: PoolContext,
  parts: { readonly planned: Plan; readonly previous: Plan | undefined; readonly decided: Decided },
): Plan {
  const targets = Object.entries(parts.planned.targets).map(([id, planned]) => {
    const before = parts.previous?.targets[id];
    const isRaised = parts.decided.touched.has(id) && planned.replicas > (before?.replicas ?? -1);
    if (parts.planned.kind === 'leading' && before !== undefined && !isRaised) return [id, before] as const;
    const raised = planned.replicas > (planned.observed?.replicas ?? Infinity);
    // Of the event that asked for this very count: a raise that was already asked for keeps its own.
    const asked = before?.replicas === planned.replicas ? (before.triggerMs ?? null) : null;
    const triggerMs = raised ? (asked ?? context.request.triggers?.get(id) ?? null) : null;
    return [id, { ...planned, triggerMs, decided: { kind: parts.planned.kind, atMs: parts.planned.atMs } }] as const;
  });
  return { ...parts.planned, targets: Object.fromEntries(targets) };
}

function wantsTheSame(plan: Plan, previous: Plan): boolean {
  const groups = Object.entries(plan.nodeGroups);
  const targets = Object.entries(plan.targets);
  return (
    groups.every(([name, group]) => previous.nodeGroups[name]?.nodes === group.nodes) &&
    targets.every(([id, target]) => previous.targets[id]?.replicas === target.replicas)
  );
}
