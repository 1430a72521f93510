/** Pods with numbers, as the real StatefulSet controller keeps them. */
import { createPod, deletePod } from './pod-lifecycle.ts';
import type { DeploymentRecord, PodRecord } from '../state/records.ts';
import type { WorldState } from '../state/state.ts';

/**
 * One pass: missing pods from the lowest number on, surplus ones from the highest, then pods of an older template from the highest. With OrderedReady one at
 * a time: the next comes when all before it are Ready, the next goes when the last is gone. A number is given again once its pod is gone.
 */
export function matchOrdinals(state: WorldState, set: DeploymentRecord): void {
  const isOrdered = set.podManagement === 'OrderedReady';
  const byOrdinal = new Map([...set.pods].map((pod) => [ordinalOf(pod), pod]));
  for (let replica = 0; replica < set.replicas; replica++) {
    const pod = byOrdinal.get(replica);
    if (pod === undefined) createPod(state, set, { replica, member: 0 });
    if (isOrdered && (pod === undefined || !isHealthy(pod))) return;
  }
  const condemned = [...set.pods]
    .filter((pod) => ordinalOf(pod) >= set.replicas)
    .toSorted((a, b) => ordinalOf(b) - ordinalOf(a));
  const firstUnhealthy = condemned.findLast((pod) => !isHealthy(pod));
  for (const pod of condemned) {
    const mustWait = pod.deletion !== undefined || (!pod.ready && pod !== firstUnhealthy);
    if (isOrdered && mustWait) return;
    deletePod(state, pod);
    if (isOrdered) return;
  }
  rollOn(state, set, byOrdinal);
}

/** The next pod of an older template, once those above it are of the newest and Ready. */
function rollOn(state: WorldState, set: DeploymentRecord, byOrdinal: ReadonlyMap<number, PodRecord>): void {
  for (let replica = set.replicas - 1; replica >= 0; replica--) {
    const pod = byOrdinal.get(replica);
    if (pod === undefined || pod.deletion !== undefined) return;
    if (pod.templateHash !== set.templateHash) return deletePod(state, pod);
    if (!isHealthy(pod)) return;
  }
}

function ordinalOf(pod: PodRecord): number {
  return pod.ordinal?.replica ?? 0;
}

function isHealthy(pod: PodRecord): boolean {
  return pod.ready && pod.deletion === undefined;
}
