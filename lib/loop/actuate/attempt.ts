/** How an actuation of a target and of a node group begins and ends: refused, paused or tried, and what was thrown is remembered. */
import type { StepResult } from '../../action-queue/contract.ts';
import type { ActuateDeps } from '../deps.ts';
import { DONE, again, beginStep } from './step.ts';
import type { ActuationStep, StepSubject } from './step.ts';

export type Attempt<Policy> = {
  readonly subject: StepSubject;
  /** Of the queue, from 1 on. */
  readonly attempt: number;
  /** In force; undefined: it is gone, and nothing is done. */
  readonly policy: Policy | undefined;
  /** Why nothing may be written; undefined: it may. */
  readonly refusal: string | undefined;
};

/** Opens the record and acts, unless refused or paused. Throws what `act` throws, after recording it, and TransientError without a store. */
export async function attempt<Policy>(
  deps: ActuateDeps,
  of: Attempt<Policy>,
  act: (step: ActuationStep, policy: Policy) => Promise<StepResult>,
): Promise<StepResult> {
  const step = await beginStep(deps, of.subject);
  if (of.refusal !== undefined || of.policy === undefined) {
    await step.end('refused', of.refusal ?? '');
    return DONE;
  }
  const pauseMs = step.pauseMs(of.attempt);
  if (pauseMs > 0) return again(pauseMs);
  try {
    return await act(step, of.policy);
  } catch (error) {
    await step.fail(error);
    throw error;
  }
}
