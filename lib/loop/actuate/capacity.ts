/** When there are no machines: how long a group is not asked again. */
import { groupBackoffMs } from '../../core/nodes/backoff.ts';
import { troubleOf } from '../../core/nodes/trouble.ts';
import type { NodeGroupState } from '../../node-provisioners/contract.ts';
import type { ActuationRecord } from '../../state/contract.ts';
import type { GroupContext } from './contexts.ts';

/** While a shortage lasts its end is looked for so often [ms]: reading costs nothing, and the group may be asked again as soon as a launch succeeded. */
export const SHORTAGE_LOOK_MS = 60_000;

/** Opens the cause of a back-off that the call itself, or its update, brought about. */
export const REFUSED = 'refused: ';

type Backoff = NonNullable<ActuationRecord['capacityBackoff']>;

/** The back-off after one more failure [ms from `nowMs`]. */
export function nextBackoff(
  previous: Backoff | undefined,
  seen: { readonly name: string; readonly cause: string; readonly nowMs: number },
): Backoff {
  const attempts = (previous?.attempts ?? 0) + 1;
  return { untilMs: seen.nowMs + groupBackoffMs(seen.name, attempts), attempts, cause: seen.cause.slice(0, 300) };
}

/** How long no increase may be asked for [ms]; 0 when it may. */
export function shortageWaitMs(record: ActuationRecord, nowMs: number): number {
  return Math.max(0, (record.capacityBackoff?.untilMs ?? 0) - nowMs);
}

/**
 * Takes over what the provisioner says about capacity. A shortage that lasts does not double the back-off while it runs, and is over when the
 * provisioner says nothing of it any more. When a new attempt is due, the attempt itself counts (see `growTo`).
 */
export async function noteCapacity(context: GroupContext, state: NodeGroupState): Promise<void> {
  const { deps, step, job, planned } = context;
  const known = step.record().capacityBackoff;
  const nowMs = deps.clock.nowMs();
  if (state.capacityShortage === null) {
    // A refusal of the call itself leaves no trace in the group: its back-off must run out.
    const refused = known?.cause.startsWith(REFUSED) === true && known.untilMs > nowMs;
    if (known === undefined || refused) return;
    await step.save({ capacityBackoff: undefined });
    deps.log.info('capacity came back', { nodeGroup: job.id, attempts: known.attempts });
    return;
  }
  const retryDue = known !== undefined && known.untilMs <= nowMs;
  if (known !== undefined && (!retryDue || planned.nodes > state.desired)) return;
  const seen = { name: job.id, cause: state.capacityShortage, nowMs };
  await step.save({ capacityBackoff: nextBackoff(known, seen) });
  deps.log.warn('no nodes to be had', {
    nodeGroup: job.id,
    decision: planned.decision,
    cause: state.capacityShortage,
    state: troubleOf(state.capacityShortage),
  });
}
