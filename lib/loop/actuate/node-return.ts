/** Nodes whose instances come back from a warm pool: we cordoned them when they went, and they may take pods again. */
import { DeniedError, NotFoundError, TransientError } from '../../base/errors.ts';
import type { NodeGroupState } from '../../node-provisioners/contract.ts';
import type { ActuationRecord, DrainProgress } from '../../state/contract.ts';
import type { GroupContext } from './contexts.ts';
import type { RecordChange } from './step.ts';

type Lent = NonNullable<ActuationRecord['lent']>;

/** More than a pool holds of those that went last; the oldest are forgotten. */
const LENT_MAX = 50;

/** What the cloud says of an instance may be older than our ending it by so much [ms]: until then it has not come back. */
const GONE_MS_MIN = 60_000;

/** The record's list with one more node that was freed; nothing where instances do not come back. */
export function lentAfter(
  record: ActuationRecord,
  of: { readonly drain: DrainProgress; readonly state: NodeGroupState; readonly nowMs: number },
): RecordChange {
  if (of.state.reusedIds === undefined) return {};
  const { nodeName, instanceId } = of.drain;
  return { lent: [...(record.lent ?? []), { nodeName, instanceId, atMs: of.nowMs }].slice(-LENT_MAX) };
}

/** Uncordons nodes whose instances are in the group again. A node that left the cluster meanwhile joins anew, and is not cordoned. */
export async function welcomeBack({ deps, job, step }: GroupContext, state: NodeGroupState): Promise<void> {
  const { lent = [], drains = [] } = step.record();
  const nowMs = deps.clock.nowMs();
  const isBack = ({ instanceId, atMs }: Lent[number]): boolean =>
    nowMs - atMs > GONE_MS_MIN &&
    (state.reusedIds ?? []).includes(instanceId) &&
    !drains.some((drain) => drain.instanceId === instanceId);
  const back: Lent[number][] = [];
  for (const one of lent.filter(isBack)) {
    const fields = { nodeGroup: job.id, node: one.nodeName };
    try {
      await deps.drainer.uncordon(one.nodeName);
      deps.log.info('node came back from the warm pool and takes pods', fields);
    } catch (error) {
      // The group must grow all the same: the node is tried again with the next look.
      if (error instanceof DeniedError || error instanceof TransientError) {
        deps.log.warn('node came back from the warm pool and is still cordoned', { ...fields, error: error.message });
        continue;
      }
      if (!(error instanceof NotFoundError)) throw error;
    }
    back.push(one);
  }
  if (back.length === 0) return;
  const others = lent.filter((one) => !back.includes(one));
  await step.save({ lent: others.length === 0 ? undefined : others });
}
