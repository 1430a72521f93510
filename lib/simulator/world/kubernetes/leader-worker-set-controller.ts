/** Groups of pods that live and die together, as the LeaderWorkerSet controller keeps them (`RecreateGroupOnPodRestart`, `LeaderCreated`). */
import { createPod, deletePod } from './pod-lifecycle.ts';
import type { DeploymentRecord, PodRecord } from '../state/records.ts';
import type { WorldState } from '../state/state.ts';

/**
 * One pass: whole groups from number 0 on, all pods of one at once; surplus ones go, those with the highest numbers. A group that lost a pod goes whole
 * and comes back whole, once its last pod is gone. A rollout replaces one group at a time, the highest number first.
 */
export function matchGroups(state: WorldState, set: DeploymentRecord): void {
  const groups = new Map(groupsOf([...set.pods]));
  for (const [replica, pods] of groups) {
    const isWhole = pods.length === set.podsPerReplica && pods.every((pod) => pod.deletion === undefined);
    if (replica >= set.replicas || !isWhole) for (const pod of pods) deletePod(state, pod);
  }
  const there = new Set([...set.pods].map((pod) => pod.ordinal?.replica));
  for (let replica = 0; replica < set.replicas; replica++) {
    if (there.has(replica)) continue;
    for (let member = 0; member < set.podsPerReplica; member++) createPod(state, set, { replica, member });
  }
  rollOn(state, set, groups);
}

function rollOn(state: WorldState, set: DeploymentRecord, groups: ReadonlyMap<number, readonly PodRecord[]>): void {
  for (let replica = set.replicas - 1; replica >= 0; replica--) {
    const pods = groups.get(replica) ?? [];
    const isOld = pods.some((pod) => pod.templateHash !== set.templateHash);
    if (isOld) for (const pod of pods) deletePod(state, pod);
    if (isOld || !isReplicaReady(set, pods)) return;
  }
}

/** Pods by the number of their group. */
export function groupsOf(pods: readonly PodRecord[]): readonly (readonly [number, readonly PodRecord[]])[] {
  const groups = new Map<number, PodRecord[]>();
  for (const pod of pods) {
    const replica = pod.ordinal?.replica ?? 0;
    groups.set(replica, [...(groups.get(replica) ?? []), pod]);
  }
  return [...groups];
}

/** Whether all pods of a replica are there and Ready. */
export function isReplicaReady(set: DeploymentRecord, pods: readonly PodRecord[]): boolean {
  return pods.length === set.podsPerReplica && pods.every((pod) => pod.ready && pod.deletion === undefined);
}
