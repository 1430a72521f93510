/** Nodes: joining, readiness, GPUs, cordons, leaving. */
import { drawUuid } from '../state/draws.ts';
import { endPod, deletePod, removePod, updateReadiness } from './pod-lifecycle.ts';
import type { InstanceRecord, NodeRecord } from '../state/records.ts';
import { planIn, touch } from '../state/state.ts';
import type { WorldState } from '../state/state.ts';

/** Pods of a NotReady node are deleted after this time (default toleration of Kubernetes). */
const NOT_READY_TOLERATION_MS = 300_000;

/** Registers the node of `instance`, NotReady and without GPUs. */
export function joinNode(state: WorldState, instance: InstanceRecord): NodeRecord {
  const { group } = instance;
  const index = state.nodesCreated++;
  const name = `ip-10-0-${(index >> 8) & 255}-${index & 255}.${state.settings.region}.compute.internal`;
  const node: NodeRecord = {
    kind: 'nodes',
    name,
    uid: drawUuid(state.draws.names),
    createdMs: state.nowMs,
    resourceVersion: 0,
    instance,
    labels: {
      'eks.amazonaws.com/capacityType': group.market,
      'eks.amazonaws.com/nodegroup': group.name,
      'kubernetes.io/arch': 'amd64',
      'kubernetes.io/hostname': name,
      'kubernetes.io/os': 'linux',
      'node.kubernetes.io/instance-type': group.instanceType,
      'topology.kubernetes.io/region': state.settings.region,
      'topology.kubernetes.io/zone': instance.zone,
      ...group.labels,
    },
    annotations: {},
    taints: group.taints,
    unschedulable: false,
    ready: false,
    readyChangedMs: state.nowMs,
    gpusAllocatable: 0,
    gpusUsed: 0,
    images: new Map(),
    pods: new Set(),
    whenEmpty: undefined,
  };
  instance.node = node;
  state.nodes.set(name, node);
  touch(state, node, 'ADDED');
  return node;
}

/** Sets the Ready condition. Pods lose and regain theirs with it; those of a node that stays NotReady are deleted. */
export function setNodeReady(state: WorldState, node: NodeRecord, ready: boolean): void {
  if (node.ready === ready || !isThere(state, node)) return;
  node.ready = ready;
  node.readyChangedMs = state.nowMs;
  changed(state, node);
  for (const pod of node.pods) updateReadiness(state, pod);
  const since = node.readyChangedMs;
  if (ready) for (const pod of node.pods) endPod(state, pod);
  else planIn(state, NOT_READY_TOLERATION_MS, () => giveUpOn(state, node, since));
}

function giveUpOn(state: WorldState, node: NodeRecord, sinceMs: number): void {
  if (node.ready || node.readyChangedMs !== sinceMs) return;
  for (const pod of node.pods) deletePod(state, pod);
}

/** Makes the GPUs of the node's instance type allocatable. */
export function offerGpus(state: WorldState, node: NodeRecord): void {
  if (!isThere(state, node)) return;
  node.gpusAllocatable = node.instance.group.gpusPerNode;
  changed(state, node);
}

/** Cordons or uncordons. */
export function setUnschedulable(state: WorldState, node: NodeRecord, unschedulable: boolean): void {
  if (node.unschedulable === unschedulable) return;
  node.unschedulable = unschedulable;
  changed(state, node);
}

/** Taints the node against new pods. */
export function addTaint(state: WorldState, node: NodeRecord, key: string): void {
  if (node.taints.some((taint) => taint.key === key)) return;
  node.taints = [...node.taints, { key, effect: 'NoSchedule' }];
  changed(state, node);
}

/** Takes a taint away again. */
export function removeTaint(state: WorldState, node: NodeRecord, key: string): void {
  if (!node.taints.some((taint) => taint.key === key)) return;
  node.taints = node.taints.filter((taint) => taint.key !== key);
  changed(state, node);
}

/** Cordons the node and deletes its pods within their grace periods, without asking any disruption budget. */
export function expelPods(state: WorldState, node: NodeRecord): void {
  setUnschedulable(state, node, true);
  for (const pod of node.pods) deletePod(state, pod);
}

/** Takes the node and everything on it out of the cluster. */
export function removeNode(state: WorldState, node: NodeRecord): void {
  if (!isThere(state, node)) return;
  node.whenEmpty = undefined;
  for (const pod of node.pods) removePod(state, pod);
  state.nodes.delete(node.name);
  node.instance.node = undefined;
  state.nodesChanged = true;
  touch(state, node, 'DELETED');
}

/** Marks a change of `node` that may let pending pods in. */
export function changed(state: WorldState, node: NodeRecord): void {
  state.nodesChanged = true;
  touch(state, node);
}

function isThere(state: WorldState, node: NodeRecord): boolean {
  return state.nodes.get(node.name) === node;
}
