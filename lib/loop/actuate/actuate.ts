/** Third stage: one step of one job from the action queue. The job only names what to look at; the newest plan says what to do. */
import type { ActionJob, StepResult } from '../../action-queue/contract.ts';
import { actuateAlert } from './alert.ts';
import { actuateNodeGroup } from './node-group.ts';
import { unlessPaused } from './pause.ts';
import { actuateTarget } from './target.ts';
import type { ActuateDeps } from '../deps.ts';

/**
 * Runs one step of under 3 s. The answer `{done: false}` asks for another one; a thrown retryable error makes the queue back off, any other ends the job.
 * What happened is in the actuation record (`target/WORKLOAD`, `nodeGroup/NAME`), in one log line and in `actuate_results_total{kind, outcome}`.
 * Nothing is written unless the plan and the policy in force both say `act`, and nobody has paused it.
 */
export function actuate(deps: ActuateDeps, job: ActionJob, context: { readonly attempt: number }): Promise<StepResult> {
  if (job.kind === 'alert') return actuateAlert(deps, job);
  return unlessPaused(deps, job, (pausable) =>
    job.kind === 'target' ? actuateTarget(pausable, job, context) : actuateNodeGroup(pausable, job, context),
  );
}
