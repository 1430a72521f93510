/** Rolling updates: pods of an older template are replaced step by step, as the real Deployment controller does it by default. */
import { deletionOrder } from './deletion-order.ts';
import { drawName, drawUuid } from '../state/draws.ts';
import { createPod, deletePod } from './pod-lifecycle.ts';
import type { DeploymentRecord, PodRecord } from '../state/records.ts';
import { touch } from '../state/state.ts';
import type { WorldState } from '../state/state.ts';

/** Share of the wanted replicas that may come on top (rounded up), and that may be missing (rounded down), during a rollout. */
const SURGE_RATIO = 0.25;
const UNAVAILABLE_RATIO = 0.25;

/** Changes the pod template: a new generation, a new ReplicaSet; the controller replaces the pods from its next pass on. */
export function startRollout(state: WorldState, deployment: DeploymentRecord): void {
  deployment.templateHash = drawName(state.draws.names, 10);
  deployment.replicaSetUid = drawUuid(state.draws.names);
  deployment.generation += 1;
  const revision = Number(deployment.annotations[REVISION] ?? 1) + 1;
  deployment.annotations = { ...deployment.annotations, [REVISION]: String(revision) };
  touch(state, deployment);
  state.dirtyDeployments.add(deployment);
}

const REVISION = 'deployment.kubernetes.io/revision';

/** Whether some of `active` (none terminating) are of an older template. */
export function isRollingOut(deployment: DeploymentRecord, active: readonly PodRecord[]): boolean {
  return active.some((pod) => pod.templateHash !== deployment.templateHash);
}

/** One step: new pods as far as the surge allows, then old ones go as far as enough stay Ready, those that are not Ready first. */
export function rollOn(state: WorldState, deployment: DeploymentRecord, active: readonly PodRecord[]): void {
  const { replicas } = deployment;
  const mostPods = replicas + Math.ceil(replicas * SURGE_RATIO);
  const readyMin = replicas - Math.floor(replicas * UNAVAILABLE_RATIO);
  const isNew = (pod: PodRecord): boolean => pod.templateHash === deployment.templateHash;
  const newCount = active.filter(isNew).length;
  const missing = Math.min(replicas - newCount, mostPods - active.length);
  for (let count = 0; count < missing; count++) createPod(state, deployment);
  let spare = active.filter((pod) => pod.ready).length - readyMin;
  let surplus = newCount - replicas;
  const old = active.filter((pod) => !isNew(pod));
  for (const pod of [...deletionOrder(old, state.nowMs), ...deletionOrder(active.filter(isNew), state.nowMs)]) {
    if (isNew(pod) ? surplus-- <= 0 : pod.ready && spare-- <= 0) continue;
    deletePod(state, pod);
  }
}
