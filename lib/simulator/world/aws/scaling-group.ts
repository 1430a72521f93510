/** The Auto Scaling group behind a node group: launches what is missing, terminates what is too much. */
import { beginTermination, isAlive, launchInstance, nextZone, startWarmInstance } from './instance-lifecycle.ts';
import { drawOne } from '../state/draws.ts';
import type { InstanceRecord, LaunchFault, NodeGroupRecord, ScalingActivity, ScalingConfig } from '../state/records.ts';
import { clearLaunchIssues, liveInstances, recordLaunchFailure, recordWarmFailure } from './scaling-activities.ts';
import { isoSeconds, planIn } from '../state/state.ts';
import type { WorldState } from '../state/state.ts';
import { endOneWarm, launchIntoPool, nextWarmInstance, warmInstances, warmPoolSize } from './warm-pool.ts';

/** What a cloud API call answers: a value, or the error it would raise. */
export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** Refuses with an AWS error code. */
export function refuse(code: string, message: string): { ok: false; code: string; message: string } {
  return { ok: false, code, message };
}

/** Compares live instances with the desired size soon; called after every change of either. */
export function scaleSoon(state: WorldState, group: NodeGroupRecord): void {
  if (group.reconcilePlanned) return;
  group.reconcilePlanned = true;
  planIn(state, state.settings.scalingDelaySec * 1000, () => reconcile(state, group));
}

function reconcile(state: WorldState, group: NodeGroupRecord): void {
  group.reconcilePlanned = false;
  const missing = group.size.desiredSize - liveInstances(group).length;
  if (missing > 0) launch(state, group, missing);
  for (let surplus = -missing; surplus > 0; surplus--) terminateAny(state, group);
  fillWarmPool(state, group);
}

function launch(state: WorldState, group: NodeGroupRecord, count: number): void {
  if (state.nowMs < group.nextLaunchMs) return retryLater(state, group);
  for (let launched = 0; launched < count; launched++) {
    const warm = nextWarmInstance(group);
    const fault = warm === undefined ? launchFault(state, group) : startFault(state, warm);
    if (fault !== undefined) {
      recordLaunchFailure(state, group, { fault, zone: nextZone(group) });
      group.nextLaunchMs = state.nowMs + state.settings.launchRetrySec * 1000;
      return retryLater(state, group);
    }
    if (warm === undefined) launchInstance(state, group);
    else startWarmInstance(state, warm);
  }
  clearLaunchIssues(group);
}

function retryLater(state: WorldState, group: NodeGroupRecord): void {
  if (group.retryPlanned) return;
  group.retryPlanned = true;
  planIn(state, group.nextLaunchMs - state.nowMs, () => {
    group.retryPlanned = false;
    reconcile(state, group);
  });
}

function launchFault(state: WorldState, group: NodeGroupRecord): LaunchFault | undefined {
  if (group.launchTemplateBroken) return 'launchTemplate';
  const shortage = shortageOf(state, group);
  if (shortage === 'quota') return shortage;
  return group.freeAddresses <= 0 ? 'insufficientFreeAddresses' : shortage;
}

/** A stopped instance has its address and its image, and needs a machine again. */
function startFault(state: WorldState, instance: InstanceRecord): LaunchFault | undefined {
  return instance.runningSinceMs === undefined ? shortageOf(state, instance.group) : undefined;
}

function shortageOf(state: WorldState, group: NodeGroupRecord): 'quota' | 'insufficientCapacity' | undefined {
  // Terminating instances still hold their capacity and quota until they have stopped.
  const running = [...group.instances.values()].filter((instance) => instance.runningSinceMs !== undefined).length;
  if (runningGpus(state) + group.gpusPerNode > state.settings.gpuQuota) return 'quota';
  return running >= group.capacity ? 'insufficientCapacity' : undefined;
}

/** Launches into the warm pool what it lacks, ends what it has too much. A launch that fails is tried again later, and is nothing that the group suffers from. */
function fillWarmPool(state: WorldState, group: NodeGroupRecord): void {
  const pool = group.warmPool;
  if (pool === undefined) return;
  for (let surplus = warmInstances(group).length - warmPoolSize(group); surplus > 0; surplus--)
    endOneWarm(state, group);
  if (state.nowMs < pool.nextLaunchMs) return;
  while (warmInstances(group).length < warmPoolSize(group)) {
    const fault = launchFault(state, group);
    if (fault === undefined) {
      launchIntoPool(state, group);
      continue;
    }
    recordWarmFailure(state, group, { fault, zone: nextZone(group) });
    pool.nextLaunchMs = state.nowMs + state.settings.launchRetrySec * 1000;
    planIn(state, state.settings.launchRetrySec * 1000, () => scaleSoon(state, group));
    return;
  }
}

function runningGpus(state: WorldState): number {
  let gpus = 0;
  for (const group of state.groups.values()) {
    for (const instance of group.instances.values())
      if (instance.runningSinceMs !== undefined) gpus += group.gpusPerNode;
  }
  return gpus;
}

/** The danger of a lowered desired size: the group picks a victim of its own, blind to load (only protection counts). */
function terminateAny(state: WorldState, group: NodeGroupRecord): void {
  const live = liveInstances(group);
  const candidates = live.filter((instance) => !instance.protectedFromScaleIn);
  const victim = drawOne(state.draws.victims, candidates);
  if (victim === undefined) return;
  const at = isoSeconds(state.nowMs);
  const cause = `At ${at} an instance was taken out of service in response to a difference between desired and actual capacity, shrinking the capacity from ${live.length} to ${live.length - 1}.  At ${at} instance ${victim.id} was selected for termination.`;
  beginTermination(state, victim, { cause, deadlineSec: state.settings.scaleInEvictionSec, isScaleIn: true });
}

/** Changes the sizes, as the console or an update does; the bounds are the caller's to check. A larger desired size
 *  is attempted at once, whatever the pause after an earlier failure. */
export function setSize(state: WorldState, group: NodeGroupRecord, size: ScalingConfig): void {
  if (size.desiredSize > group.size.desiredSize) group.nextLaunchMs = state.nowMs;
  group.size = size;
  scaleSoon(state, group);
}

/** Terminates the named instance. With `decrement` the desired size falls by one, else a replacement is launched.
 *  Asking again while it terminates changes nothing and answers the activity that runs. */
export function terminateInstance(
  state: WorldState,
  instanceId: string,
  options: { readonly decrement: boolean },
): Answer<{ readonly activity: ScalingActivity; readonly group: NodeGroupRecord }> {
  const instance = findInstance(state, instanceId);
  if (instance === undefined) {
    const message = `Instance Id not found - No managed instance found for instance ID: ${instanceId}`;
    return refuse('ValidationError', message);
  }
  const { group } = instance;
  if (instance.lifecycle.startsWith('Warmed')) {
    return refuse(
      'ValidationError',
      `Instance ${instanceId} is in a warm pool; this operation does not work on those.`,
    );
  }
  const running = group.activities.findLast((one) => one.description === `Terminating EC2 instance: ${instanceId}`);
  if (!isAlive(instance) && running !== undefined) return { ok: true, value: { activity: running, group } };
  const { minSize, desiredSize } = group.size;
  if (options.decrement && desiredSize <= minSize) {
    return refuse(
      'ValidationError',
      `Currently, desiredSize equals minSize (${minSize}). Terminating instance without replacement will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.`,
    );
  }
  if (options.decrement) group.size = { ...group.size, desiredSize: desiredSize - 1 };
  const shrinking = options.decrement ? `, shrinking the capacity from ${desiredSize} to ${desiredSize - 1}` : '';
  const cause = `At ${isoSeconds(state.nowMs)} instance ${instanceId} was taken out of service in response to a user request${shrinking}.`;
  const activity = beginTermination(state, instance, {
    cause,
    deadlineSec: state.settings.scaleInEvictionSec,
    isScaleIn: options.decrement,
  });
  return { ok: true, value: { activity, group } };
}

/** The instance, while its group knows it. */
export function findInstance(state: WorldState, instanceId: string): InstanceRecord | undefined {
  for (const group of state.groups.values()) {
    const instance = group.instances.get(instanceId);
    if (instance !== undefined) return instance;
  }
  return undefined;
}
