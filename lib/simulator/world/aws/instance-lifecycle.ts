/** An instance from launch to end: boot, join, GPUs, reclaim, termination. */
import { drawDurationMs } from '../../draws.ts';
import { drawArrivalMs, drawHex } from '../state/draws.ts';
import {
  addTaint,
  expelPods,
  joinNode,
  offerGpus,
  removeNode,
  removeTaint,
  setNodeReady,
} from '../kubernetes/nodes.ts';
import type { BootFault, InstanceRecord, NodeGroupRecord, ScalingActivity } from '../state/records.ts';
import { addActivity, finishActivity, launchCause } from './scaling-activities.ts';
import { planIn } from '../state/state.ts';
import type { WorldState } from '../state/state.ts';

/** A node shows up NotReady this long before it is Ready. */
const REGISTERED_BEFORE_READY_MS = 5_000;

/** An instance that exists since now; nothing is planned for it yet. */
export function createInstance(state: WorldState, group: NodeGroupRecord): InstanceRecord {
  const instance: InstanceRecord = {
    id: `i-0${drawHex(state.draws.names, 16)}`,
    group,
    zone: nextZone(group),
    launchedMs: state.nowMs,
    stoppedMs: undefined,
    runningSinceMs: state.nowMs,
    returning: false,
    lifecycle: 'Pending',
    protectedFromScaleIn: false,
    node: undefined,
  };
  group.launchedCount += 1;
  group.freeAddresses -= 1;
  group.instances.set(instance.id, instance);
  const reclaimMs = drawArrivalMs(state.draws.failures, group.reclaimsPerInstanceHour);
  if (reclaimMs < Infinity) planIn(state, reclaimMs, () => reclaimInstance(state, instance));
  return instance;
}

/** The zone of the next launch: the group's zones in turn. */
export function nextZone(group: NodeGroupRecord): string {
  return group.zones[group.launchedCount % group.zones.length] ?? 'eu-west-1a';
}

/** Launches an instance and plans its way to a Ready node with GPUs. */
export function launchInstance(state: WorldState, group: NodeGroupRecord): InstanceRecord {
  const cause = launchCause(state, group);
  const instance = createInstance(state, group);
  const description = `Launching a new EC2 instance: ${instance.id}`;
  return bringUp(state, instance, { description, cause, bootSec: group.bootSec });
}

/** Takes an instance that waits in the warm pool into the group. */
export function startWarmInstance(state: WorldState, instance: InstanceRecord): InstanceRecord {
  const { group } = instance;
  const cause = launchCause(state, group);
  instance.lifecycle = 'Pending';
  instance.runningSinceMs ??= state.nowMs;
  const description = `Launching a new EC2 instance from warm pool: ${instance.id}`;
  return bringUp(state, instance, { description, cause, bootSec: group.warmPool?.startSec ?? group.bootSec });
}

function bringUp(
  state: WorldState,
  instance: InstanceRecord,
  of: { readonly description: string; readonly cause: string; readonly bootSec: number },
): InstanceRecord {
  const { group } = instance;
  const activity = addActivity(state, group, { status: 'InProgress', description: of.description, cause: of.cause });
  planIn(state, group.inServiceSec * 1000, () => {
    if (instance.lifecycle === 'Pending') instance.lifecycle = 'InService';
    finishActivity(state, activity);
  });
  const fault = takeBootFault(group);
  const sigma = state.settings.durationSigma;
  const bootMs = drawDurationMs(state.draws.durations, { medianSec: of.bootSec, sigma });
  const gpuMs = drawDurationMs(state.draws.durations, { medianSec: group.gpuReadySec, sigma });
  if (fault === 'neverJoins') reportMissingNode(state, instance);
  else planJoin(state, instance, { bootMs, gpuMs: fault === 'joinsWithoutGpus' ? Infinity : gpuMs });
  return instance;
}

function planJoin(state: WorldState, instance: InstanceRecord, times: { bootMs: number; gpuMs: number }): void {
  planIn(state, times.bootMs - REGISTERED_BEFORE_READY_MS, () => {
    if (isAlive(instance) && instance.node === undefined) joinNode(state, instance);
  });
  planIn(state, times.bootMs, () => {
    if (!isAlive(instance) || instance.node === undefined) return;
    removeTaint(state, instance.node, SHUTDOWN_TAINT);
    setNodeReady(state, instance.node, true);
    instance.group.issues.delete(NEVER_JOINED);
  });
  if (times.gpuMs === Infinity) return;
  planIn(state, times.bootMs + times.gpuMs, () => {
    if (instance.node !== undefined) offerGpus(state, instance.node);
  });
}

function takeBootFault(group: NodeGroupRecord): BootFault | undefined {
  if (group.bootFault === undefined) return undefined;
  const { fault } = group.bootFault;
  group.bootFault.remaining -= 1;
  if (group.bootFault.remaining <= 0) group.bootFault = undefined;
  return fault;
}

function reportMissingNode(state: WorldState, instance: InstanceRecord): void {
  planIn(state, state.settings.joinTimeoutSec * 1000, () => {
    if (!isAlive(instance)) return;
    const others = instance.group.issues.get(NEVER_JOINED)?.resourceIds ?? [];
    setMissingNodes(instance.group, [...others, instance.id]);
  });
}

const NEVER_JOINED = 'NodeCreationFailure';

function setMissingNodes(group: NodeGroupRecord, resourceIds: readonly string[]): void {
  const message = 'Instances failed to join the kubernetes cluster';
  if (resourceIds.length === 0) group.issues.delete(NEVER_JOINED);
  else group.issues.set(NEVER_JOINED, { code: NEVER_JOINED, message, resourceIds });
}

export type Termination = {
  readonly cause: string;
  readonly deadlineSec: number;
  readonly waitForDeadline?: boolean;
  /** The group shrinks by it: where instances are reused, this one goes back to the warm pool. */
  readonly isScaleIn?: boolean;
};

/** Begins to terminate: the node is cordoned and its pods are deleted without asking disruption budgets; the instance
 *  goes when they are gone, at the latest after `deadlineSec` [s] (and not before it with `waitForDeadline`). */
export function beginTermination(state: WorldState, instance: InstanceRecord, how: Termination): ScalingActivity {
  instance.lifecycle = 'Terminating:Wait';
  instance.group.instancesChanged = true;
  const activity = addActivity(state, instance.group, {
    status: 'InProgress',
    description: `Terminating EC2 instance: ${instance.id}`,
    cause: how.cause,
  });
  instance.returning = how.isScaleIn === true && instance.group.warmPool?.reuseOnScaleIn === true;
  const { returning } = instance;
  let hasEnded = false;
  // Asked for when the node is empty and again when the time is up.
  const end = (): void => {
    if (hasEnded) return;
    hasEnded = true;
    if (returning) returnToPool(state, instance, activity);
    else endInstance(state, instance, activity);
  };
  const { node } = instance;
  planIn(state, node === undefined ? 0 : how.deadlineSec * 1000, end);
  if (node === undefined) return activity;
  if (how.waitForDeadline !== true) node.whenEmpty = end;
  expelPods(state, node);
  if (node.pods.size === 0) node.whenEmpty?.();
  return activity;
}

/** Stops the instance now: it costs nothing more and its node is gone; its group forgets it after the shutdown. */
export function endInstance(state: WorldState, instance: InstanceRecord, activity?: ScalingActivity): void {
  if (instance.stoppedMs !== undefined) return;
  const { group } = instance;
  instance.stoppedMs = state.nowMs;
  instance.lifecycle = instance.lifecycle.startsWith('Warmed') ? 'Warmed:Terminating' : 'Terminating';
  group.instancesChanged = true;
  stopBilling(state, instance);
  group.freeAddresses += 1;
  const missing = group.issues.get(NEVER_JOINED)?.resourceIds ?? [];
  if (missing.includes(instance.id))
    setMissingNodes(
      group,
      missing.filter((id) => id !== instance.id),
    );
  if (instance.node !== undefined) removeNode(state, instance.node);
  planIn(state, state.settings.shutdownSec * 1000, () => {
    group.instances.delete(instance.id);
    if (activity !== undefined) finishActivity(state, activity);
  });
}

/** From here on it costs nothing. */
function stopBilling(state: WorldState, instance: InstanceRecord): void {
  const { group, runningSinceMs } = instance;
  if (runningSinceMs === undefined) return;
  const billedMs = Math.max(state.settings.billedSecMin * 1000, state.nowMs - runningSinceMs);
  group.stoppedInstanceMs += billedMs;
  group.stoppedGpuMs += billedMs * group.gpusPerNode;
  instance.runningSinceMs = undefined;
}

/** As the cloud's controller taints the node of an instance that is stopped and not gone. */
const SHUTDOWN_TAINT = 'node.cloudprovider.kubernetes.io/shutdown';

function returnToPool(state: WorldState, instance: InstanceRecord, activity: ScalingActivity): void {
  const { group, node } = instance;
  instance.returning = false;
  // Lost meanwhile.
  if (instance.stoppedMs !== undefined) return;
  instance.lifecycle = 'Warmed:Pending';
  group.instancesChanged = true;
  if (node !== undefined && group.warmPool?.keepsNodes === true) {
    node.whenEmpty = undefined;
    addTaint(state, node, SHUTDOWN_TAINT);
    node.gpusAllocatable = 0;
    setNodeReady(state, node, false);
  } else if (node !== undefined) removeNode(state, node);
  planIn(state, state.settings.shutdownSec * 1000, () => {
    finishActivity(state, activity);
    enterPool(state, instance);
  });
}

/** It has booted once and waits. */
export function enterPool(state: WorldState, instance: InstanceRecord): void {
  if (instance.lifecycle !== 'Warmed:Pending') return;
  const poolState = instance.group.warmPool?.poolState ?? 'Stopped';
  instance.lifecycle = `Warmed:${poolState}`;
  instance.group.instancesChanged = true;
  if (poolState !== 'Running') stopBilling(state, instance);
}

/** As AWS Node Termination Handler taints a node at a notice. */
export const NOTICE_TAINTS = {
  spotInterruption: 'aws-node-termination-handler/spot-itn',
  rebalance: 'aws-node-termination-handler/rebalance-recommendation',
} as const;

/** The cloud takes a spot instance back: pods get the warning time, then the instance is gone whatever they do. */
export function reclaimInstance(state: WorldState, instance: InstanceRecord): void {
  if (!isAlive(instance)) return;
  if (instance.node !== undefined) addTaint(state, instance.node, NOTICE_TAINTS.spotInterruption);
  const cause = `At ${new Date(state.nowMs).toISOString()} an instance was taken out of service in response to an EC2 instance rebalance recommendation.`;
  beginTermination(state, instance, { cause, deadlineSec: state.settings.spotWarningSec, waitForDeadline: true });
}

/** Neither terminating nor gone. */
export function isAlive(instance: InstanceRecord): boolean {
  return instance.lifecycle === 'Pending' || instance.lifecycle === 'InService';
}
