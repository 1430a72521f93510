/** Lowers desired by nodes that a stock-out never delivered. Three have to agree: the plan (the cluster has no such nodes, nobody needs them), the newest launch (it failed), and the instances there are. */
import type { StepResult } from '../../action-queue/contract.ts';
import type { NodeGroupState } from '../../node-provisioners/contract.ts';
import type { GroupContext } from './contexts.ts';
import { isPending, sendSizes } from './node-update.ts';
import { LOWER_AGE_MS_MAX } from './rules.ts';

/** Undefined when there is nothing that may be lowered now. The provisioner counts the instances itself, just before it writes. */
export async function lowerUndelivered(
  context: GroupContext,
  seen: { readonly state: NodeGroupState; readonly desired: number },
): Promise<StepResult | undefined> {
  const { deps, step, plan, planned, policy } = context;
  const { state, desired } = seen;
  const undelivered = planned.undelivered ?? 0;
  const isFresh = plan.kind === 'full' && deps.clock.nowMs() - plan.atMs <= LOWER_AGE_MS_MAX;
  const isShort = state.capacityShortage !== null && step.record().capacityBackoff !== undefined;
  if (undelivered === 0 || !isFresh || !isShort || state.desired !== desired) return undefined;
  // An answer that was lost: the same sizes are sent again. Otherwise the plan must have seen what is there.
  const isAgain = isPending(step.record().update);
  const planDesired = planned.observed?.desired ?? 0;
  if (planDesired !== desired && !isAgain) return undefined;
  const to = Math.max(planDesired - undelivered, policy.spec.nodes.min, state.min);
  if (to > desired || (to === desired && !isAgain)) return undefined;
  return sendSizes(context, { sizes: { min: state.min, max: state.max, desired: to }, state, undelivered: true });
}
