/** Works off what is due by hand, for hosts that live for one call. */
import { randomUUID } from 'node:crypto';
import { DelayedError, UnrecoverableError, type Worker } from 'bullmq';
import { messageOf } from '../base/errors.ts';
import { keysOf } from './bullmq-parts.ts';
import {
  processStep,
  reportPoison,
  type OnDead,
  type StepRun,
  type StoredJob,
  type WorkerContext,
} from './bullmq-step.ts';
import type { ActionHandler, ActionJob } from './contract.ts';
import type { Lane } from './job-id.ts';

/** While another worker holds the last jobs, a drain looks this often whether they are left behind [ms]. */
const DRAIN_POLL_MS = 100;

export type Drain = { readonly handler: ActionHandler; readonly onDead: OnDead; readonly deadlineMs: number };

/** Runs due jobs of one lane, one after the other, until none is left or running elsewhere, or the deadline comes. Returns how many steps ran. */
export async function drainLane(
  context: WorkerContext,
  lane: Lane,
  drain: Drain & { readonly worker: Worker<ActionJob> },
): Promise<number> {
  const { clock, log } = context.options;
  // Nobody else looks for jobs of dead workers in this way of working.
  await drain.worker.startStalledCheckTimer();
  let steps = 0;
  while (clock.nowMs() < drain.deadlineMs) {
    const token = randomUUID();
    const stored = await drain.worker.getNextJob(token, { block: false });
    if (stored !== undefined) {
      steps += 1;
      await runByHand(context, lane, stored, { ...drain, token }).catch((error: unknown) => {
        // The lock was lost: another worker has the job, or will have it. Steps are idempotent.
        log.warn('Could not finish a step', { lane, job: stored.id, error: messageOf(error) });
      });
    } else if ((await context.connection.llen(keysOf(context.prefix, lane)('active'))) === 0) {
      return steps;
    } else {
      await clock.sleep(DRAIN_POLL_MS);
    }
  }
  return steps;
}

async function runByHand(context: WorkerContext, lane: Lane, stored: StoredJob, run: StepRun): Promise<void> {
  try {
    if (stored.deferredFailure !== undefined) {
      await reportPoison(context, stored, run.onDead);
      throw new UnrecoverableError(stored.deferredFailure);
    }
    await processStep(context, lane, stored, run);
    await stored.moveToCompleted(undefined, run.token, false);
  } catch (error) {
    if (error instanceof DelayedError) return;
    await stored.moveToFailed(error instanceof Error ? error : new Error(messageOf(error)), run.token, false);
  }
}
