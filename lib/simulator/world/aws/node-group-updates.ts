/** EKS node group updates: checked, asynchronous, one at a time, idempotent by request token. */
import { drawUuid } from '../state/draws.ts';
import { UPDATES_MAX } from '../state/records.ts';
import type { NodeGroupRecord, NodeGroupUpdate, ScalingConfig } from '../state/records.ts';
import { refuse, setSize } from './scaling-group.ts';
import type { Answer } from './scaling-group.ts';
import { planIn } from '../state/state.ts';
import type { WorldState } from '../state/state.ts';

export type NodeGroupStatus = 'ACTIVE' | 'UPDATING' | 'DEGRADED';

/** UPDATING while an update runs, else DEGRADED while there is a health issue. */
export function nodeGroupStatus(group: NodeGroupRecord): NodeGroupStatus {
  if (group.updateInProgress !== undefined) return 'UPDATING';
  return group.issues.size > 0 ? 'DEGRADED' : 'ACTIVE';
}

export type SizeChange = Partial<ScalingConfig> & { readonly token: string };

/** Starts an update of the sizes; omitted ones keep their current value. A known token answers its update again.
 *  Errors: `InvalidParameterException`, `ResourceInUseException`. */
export function startUpdate(state: WorldState, group: NodeGroupRecord, change: SizeChange): Answer<NodeGroupUpdate> {
  const known = group.updatesByToken.get(change.token);
  if (known !== undefined) return { ok: true, value: known };
  const wanted = {
    minSize: change.minSize ?? group.size.minSize,
    maxSize: change.maxSize ?? group.size.maxSize,
    desiredSize: change.desiredSize ?? group.size.desiredSize,
  };
  const problem = problemOf(wanted);
  if (problem !== undefined) return refuse('InvalidParameterException', problem);
  const busy = busyMessage(state, group);
  if (busy !== undefined) return refuse('ResourceInUseException', busy);
  const update: NodeGroupUpdate = {
    id: drawUuid(state.draws.names),
    createdMs: state.nowMs,
    wanted,
    status: 'InProgress',
    errors: [],
  };
  remember(group, update, change.token);
  run(state, group, update);
  return { ok: true, value: update };
}

/** What is wrong with the sizes, in the service's words; undefined when min ≤ desired ≤ max, min ≥ 0, max ≥ 1. */
function problemOf({ minSize, maxSize, desiredSize }: ScalingConfig): string | undefined {
  if (![minSize, maxSize, desiredSize].every(Number.isSafeInteger)) return 'Scaling configuration must be integers';
  if (minSize < 0) return 'Minimum capacity must be greater than or equal to 0';
  if (maxSize < 1) return 'Maximum capacity must be greater than or equal to 1';
  if (minSize > maxSize) return `Minimum capacity ${minSize} can't be greater than maximum size ${maxSize}`;
  if (minSize > desiredSize) return `Minimum capacity ${minSize} can't be greater than desired size ${desiredSize}`;
  if (desiredSize > maxSize) return `desired capacity ${desiredSize} can't be greater than max size ${maxSize}`;
  return undefined;
}

function busyMessage(state: WorldState, group: NodeGroupRecord): string | undefined {
  if (group.updateInProgress !== undefined) {
    return `Nodegroup cannot be updated as it currently has update ${group.updateInProgress.id} in progress`;
  }
  if (!state.settings.refuseUpdateWhenDegraded || group.issues.size === 0) return undefined;
  return 'Nodegroup cannot be updated as it is currently not in Active State';
}

function remember(group: NodeGroupRecord, update: NodeGroupUpdate, token: string): void {
  group.updates.set(update.id, update);
  group.updatesByToken.set(token, update);
  for (const store of [group.updates, group.updatesByToken]) {
    const [oldest] = store.keys();
    if (store.size > UPDATES_MAX && oldest !== undefined) store.delete(oldest);
  }
}

function run(state: WorldState, group: NodeGroupRecord, update: NodeGroupUpdate): void {
  const fault = group.nextUpdateFault;
  group.nextUpdateFault = undefined;
  group.updateInProgress = update;
  if (fault === undefined) {
    planIn(state, state.settings.updateApplySec * 1000, () => setSize(state, group, update.wanted));
  }
  if (fault?.kind === 'hang') return;
  planIn(state, state.settings.updateSec * 1000, () => {
    if (fault?.kind === 'fail') {
      const { errorCode, errorMessage } = fault;
      update.errors.push({ errorCode, errorMessage, resourceIds: [group.scalingGroupName] });
    }
    endUpdate(group, fault === undefined ? 'Successful' : 'Failed');
  });
}

/** Ends the update in progress, if any. */
export function endUpdate(group: NodeGroupRecord, status: 'Successful' | 'Failed' | 'Cancelled'): void {
  if (group.updateInProgress === undefined) return;
  group.updateInProgress.status = status;
  group.updateInProgress = undefined;
}
