/** Keeps the number of pods at the wanted replicas and the Deployments' status up to date. */
import { deletionOrder } from './deletion-order.ts';
import { groupsOf, isReplicaReady, matchGroups } from './leader-worker-set-controller.ts';
import { createPod, deletePod } from './pod-lifecycle.ts';
import type { DeploymentRecord, DeploymentStatus, PodRecord } from '../state/records.ts';
import { isRollingOut, rollOn } from './rollout.ts';
import { schedulePending } from './scheduler.ts';
import { matchOrdinals } from './stateful-set-controller.ts';
import { keyOf, planIn, touch } from '../state/state.ts';
import type { WorldState } from '../state/state.ts';

/** Plans one pass of the controllers, a controller delay from now, when something waits for it and none is planned. */
export function settleSoon(state: WorldState): void {
  if (state.settlePlanned || (state.dirtyDeployments.size === 0 && !state.nodesChanged)) return;
  state.settlePlanned = true;
  planIn(state, state.settings.controllerDelayMs, () => settle(state));
}

/** Sets the wanted replicas: a new generation when they differ, nothing otherwise. */
export function setReplicas(state: WorldState, deployment: DeploymentRecord, replicas: number): void {
  if (deployment.replicas === replicas) return;
  deployment.replicas = replicas;
  deployment.generation += 1;
  touch(state, deployment);
  state.dirtyDeployments.add(deployment);
}

function settle(state: WorldState): void {
  state.settlePlanned = false;
  state.nodesChanged = false;
  const dirty = [...state.dirtyDeployments];
  state.dirtyDeployments.clear();
  for (const deployment of dirty) matchReplicas(state, deployment);
  const preempted = schedulePending(state);
  // Creating and deleting marked them again; their status is written now.
  for (const deployment of new Set([...dirty, ...state.dirtyDeployments])) updateStatus(state, deployment);
  state.dirtyDeployments.clear();
  // They are made again, and the places they left are taken, in the next pass.
  for (const deployment of preempted) state.dirtyDeployments.add(deployment);
}

/** Creates missing pods and deletes surplus ones. Terminating pods count for nothing. */
export function matchReplicas(state: WorldState, deployment: DeploymentRecord): void {
  if (deployment.servedAs === 'statefulsets') return untilAtRest(state, () => matchOrdinals(state, deployment));
  if (deployment.servedAs === 'leaderworkersets') return untilAtRest(state, () => matchGroups(state, deployment));
  const active = [...deployment.pods].filter((pod) => pod.deletion === undefined);
  if (isRollingOut(deployment, active)) return rollOn(state, deployment, active);
  for (let count = active.length; count < deployment.replicas; count++) createPod(state, deployment);
  if (active.length <= deployment.replicas) return;
  const surplus = deletionOrder(active, state.nowMs).slice(0, active.length - deployment.replicas);
  for (const pod of surplus) deletePod(state, pod);
}

/** A pod that was not placed is gone at once, which lets the next step be done. */
function untilAtRest(state: WorldState, pass: () => void): void {
  for (let before = -1; before !== state.version;) {
    before = state.version;
    pass();
  }
}

/** Writes the status when it changed. */
export function updateStatus(state: WorldState, deployment: DeploymentRecord): void {
  const before = deployment.status;
  const active = [...deployment.pods].filter((pod) => pod.deletion === undefined);
  const replicas = replicasOf(deployment, active);
  const wasAvailable = isAvailable(deployment, before);
  const now = {
    observedGeneration: deployment.generation,
    replicas: replicas.length,
    updatedReplicas: replicas.filter(([pod]) => pod?.templateHash === deployment.templateHash).length,
    readyReplicas: replicas.filter((pods) => isReplicaReady(deployment, pods)).length,
    terminatingReplicas: deployment.pods.size - active.length,
    availableChangedMs: before.availableChangedMs,
  };
  const changed = isAvailable(deployment, now) !== wasAvailable;
  const status: DeploymentStatus = changed ? { ...now, availableChangedMs: state.nowMs } : now;
  const exists = state.deployments.get(keyOf(deployment)) === deployment;
  if (!exists || JSON.stringify(status) === JSON.stringify(before)) return;
  deployment.status = status;
  touch(state, deployment);
}

/** Each replica with its pods, none terminating. */
function replicasOf(deployment: DeploymentRecord, active: readonly PodRecord[]): readonly (readonly PodRecord[])[] {
  return deployment.podsPerReplica === 1 ? active.map((pod) => [pod]) : groupsOf(active).map(([, pods]) => pods);
}

/** Whether the Available condition holds: at most a quarter (rounded down) of the wanted replicas is missing. */
export function isAvailable(deployment: DeploymentRecord, status: DeploymentStatus): boolean {
  return status.readyReplicas >= deployment.replicas - Math.floor(deployment.replicas / 4);
}
