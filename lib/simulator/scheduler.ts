/** First-fit placement of pending pods. */
import { hasLabels } from './labels.ts';
import { GPU_RESOURCE } from './records.ts';
import type { DeploymentRecord, NodeRecord, PodRecord, Taint } from './records.ts';
import { placePod } from './pod-lifecycle.ts';
import { touch } from './state.ts';
import type { WorldState } from './state.ts';

/** Places every pending pod on the first node, in the order of their creation, that takes it; else says why none does. */
export function schedulePending(state: WorldState): void {
  // Pods of one Deployment are alike and a pass only fills nodes: when one does not fit, the later ones do not either.
  const refused = new Map<DeploymentRecord, string>();
  for (const pod of state.pendingPods) {
    const known = refused.get(pod.deployment);
    const node = known === undefined ? firstFit(state, pod) : undefined;
    if (node !== undefined) {
      placePod(state, pod, node);
      continue;
    }
    const message = known ?? explain(state, pod);
    refused.set(pod.deployment, message);
    if (pod.unschedulable === message) continue;
    pod.unschedulable = message;
    touch(state, pod);
  }
}

/** The first node that takes `pod` now. */
export function firstFit(state: WorldState, pod: PodRecord): NodeRecord | undefined {
  for (const node of state.nodes.values()) if (obstacleOf(pod, node) === undefined) return node;
  return undefined;
}

function explain(state: WorldState, pod: PodRecord): string {
  const reasons = new Map<string, number>();
  for (const node of state.nodes.values()) {
    const obstacle = obstacleOf(pod, node) ?? '';
    reasons.set(obstacle, (reasons.get(obstacle) ?? 0) + 1);
  }
  const counted = [...reasons].map(([reason, count]) => `${count} ${reason}`).toSorted();
  if (state.nodes.size === 0) return 'no nodes available to schedule pods';
  return `0/${state.nodes.size} nodes are available: ${counted.join(', ')}.`;
}

/** Why `node` does not take `pod`, in the scheduler's words; undefined when it does. */
function obstacleOf(pod: PodRecord, node: NodeRecord): string | undefined {
  if (node.unschedulable) return 'node(s) were unschedulable';
  const taints = node.ready && node.taints.length === 0 ? node.taints : effectiveTaints(node);
  const taint = taints.find((one) => one.effect !== 'PreferNoSchedule' && !isTolerated(pod, one));
  if (taint !== undefined) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`;
  if (!hasLabels(node.labels, pod.deployment.nodeSelector)) return "node(s) didn't match Pod's node affinity/selector";
  if (pod.gpus > 0 && node.gpusAllocatable - node.gpusUsed < pod.gpus) return `Insufficient ${GPU_RESOURCE}`;
  return undefined;
}

/** Taints of the node's owner, and those that the node controller keeps for cordoned and NotReady nodes. */
export function effectiveTaints(node: NodeRecord): Taint[] {
  return [
    ...node.taints,
    ...(node.ready ? [] : [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }]),
    ...(node.unschedulable ? [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] : []),
  ];
}

function isTolerated(pod: PodRecord, taint: Taint): boolean {
  return pod.deployment.tolerations.some(
    (toleration) =>
      (toleration.key === undefined || toleration.key === taint.key) &&
      (toleration.effect === undefined || toleration.effect === taint.effect) &&
      (toleration.operator === 'Exists' || (toleration.value ?? '') === (taint.value ?? '')),
  );
}
