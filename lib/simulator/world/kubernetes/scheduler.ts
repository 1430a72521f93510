/** First-fit placement of pending pods, by priority. */
import { hasLabels } from '../state/labels.ts';
import { GPU_RESOURCE } from '../state/records.ts';
import type { DeploymentRecord, NodeRecord, PodRecord, Taint } from '../state/records.ts';
import { placePod } from './pod-lifecycle.ts';
import { preempt } from './preemption.ts';
import { touch } from '../state/state.ts';
import type { WorldState } from '../state/state.ts';

/**
 * Places every pending pod on the first node that takes it, the highest priority first, then in the order of their creation; else pods of lower priority go
 * for it where that makes room, else it says why no node takes it. Returns whose pods were told to go.
 */
export function schedulePending(state: WorldState): ReadonlySet<DeploymentRecord> {
  // Pods of one Deployment are alike and a pass only fills nodes: when one does not fit, the later ones do not either.
  const refused = new Map<DeploymentRecord, string>();
  const preempted = new Set<DeploymentRecord>();
  for (const pod of inOrder(state)) {
    const known = refused.get(pod.deployment);
    const node = known === undefined ? firstFit(state, pod) : undefined;
    if (node !== undefined) {
      placePod(state, pod, node);
      continue;
    }
    const message = known ?? explain(state, pod);
    const victims = known === undefined ? preempt(state, pod, (one) => isFor(pod, one)) : [];
    for (const victim of victims) preempted.add(victim.deployment);
    if (pod.nominated === undefined) refused.set(pod.deployment, message);
    if (pod.unschedulable === message && victims.length === 0) continue;
    pod.unschedulable = message;
    touch(state, pod);
  }
  return preempted;
}

function inOrder({ pendingPods }: WorldState): readonly PodRecord[] {
  return [...pendingPods].toSorted((a, b) => b.deployment.priority.value - a.deployment.priority.value);
}

/** The first node that takes `pod` now. */
export function firstFit(state: WorldState, pod: PodRecord): NodeRecord | undefined {
  const promised = promisedGpus(state, pod);
  for (const node of state.nodes.values()) {
    if (obstacleOf(pod, node, promised.get(node) ?? 0) === undefined) return node;
  }
  return undefined;
}

/** GPUs by node that others were told to leave for pods of at least this priority. */
function promisedGpus(state: WorldState, pod: PodRecord): ReadonlyMap<NodeRecord, number> {
  const promised = new Map<NodeRecord, number>();
  for (const other of state.pendingPods) {
    const { nominated } = other;
    if (nominated === undefined || other === pod) continue;
    if (other.deployment.priority.value < pod.deployment.priority.value) continue;
    promised.set(nominated, (promised.get(nominated) ?? 0) + other.gpus);
  }
  return promised;
}

function explain(state: WorldState, pod: PodRecord): string {
  const promised = promisedGpus(state, pod);
  const reasons = new Map<string, number>();
  for (const node of state.nodes.values()) {
    const obstacle = obstacleOf(pod, node, promised.get(node) ?? 0) ?? '';
    reasons.set(obstacle, (reasons.get(obstacle) ?? 0) + 1);
  }
  const counted = [...reasons].map(([reason, count]) => `${count} ${reason}`).toSorted();
  if (state.nodes.size === 0) return 'no nodes available to schedule pods';
  return `0/${state.nodes.size} nodes are available: ${counted.join(', ')}.`;
}

/** Why `node` does not take `pod`, in the scheduler's words; undefined when it does. `promised`: GPUs that are kept for others. */
function obstacleOf(pod: PodRecord, node: NodeRecord, promised: number): string | undefined {
  const unfit = unfitness(pod, node);
  if (unfit !== undefined) return unfit;
  const free = node.gpusAllocatable - node.gpusUsed - promised;
  return pod.gpus > 0 && free < pod.gpus ? `Insufficient ${GPU_RESOURCE}` : undefined;
}

/** Whether `node` would take `pod` if it were empty. */
function isFor(pod: PodRecord, node: NodeRecord): boolean {
  return unfitness(pod, node) === undefined;
}

function unfitness(pod: PodRecord, node: NodeRecord): string | undefined {
  if (node.unschedulable) return 'node(s) were unschedulable';
  const taints = node.ready && node.taints.length === 0 ? node.taints : effectiveTaints(node);
  const taint = taints.find((one) => one.effect !== 'PreferNoSchedule' && !isTolerated(pod, one));
  if (taint !== undefined) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`;
  if (!hasLabels(node.labels, pod.deployment.nodeSelector)) return "node(s) didn't match Pod's node affinity/selector";
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
