/** Jobs that were given up: nothing vanishes silently. */
import type { DeadJob } from '../action-queue/contract.ts';
import type { LoopDeps } from './deps.ts';

export type DeadJobDeps = Pick<LoopDeps, 'log' | 'metrics' | 'state' | 'topics' | 'wake'>;

/**
 * A dead alert delivery goes to the dead-letter topic with its reason. A dead resize needs no letter: its actuation record keeps the failure, the alert rule
 * `actuation-failing` tells people, and the next full evaluation wakes the target again.
 */
export async function reportDead(deps: DeadJobDeps, dead: DeadJob): Promise<void> {
  const { job } = dead;
  deps.metrics.count('dead_jobs_total', 1, { kind: job.kind });
  deps.log.error('job was given up', { kind: job.kind, id: job.id, attempts: dead.attempts, error: dead.error });
  if (job.kind !== 'alert') return;
  await deps.state.outbox.put([
    {
      topic: deps.topics.deadLetter,
      key: job.id,
      value: job.payload,
      headers: { reason: `alert hook ${job.hook}: ${dead.error}`.slice(0, 500), attempts: String(dead.attempts) },
    },
  ]);
  await deps.wake.notify();
}
