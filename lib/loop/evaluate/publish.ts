/** After a plan was stored: tells the ledger and Kafka, wakes the targets that must move, keeps the core's memory. */
import type { ActionJob } from '../../action-queue/contract.ts';
import { messageOf } from '../../base/errors.ts';
import type { PoolOutcome, WorkloadControl } from '../../core/decide-types.ts';
import { withRecorded, worthRecording } from '../../core/worth-recording.ts';
import type { Plan, PlannedNodeGroup, PlannedTarget, ScalingDecision } from '../../core/types.ts';
import { OUTBOX_LENGTH_MAX } from '../../state/contract.ts';
import type { OutboxMessage } from '../../state/contract.ts';
import type { EvaluateDeps } from '../deps.ts';
import type { PoolContext } from './context.ts';
import type { Decided } from './decide.ts';
import type { StoredControl } from '../stored-control.ts';

/** The plan in force after an evaluation, and what led to it. */
export type StoredPlan = Decided & {
  readonly outcome: PoolOutcome;
  readonly plan: Plan;
  /** False: a leading evaluation that raised nothing; `plan` is the one there was. */
  readonly isNew: boolean;
};

/** Records the decisions whose count or binding rule changed: ledger, log line, outbox. */
export async function publishDecisions(context: PoolContext, stored: StoredPlan): Promise<void> {
  const { deps } = context;
  const changed = decisionsOf(stored).filter((decision) => mustRecord(context, stored, decision));
  if (changed.length === 0) return;
  for (const decision of changed) {
    deps.log.info('decided', {
      workload: decision.workload,
      decision: decision.id,
      current: decision.replicas.current,
      wanted: decision.replicas.wanted,
      binding: decision.binding,
      mode: decision.mode,
      kind: context.request.kind,
    });
  }
  deps.metrics.count('decisions_total', changed.length);
  await Promise.all(changed.map((decision) => deps.state.ledger.record(decision)));
  await tellKafka(
    deps,
    changed.map((decision) => ({
      topic: deps.topics.scalingDecision,
      key: decision.workload,
      value: JSON.stringify(decision),
    })),
  );
  await deps.wake.notify();
}

/**
 * Puts messages into the outbox. Full means that Kafka has been away for long: then they are dropped and counted, because neither scaling nor its memory
 * nor the ledger may wait for Kafka. Throws TransientError when the store cannot be reached.
 */
export async function tellKafka(deps: EvaluateDeps, messages: readonly OutboxMessage[]): Promise<void> {
  try {
    await deps.state.outbox.put(messages);
  } catch (error) {
    if ((await deps.state.outbox.size()) + messages.length <= OUTBOX_LENGTH_MAX) throw error;
    deps.metrics.count('outbox_dropped_total', messages.length);
    deps.log.error('messages for Kafka were dropped', { messages: messages.length, error: messageOf(error) });
  }
}

/** A leading evaluation that raised nothing has nothing to tell: that it may not lower is no news. */
function mustRecord(context: PoolContext, stored: StoredPlan, decision: ScalingDecision): boolean {
  const control = controlOf(stored, decision.workload);
  const last = control?.lastRecorded ?? null;
  if (context.request.kind === 'leading' && last !== null && decision.replicas.wanted === last.wanted) return false;
  return worthRecording(control, decision);
}

function decisionsOf(stored: StoredPlan): ScalingDecision[] {
  return stored.outcome.decisions.filter((decision) => stored.touched.has(decision.workload));
}

function controlOf(stored: StoredPlan, workload: string): WorkloadControl | undefined {
  return stored.controls.get(workload)?.value.control;
}

/** Wakes every target and node group whose plan differs from what was observed. Returns how many. */
export async function wakeTargets(context: PoolContext, stored: StoredPlan): Promise<number> {
  const { pool } = context;
  const jobs: ActionJob[] = [
    ...Object.values(stored.plan.targets)
      .filter((target) => context.request.kind === 'full' || stored.touched.has(target.workload))
      .filter((target) => mustMove(target) || isLeftMarked(stored, target))
      .map((target): ActionJob => ({ kind: 'target', pool, id: target.workload })),
    ...Object.values(stored.plan.nodeGroups)
      .filter((group) => mustResize(group) || isDraining(stored, group.name))
      .map((group): ActionJob => ({ kind: 'nodeGroup', pool, id: group.name })),
  ];
  if (jobs.length === 0) return 0;
  await context.deps.queue.wake(jobs);
  await context.deps.wake.actuate();
  return jobs.length;
}

function mustMove(target: PlannedTarget): boolean {
  return target.mode === 'act' && target.observed !== null && target.observed.replicas !== target.replicas;
}

/** Pods asked to go first for a lowering that failed or was given up: the wish is taken back. Three times as long as an ordinary one stands [ms]. */
const MARKS_MS_MAX = 180_000;

function isLeftMarked({ actuation, plan }: StoredPlan, target: PlannedTarget): boolean {
  const record = actuation.get(`target/${target.workload}`);
  if (target.mode !== 'act' || record === undefined || record.marksDenied === true) return false;
  return record.preferred !== undefined && plan.atMs - record.atMs > MARKS_MS_MAX;
}

function mustResize(group: PlannedNodeGroup): boolean {
  if (group.mode !== 'act' || group.observed === null || group.ownership === 'observe') return false;
  if (group.ownership === 'buffer') return (group.placeholders ?? 0) !== (group.observed.placeholders ?? 0);
  // A floor is moved by its minimum, also down.
  if (group.ownership === 'floor') return group.nodes !== group.observed.min;
  const isShrinking = group.victims.length > 0 || (group.ghosts ?? []).length > 0 || (group.undelivered ?? 0) > 0;
  return isShrinking || group.nodes > group.observed.desired;
}

/** A drain that is no longer wanted must be undone, so its group is looked at as long as one runs. */
function isDraining(stored: StoredPlan, name: string): boolean {
  return (stored.actuation.get(`nodeGroup/${name}`)?.drains ?? []).length > 0;
}

/** Keeps the core's memory of the workloads decided now. A lost race means that a newer evaluation has written its own. */
export async function saveControls(context: PoolContext, stored: StoredPlan): Promise<void> {
  const latest = new Map(decisionsOf(stored).map((decision) => [decision.workload, decision]));
  await Promise.all(
    stored.input.workloads
      .filter(({ policy }) => stored.touched.has(policy.metadata.name))
      .map(async ({ policy, outcome }) => {
        const id = policy.metadata.name;
        const before = stored.controls.get(id);
        const decision = latest.get(id) ?? null;
        const recorded = decision !== null && mustRecord(context, stored, decision);
        const quiet = context.request.kind === 'leading' && !recorded;
        const value: StoredControl = {
          control: recorded ? withRecorded(outcome.control, decision) : outcome.control,
          latest: quiet ? (before?.value.latest ?? decision) : decision,
        };
        await context.deps.state.control.compareAndSet(id, value, before?.version);
      }),
  );
}
