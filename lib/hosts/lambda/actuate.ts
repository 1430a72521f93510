/** The actuate function: works off the action queue until it is empty or the time is over. */
import type { ActionHandler, ActionQueue, ActionWorker, DeadJob } from '../../action-queue/contract.ts';
import { LOCK_MS } from '../../action-queue/contract.ts';
import type { ActuateDeps } from '../../loop/deps.ts';
import { ANSWER_MARGIN_MS, workMs } from './lambda.ts';
import type { LambdaHandler } from './lambda.ts';
import { wokenJobs } from './wake.ts';
import type { CollectingWake } from './wake.ts';

export type ActuateParts = {
  readonly deps: Pick<ActuateDeps, 'clock' | 'log' | 'metrics'> & {
    readonly queue: Pick<ActionQueue, 'depth' | 'wake'>;
  };
  readonly worker: Pick<ActionWorker, 'drain'>;
  readonly actuate: ActionHandler;
  readonly onDead: (dead: DeadJob) => Promise<void>;
  readonly wake: CollectingWake;
};

export type ActuateAnswer = { readonly steps: number; readonly jobsLeft: number };

/** Pause between two looks at a queue with only delayed jobs [ms]: what a new wake waits at most when every allowed invocation is already running. */
const POLL_MS = 200;

/** A step that began must end inside the invocation, at the latest when its lock is over: no step is begun later than this before the timeout [ms]. */
export const STEP_MARGIN_MS = LOCK_MS + ANSWER_MARGIN_MS;

/**
 * Puts the jobs that came with the wake into the queue and drains it, waits for delayed jobs (a node group's update is looked at again after seconds) and drains again, until nothing is left or the time is
 * nearly over; then wakes itself. The number of invocations side by side is bounded by the reserved concurrency, their chain by the queue: no jobs, no wake.
 * Throws TransientError when the queue cannot be reached.
 */
export function actuateHandler(build: () => Promise<ActuateParts>): LambdaHandler<ActuateAnswer> {
  return async (event, context) => {
    const parts = await build();
    const { clock, queue } = parts.deps;
    const jobs = wokenJobs(event);
    if (jobs.length > 0) await queue.wake(jobs);
    let steps = 0;
    let jobsLeft: number;
    for (;;) {
      const deadlineMs = clock.nowMs() + workMs(context, STEP_MARGIN_MS);
      steps += await parts.worker.drain(parts.actuate, { deadlineMs, onDead: parts.onDead });
      await parts.wake.flush();
      jobsLeft = await queue.depth();
      if (jobsLeft === 0 || workMs(context, STEP_MARGIN_MS + POLL_MS) === 0) break;
      await clock.sleep(POLL_MS);
    }
    if (jobsLeft > 0) await parts.wake.actuate();
    await parts.wake.flush();
    parts.deps.metrics.count('actuate_steps_total', steps);
    parts.deps.log.info('action queue was worked off', { steps, jobsLeft });
    return { steps, jobsLeft };
  };
}
