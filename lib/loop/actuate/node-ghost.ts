/** Ends instances that never became nodes: the plan names one because the cluster does not know it, and the cloud must still say so now. */
import type { StepResult } from '../../action-queue/contract.ts';
import { ConflictError } from '../../base/errors.ts';
import type { NodeGroupState } from '../../node-provisioners/contract.ts';
import type { GroupContext } from './contexts.ts';
import { LOWER_AGE_MS_MAX } from './rules.ts';
import { again } from './step.ts';

/** An instance that was ended may still be named for so long [ms]. */
const ENDED_MS = 600_000;

const AGAIN_MS = 1_000;
const BUSY_AGAIN_MS = 10_000;

/** Ends one, with desired lowered by one. Undefined when there is none that may be ended now; below the group's minimum nothing is. */
export async function endGhost(
  context: GroupContext,
  seen: { readonly state: NodeGroupState; readonly desired: number },
): Promise<StepResult | undefined> {
  const { deps, step, plan, planned, policy, provisioner } = context;
  const { state, desired } = seen;
  const named = new Set(state.issues.flatMap((issue) => issue.resourceIds ?? []));
  const pauses = (step.record().drainPauses ?? []).filter((pause) => pause.untilMs > deps.clock.nowMs());
  const ended = new Set(pauses.map((pause) => pause.nodeName));
  const ghost = (planned.ghosts ?? []).find((id) => named.has(id) && !ended.has(id));
  const isFresh = plan.kind === 'full' && deps.clock.nowMs() - plan.atMs <= LOWER_AGE_MS_MAX;
  if (ghost === undefined || !isFresh || desired - 1 < Math.max(state.min, policy.spec.nodes.min)) return undefined;
  try {
    await provisioner.terminate(policy, ghost);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    await step.end('inProgress', `${ghost} never joined and waits: ${error.message}`);
    return again(BUSY_AGAIN_MS);
  }
  const nowMs = deps.clock.nowMs();
  const drainPauses = [...pauses, { nodeName: ghost, untilMs: nowMs + ENDED_MS, reason: 'ended' }];
  const lastWritten = { count: desired - 1, atMs: nowMs };
  await step.end('applied', `${ghost} never became a node and is ended: ${desired} → ${desired - 1} nodes`, {
    lastWritten,
    drainPauses,
  });
  return again(AGAIN_MS);
}
