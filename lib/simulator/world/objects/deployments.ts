/** Deployments, from settings to records: those of the beginning serve at once. */
import { matchReplicas, updateStatus } from '../kubernetes/deployment-controller.ts';
import { placeReadyPod } from '../kubernetes/pod-lifecycle.ts';
import { firstFit } from '../kubernetes/scheduler.ts';
import type { DeploymentSettings } from '../settings.ts';
import { drawName, drawUuid } from '../state/draws.ts';
import { GPU_RESOURCE } from '../state/records.ts';
import type { DeploymentRecord, PriorityClass, Toleration } from '../state/records.ts';
import { keyOf, touch } from '../state/state.ts';
import type { WorldState } from '../state/state.ts';
import { identity } from './identity.ts';

const NO_PRIORITY: PriorityClass = { name: '', value: 0, preempts: true };

const GPU_TOLERATION: Toleration = { key: GPU_RESOURCE, operator: 'Exists' };

/** Adds a Deployment; its pods are created by the next settling. */
export function addDeployment(state: WorldState, settings: DeploymentSettings): DeploymentRecord {
  const podLabels = settings.podLabels ?? { app: settings.name };
  const deployment: DeploymentRecord = {
    kind: 'deployments',
    servedAs: settings.servedAs ?? 'deployments',
    ...identity(state, settings),
    labels: settings.labels ?? podLabels,
    annotations: { 'deployment.kubernetes.io/revision': '1', ...settings.annotations },
    podLabels,
    templateHash: drawName(state.draws.names, 10),
    replicaSetUid: drawUuid(state.draws.names),
    gpusPerPod: settings.gpusPerPod ?? 1,
    podsPerReplica: settings.podsPerReplica ?? 1,
    podManagement: settings.podManagement ?? 'OrderedReady',
    priority: settings.priority ?? NO_PRIORITY,
    nodeSelector: settings.nodeSelector ?? {},
    tolerations: settings.tolerations ?? [GPU_TOLERATION],
    image: settings.image ?? `registry.example/${settings.name}:1`,
    terminationGracePeriodSec: settings.terminationGracePeriodSec ?? 30,
    drainSec: settings.drainSec ?? 0,
    imagePullSec: settings.imagePullSec ?? 5,
    modelLoadSec: settings.modelLoadSec ?? 79,
    failedStartRatio: settings.failedStartRatio ?? 0,
    failNextStarts: 0,
    replicas: settings.replicas ?? 1,
    generation: 1,
    status: {
      observedGeneration: 0,
      replicas: 0,
      updatedReplicas: 0,
      readyReplicas: 0,
      terminatingReplicas: 0,
      availableChangedMs: state.nowMs,
    },
    pods: new Set(),
  };
  state.deployments.set(keyOf(deployment), deployment);
  state.dirtyDeployments.add(deployment);
  touch(state, deployment, 'ADDED');
  return deployment;
}

/** Creates the Deployment's pods now, and makes those Ready at once that fit. */
export function startServing(state: WorldState, deployment: DeploymentRecord): void {
  // A StatefulSet makes the next pod when the last one is Ready.
  for (let before = -1; before < deployment.pods.size;) {
    before = deployment.pods.size;
    matchReplicas(state, deployment);
    for (const pod of deployment.pods) {
      const node = pod.node === undefined ? firstFit(state, pod) : undefined;
      if (node !== undefined) placeReadyPod(state, pod, node);
    }
  }
  updateStatus(state, deployment);
}
