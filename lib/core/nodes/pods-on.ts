/** Which pods of the pool run on which node. */
import type { PoolInput, PoolWorkload } from '../decide-types.ts';
import type { NodeObservation, PodObservation } from '../types.ts';

export type PodOn = { readonly workload: PoolWorkload; readonly pod: PodObservation };

/** Pods of the pool's workloads that are not being deleted, by node name. */
export function podsByNode(input: PoolInput): ReadonlyMap<string, readonly PodOn[]> {
  const byNode = new Map<string, PodOn[]>();
  for (const workload of input.workloads) {
    if (workload.target.kind === 'missing') continue;
    for (const pod of workload.target.pods) {
      if (pod.nodeName === null || pod.terminating) continue;
      const others = byNode.get(pod.nodeName);
      if (others === undefined) byNode.set(pod.nodeName, [{ workload, pod }]);
      else others.push({ workload, pod });
    }
  }
  return byNode;
}

/** True when nothing runs there but these pods, so that what is known of them is all there is to know. */
export function areAll(node: NodeObservation, pods: readonly PodOn[]): boolean {
  return node.podCount === pods.length && pods.length > 0;
}

/** Requests in flight on these pods [requests]; a pod that nobody reports counts as one that is busy. */
export function workOf(pods: readonly PodOn[]): number {
  return pods.reduce((sum, { workload, pod }) => sum + (workload.inFlightByPod?.[pod.name] ?? 1), 0);
}
