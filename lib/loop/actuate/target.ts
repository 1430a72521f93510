/** Actuates one target: reads the newest plan and the object afresh, checks everything again, scales under a precondition. */
import type { StepResult } from '../../action-queue/contract.ts';
import { ConfigError, ConflictError } from '../../base/errors.ts';
import { CLOCK_APART_MS_MAX } from '../../core/scaling/hold.ts';
import type { PlannedTarget } from '../../core/types.ts';
import type { ActuationRecord } from '../../state/contract.ts';
import type { Target, TargetState } from '../../targets/contract.ts';
import { attempt } from './attempt.ts';
import type { TargetContext, TargetJob } from './contexts.ts';
import { FOREIGN_PAUSE_MS, LOWER_AGE_MS_MAX, RAISE_AGE_MS_MAX, decidedBy, isForeign, modeRefusal } from './rules.ts';
import { DONE, again } from './step.ts';
import type { RecordChange } from './step.ts';
import { TIDY_AGAIN_MS, hasMarks, loweredAfter, lowestNow, markPods, settlingMs } from './lowering.ts';
import type { ActuateDeps } from '../deps.ts';

/** What a look at the object says: write so many replicas, or the answer without writing. */
type Verdict =
  | { readonly kind: 'write'; readonly replicas: number }
  | {
      readonly kind: 'end';
      readonly outcome: ActuationRecord['outcome'];
      readonly detail: string;
      readonly change?: RecordChange;
      /** Decide again. */
      readonly wake?: boolean;
      readonly againInMs?: number;
    };

/** Reads of the object in one step: a status write between read and PATCH is common during a rollout, two in a row are left to the queue. */
const READS_MAX = 2;

/** One step. Answers are in the record; throws what the target throws (retryable or not), after recording it. */
export async function actuateTarget(
  deps: ActuateDeps,
  job: TargetJob,
  context: { readonly attempt: number },
): Promise<StepResult> {
  const plan = (await deps.state.plans.read(job.pool))?.value;
  const planned = plan?.targets[job.id];
  if (plan === undefined || planned === undefined) return DONE;
  const policy = (await deps.policies.current()).workloads.get(job.id);
  const refusal = modeRefusal(planned.mode, policy?.spec.mode);
  const subject = { job, planSeq: plan.seq, decision: planned.decision };
  return attempt(deps, { subject, attempt: context.attempt, policy, refusal }, (step, inForce) =>
    resize({ deps, job, plan, planned, policy: inForce, step }),
  );
}

async function resize(context: TargetContext): Promise<StepResult> {
  const { deps, planned } = context;
  const target = deps.targets.get(planned.ref.kind) ?? deps.targets.get('*');
  if (target === undefined) {
    throw new ConfigError(
      `Cannot scale ${nameOf(planned)}: expected a known kind, current value is ${planned.ref.kind}`,
    );
  }
  for (let reads = 1; ; reads++) {
    const state = await target.read(planned.ref);
    const verdict = judge(context, state);
    if (verdict.kind === 'end') return conclude(context, target, verdict);
    try {
      return await write(context, { target, state, replicas: verdict.replicas });
    } catch (error) {
      if (!(error instanceof ConflictError) || reads === READS_MAX) throw error;
    }
  }
}

/** Pure but for the clock: everything that must hold before a write, with the bounds in force now. */
function judge({ deps, plan, planned, policy, step }: TargetContext, state: TargetState): Verdict {
  const record = step.record();
  const nowMs = deps.clock.nowMs();
  const { replicas: wanted, observed } = planned;
  const { min, max } = policy.spec.replicas;
  if (record.planSeq > plan.seq) return stale(`plan ${record.planSeq} was acted on already`);
  if (state.replicas === wanted) return already(state, nowMs);
  // Above the maximum nothing is raised; on the way down to a maximum that was lowered it may still be above.
  if (!Number.isSafeInteger(wanted) || wanted < min || (wanted > max && wanted > state.replicas)) {
    return stale(`${wanted} replicas are outside of ${min} to ${max}`);
  }
  if (isForeign(record, state.replicas)) return foreign(state, nowMs);
  if (observed === null) return stale('the decision had not seen the target');
  const decided = decidedBy(plan, planned);
  const ageMs = nowMs - decided.atMs;
  const sameObject = state.generation === observed.generation || state.generation === record.lastWritten?.generation;
  const ourCount = state.replicas === record.lastWritten?.count || state.replicas === record.update?.desired;
  if (!sameObject && !ourCount)
    return stale(`generation is ${state.generation}, the decision saw ${observed.generation}`);
  if (wanted > state.replicas)
    return ageMs > RAISE_AGE_MS_MAX ? stale('the plan is too old to raise by') : { kind: 'write', replicas: wanted };
  if (!sameObject) return stale(`generation is ${state.generation}, the decision saw ${observed.generation}`);
  if (decided.kind !== 'full') return { ...stale('only a full evaluation may lower'), wake: false };
  if (ageMs > LOWER_AGE_MS_MAX) return stale('the plan is too old to lower by');
  // A clock ahead of ours decided: the age of what it saw is not known here.
  if (ageMs < -CLOCK_APART_MS_MAX) return stale('the plan is from a clock ahead of this one');
  const lowest = lowestNow(record, { state, policy, nowMs });
  if (lowest.replicas < state.replicas) return { kind: 'write', replicas: Math.max(wanted, lowest.replicas) };
  const detail = `scaleDown.maxPerMinute ${policy.spec.scaleDown.maxPerMinute} lets no more go yet`;
  return { kind: 'end', outcome: 'inProgress', detail, againInMs: lowest.againInMs };
}

function stale(detail: string): Verdict & { readonly kind: 'end' } {
  return { kind: 'end', outcome: 'stale', detail, wake: true };
}

function already(state: TargetState, nowMs: number): Verdict {
  const lastWritten = { count: state.replicas, atMs: nowMs, generation: state.generation };
  return { kind: 'end', outcome: 'already', detail: countOf(state), change: { update: undefined, lastWritten } };
}

function foreign(state: TargetState, nowMs: number): Verdict {
  return {
    ...stale(`somebody else set ${countOf(state)}; waiting a minute`),
    change: { foreignWrite: { count: state.replicas, atMs: nowMs }, notBeforeMs: nowMs + FOREIGN_PAUSE_MS },
    againInMs: FOREIGN_PAUSE_MS,
  };
}

async function conclude(
  context: TargetContext,
  target: Target,
  verdict: Verdict & { readonly kind: 'end' },
): Promise<StepResult> {
  const { deps, job, plan, step } = context;
  const before = step.record();
  const settlesInMs = settlingMs(before, deps.clock.nowMs());
  const tidied = settlesInMs > 0 ? {} : await markPods(context, target, []);
  await step.end(verdict.outcome, verdict.detail, { ...tidied, ...verdict.change });
  // The same answer to the same plan again would only go round in circles until the schedule brings a fresh snapshot.
  const repeated = before.outcome === 'stale' && before.planSeq === plan.seq;
  if (verdict.wake === true && !repeated) await deps.wake.evaluate([job.id]);
  if (verdict.againInMs !== undefined) return again(verdict.againInMs);
  return hasMarks(step.record()) && target.preferVictims !== undefined ? again(settlesInMs || TIDY_AGAIN_MS) : DONE;
}

async function write(
  context: TargetContext,
  {
    target,
    state,
    replicas: wanted,
  }: { readonly target: Target; readonly state: TargetState; readonly replicas: number },
): Promise<StepResult> {
  const { deps, plan, planned, step } = context;
  const falls = Math.max(0, state.replicas - wanted);
  const marks = await markPods(context, target, (planned.goFirst ?? []).slice(0, falls));
  if (step.record().update?.desired !== wanted) {
    // Before the write: should this process die after it, the next one knows the count as ours.
    await step.save({ update: { id: 'scale', startedMs: deps.clock.nowMs(), desired: wanted } });
  }
  const scaled = await target.scale(planned.ref, { replicas: wanted, expected: state, planSeq: plan.seq });
  const nowMs = deps.clock.nowMs();
  const change = {
    ...marks,
    update: undefined,
    lastWritten: { count: scaled.replicas, atMs: nowMs, generation: scaled.generation },
    ...(falls > 0 ? { lowered: loweredAfter(step.record(), { nowMs, replicas: falls }) } : {}),
  };
  if (scaled.replicas !== wanted) {
    const detail = `asked for ${wanted} replicas, the cluster stored ${scaled.replicas}: something changes our writes`;
    await step.end('failed', detail, { ...change, notBeforeMs: nowMs + FOREIGN_PAUSE_MS });
    return DONE;
  }
  if (wanted > state.replicas && typeof planned.triggerMs === 'number') {
    deps.metrics.observe('event_to_patch_ms', nowMs - planned.triggerMs);
  }
  await step.end('applied', `${state.replicas} → ${wanted} replicas`, change);
  if (wanted !== planned.replicas) return again(TIDY_AGAIN_MS);
  return hasMarks(step.record()) ? again(TIDY_AGAIN_MS) : DONE;
}

function countOf(state: TargetState): string {
  return `${state.replicas} replicas`;
}

function nameOf({ ref }: PlannedTarget): string {
  return `${ref.kind} "${ref.namespace}/${ref.name}"`;
}
