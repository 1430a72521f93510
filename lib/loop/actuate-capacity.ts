/** When there are no machines: how long a group is not asked again. */
import type { NodeGroupState } from '../node-provisioners/contract.ts';
import type { ActuationRecord } from '../state/contract.ts';
import type { GroupContext } from './actuate-node-group.ts';
import { jitterRatio } from './actuate-step.ts';

/** 3 minutes doubling to 30: stock-outs last from minutes to hours, and each asking holds up the next group. */
const BACKOFF_MS = 180_000;
const BACKOFF_MS_MAX = 1_800_000;
/** Groups that failed together do not come back together. */
const JITTER_RATIO_MAX = 0.2;

/** Opens the cause of a back-off that the call itself, or its update, brought about. */
export const REFUSED = 'refused: ';

type Backoff = NonNullable<ActuationRecord['capacityBackoff']>;

/** The back-off after one more failure [ms from `nowMs`]. */
export function nextBackoff(
  previous: Backoff | undefined,
  seen: { readonly name: string; readonly cause: string; readonly nowMs: number },
): Backoff {
  const attempts = (previous?.attempts ?? 0) + 1;
  const plainMs = Math.min(BACKOFF_MS * 2 ** Math.min(attempts - 1, 10), BACKOFF_MS_MAX);
  const ms = Math.round(plainMs * (1 + JITTER_RATIO_MAX * jitterRatio(seen.name, attempts)));
  return { untilMs: seen.nowMs + ms, attempts, cause: seen.cause.slice(0, 300) };
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
  deps.log.warn('no capacity', { nodeGroup: job.id, decision: planned.decision, cause: state.capacityShortage });
}
