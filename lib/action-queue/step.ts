/** Runs one step of a job: bounded in time, judged, counted. The same for every queue. */
import type { Clock } from '../base/clock.ts';
import { messageOf, PenstockError, TransientError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Metrics } from '../base/metrics.ts';
import { LOCK_MS, STEP_MS_MAX, type ActionHandler, type ActionJob, type DeadJob } from './contract.ts';
import { attemptCountMax } from './retry.ts';

export type StepDeps = { readonly clock: Clock; readonly log: Logger; readonly metrics: Metrics };

export type StepOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'again'; readonly inMs: number }
  | { readonly kind: 'retry'; readonly error: Error }
  | { readonly kind: 'dead'; readonly error: Error };

export type Step = {
  /** Counts from 1. */
  readonly attempt: number;
  readonly handler: ActionHandler;
  readonly onDead: (dead: DeadJob) => Promise<void>;
};

/** A step is given up shortly before its lock would expire: nobody waits longer for a hung worker than for a dead one. */
const STEP_GIVE_UP_MS = LOCK_MS - 500;
/** An alert hook has 15 s for its receiver; the queue renews the lock meanwhile. */
const ALERT_GIVE_UP_MS = 20_000;

/** A job that wants to be looked at later than this has lost its way: the schedule wakes it anyway. */
const AGAIN_MS_MAX = 3_600_000;

/**
 * Calls the handler once. A step that takes longer than {@link STEP_MS_MAX} is logged, one that does not end is given up and tried again
 * (what it was doing may still happen: steps are idempotent). `onDead` has ended, or failed with a log line, before `dead` is returned.
 */
export async function runStep(job: ActionJob, step: Step, deps: StepDeps): Promise<StepOutcome> {
  const startedMs = deps.clock.monotonicMs();
  const outcome = await judge(job, step, deps);
  deps.metrics.observe('action_step_duration_ms', deps.clock.monotonicMs() - startedMs, { kind: job.kind });
  deps.metrics.count('action_steps_total', 1, { kind: job.kind, outcome: outcome.kind });
  if (outcome.kind === 'dead')
    await reportDead({ job, error: messageOf(outcome.error), attempts: step.attempt }, step.onDead, deps);
  return outcome;
}

/** Tells `onDead`; its failure is logged, because the job is dead either way. */
export async function reportDead(dead: DeadJob, onDead: Step['onDead'], deps: StepDeps): Promise<void> {
  deps.log.error('Gave up an action', { ...fieldsOf(dead.job), error: dead.error, attempts: dead.attempts });
  try {
    await onDead(dead);
  } catch (error) {
    deps.log.error('Could not report a dead action', { ...fieldsOf(dead.job), error: messageOf(error) });
  }
}

/** What identifies a job in a log line; never its payload. */
function fieldsOf(job: ActionJob): Readonly<Record<string, string>> {
  return job.kind === 'alert'
    ? { kind: job.kind, hook: job.hook, id: job.id }
    : { kind: job.kind, pool: job.pool, id: job.id };
}

async function judge(job: ActionJob, step: Step, deps: StepDeps): Promise<StepOutcome> {
  try {
    const result = await bounded(job, step, deps);
    return result.done
      ? { kind: 'done' }
      : { kind: 'again', inMs: Math.min(Math.max(result.againInMs, 0), AGAIN_MS_MAX) };
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(messageOf(thrown));
    const retryable = error instanceof PenstockError && error.retryable;
    if (!retryable || step.attempt >= attemptCountMax(job.kind)) return { kind: 'dead', error };
    deps.log.warn('A step failed and will be tried again', {
      ...fieldsOf(job),
      attempt: step.attempt,
      error: messageOf(error),
    });
    return { kind: 'retry', error };
  }
}

async function bounded(job: ActionJob, step: Step, deps: StepDeps): Promise<Awaited<ReturnType<ActionHandler>>> {
  const ended = new AbortController();
  const giveUpMs = job.kind === 'alert' ? ALERT_GIVE_UP_MS : STEP_GIVE_UP_MS;
  const hung = async (): Promise<never> => {
    await deps.clock.sleep(STEP_MS_MAX, ended.signal);
    if (!ended.signal.aborted && job.kind !== 'alert') {
      deps.log.warn('A step took longer than it may', { ...fieldsOf(job), stepMsMax: STEP_MS_MAX });
    }
    await deps.clock.sleep(giveUpMs - STEP_MS_MAX, ended.signal);
    throw new TransientError(
      `Cannot finish a step of "${job.kind}/${job.id}": expected at most ${giveUpMs} ms, current value is still running`,
    );
  };
  try {
    return await Promise.race([step.handler(job, { attempt: step.attempt }), hung()]);
  } finally {
    ended.abort();
  }
}
