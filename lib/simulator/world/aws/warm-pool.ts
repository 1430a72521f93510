/** The warm pool of an Auto Scaling group: instances that have booted once and wait. The group takes them first. */
import { drawDurationMs } from '../../draws.ts';
import { createInstance, endInstance, enterPool } from './instance-lifecycle.ts';
import type { InstanceRecord, NodeGroupRecord } from '../state/records.ts';
import { addActivity, finishActivity, warmCause } from './scaling-activities.ts';
import { planIn } from '../state/state.ts';
import type { WorldState } from '../state/state.ts';

/** Instances of the pool, those on their way to it included. */
export function warmInstances(group: NodeGroupRecord): InstanceRecord[] {
  return [...group.instances.values()].filter(
    (one) => one.returning || (one.lifecycle.startsWith('Warmed') && one.lifecycle !== 'Warmed:Terminating'),
  );
}

/** How many the pool shall have now: what the group may still grow by, at least its minimum. */
export function warmPoolSize({ warmPool, size }: NodeGroupRecord): number {
  if (warmPool === undefined) return 0;
  return Math.max(warmPool.minSize, (warmPool.maxPrepared ?? size.maxSize) - size.desiredSize);
}

/** The instance that a scale-out takes next; undefined when none is ready. */
export function nextWarmInstance(group: NodeGroupRecord): InstanceRecord | undefined {
  return [...group.instances.values()].find((one) => isWaiting(one));
}

function isWaiting({ lifecycle }: InstanceRecord): boolean {
  return lifecycle === 'Warmed:Stopped' || lifecycle === 'Warmed:Hibernated' || lifecycle === 'Warmed:Running';
}

/** Launches an instance into the pool: it boots as any other, and then waits. */
export function launchIntoPool(state: WorldState, group: NodeGroupRecord): void {
  const instance = createInstance(state, group);
  instance.lifecycle = 'Warmed:Pending';
  const description = `Launching a new EC2 instance into warm pool: ${instance.id}`;
  const activity = addActivity(state, group, { status: 'InProgress', description, cause: warmCause(state) });
  const shape = { medianSec: group.bootSec, sigma: state.settings.durationSigma };
  planIn(state, drawDurationMs(state.draws.durations, shape), () => {
    finishActivity(state, activity);
    enterPool(state, instance);
  });
}

/** Ends one that waits or is on its way to. */
export function endOneWarm(state: WorldState, group: NodeGroupRecord): void {
  const victim = [...group.instances.values()].findLast((one) => isWaiting(one) || one.lifecycle === 'Warmed:Pending');
  if (victim !== undefined) endInstance(state, victim);
}

/** Fills the pool at once, for the beginning of a world. */
export function prepareWarmPool(state: WorldState, group: NodeGroupRecord): void {
  const isRunning = group.warmPool?.poolState === 'Running';
  for (let missing = warmPoolSize(group) - warmInstances(group).length; missing > 0; missing--) {
    const instance = createInstance(state, group);
    instance.lifecycle = 'Warmed:Pending';
    if (!isRunning) instance.runningSinceMs = undefined;
    enterPool(state, instance);
  }
}
