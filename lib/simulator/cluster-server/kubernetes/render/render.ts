/** Records of the world as Kubernetes JSON (without `kind` and `apiVersion`, which depend on where it is shown). */
import { isAvailable } from '../../../world/kubernetes/deployment-controller.ts';
import { budgetStatus } from '../../../world/kubernetes/disruption-budgets.ts';
import type {
  ApiRecord,
  DeploymentRecord,
  DisruptionBudgetRecord,
  PodAutoscalerRecord,
} from '../../../world/state/records.ts';
import { isoSeconds } from '../../../world/state/state.ts';
import type { WorldState } from '../../../world/state/state.ts';
import { metadataOf } from './metadata.ts';
import { renderNode } from './node.ts';
import { podSpec, renderPod } from './pod.ts';
import { leaderLabels, renderLeaderWorkerSet, renderStatefulSet } from './sets.ts';

const KEDA = 'keda.sh/v1alpha1';

/** The object that `record` is in the API. */
export function render(state: WorldState, record: ApiRecord): object {
  if (record.kind === 'pods') return renderPod(record);
  if (record.kind === 'nodes') return renderNode(record);
  if (record.kind === 'deployments') return renderWorkload(record);
  if (record.kind === 'poddisruptionbudgets') return renderBudget(state, record);
  if (record.kind === 'horizontalpodautoscalers') return renderPodAutoscaler(record);
  return { metadata: { ...metadataOf(record), annotations: record.annotations }, spec: record.spec };
}

function renderWorkload(deployment: DeploymentRecord): object {
  if (deployment.servedAs === 'statefulsets') return renderStatefulSet(deployment);
  if (deployment.servedAs === 'leaderworkersets') return renderLeaderWorkerSet(deployment);
  return renderDeployment(deployment);
}

function renderDeployment(deployment: DeploymentRecord) {
  return {
    metadata: { ...metadataOf(deployment), labels: deployment.labels, annotations: deployment.annotations },
    spec: {
      replicas: deployment.replicas,
      selector: { matchLabels: deployment.podLabels },
      template: { metadata: { creationTimestamp: null, labels: deployment.podLabels }, spec: podSpec(deployment) },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    },
    status: deploymentStatus(deployment),
  };
}

// As in the real API, counts that are zero are left out.
function deploymentStatus(deployment: DeploymentRecord) {
  const { status } = deployment;
  const missing = Math.max(0, deployment.replicas - status.readyReplicas);
  const counts = {
    replicas: status.replicas,
    updatedReplicas: status.updatedReplicas,
    readyReplicas: status.readyReplicas,
    availableReplicas: status.readyReplicas,
    unavailableReplicas: missing,
    terminatingReplicas: status.terminatingReplicas,
  };
  return {
    observedGeneration: status.observedGeneration,
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
    conditions: deploymentConditions(deployment),
  };
}

function deploymentConditions(deployment: DeploymentRecord) {
  const available = isAvailable(deployment, deployment.status);
  const since = isoSeconds(deployment.status.availableChangedMs);
  const created = isoSeconds(deployment.createdMs);
  return [
    {
      type: 'Available',
      status: available ? 'True' : 'False',
      lastUpdateTime: since,
      lastTransitionTime: since,
      reason: available ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
      message: `Deployment ${available ? 'has' : 'does not have'} minimum availability.`,
    },
    {
      type: 'Progressing',
      status: 'True',
      lastUpdateTime: created,
      lastTransitionTime: created,
      reason: 'NewReplicaSetAvailable',
      message: `ReplicaSet "${deployment.name}-${deployment.templateHash}" has successfully progressed.`,
    },
  ];
}

/** The ReplicaSet that stands between a Deployment and its pods; it exists only in answers. */
export function renderReplicaSet(deployment: DeploymentRecord) {
  const labels = { ...deployment.podLabels, 'pod-template-hash': deployment.templateHash };
  const { replicas, readyReplicas } = deployment.status;
  return {
    metadata: {
      ...metadataOf(deployment),
      name: `${deployment.name}-${deployment.templateHash}`,
      uid: deployment.replicaSetUid,
      labels,
      ownerReferences: [ownerOf('Deployment', deployment)],
    },
    spec: { replicas: deployment.replicas, selector: { matchLabels: labels } },
    status: { replicas, ...(readyReplicas > 0 ? { readyReplicas, availableReplicas: readyReplicas } : {}) },
  };
}

function ownerOf(kind: string, owner: { readonly name: string; readonly uid: string }) {
  return {
    apiVersion: 'apps/v1',
    kind,
    name: owner.name,
    uid: owner.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** The scale subresource. As in the real API, `spec.replicas` is left out when it is 0. */
export function renderScale(deployment: DeploymentRecord) {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = {
    namespace: deployment.namespace,
    ...metadataOf(deployment),
  };
  const selector = Object.entries(scaleSelector(deployment)).map(([key, value]) => `${key}=${value}`);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: deployment.replicas === 0 ? {} : { replicas: deployment.replicas },
    status: { replicas: deployment.status.replicas, selector: selector.join(',') },
  };
}

/** A LeaderWorkerSet has only its leaders counted. */
function scaleSelector(deployment: DeploymentRecord) {
  return deployment.servedAs === 'leaderworkersets' ? leaderLabels(deployment) : deployment.podLabels;
}

function renderBudget(state: WorldState, budget: DisruptionBudgetRecord) {
  const { minAvailable, maxUnavailable } = budget;
  return {
    metadata: metadataOf(budget),
    spec: {
      ...(minAvailable === undefined ? {} : { minAvailable }),
      ...(maxUnavailable === undefined ? {} : { maxUnavailable }),
      selector: { matchLabels: budget.matchLabels },
    },
    status: { observedGeneration: budget.generation, ...budgetStatus(state, budget) },
  };
}

function renderPodAutoscaler(autoscaler: PodAutoscalerRecord) {
  const { owner } = autoscaler;
  return {
    metadata: {
      ...metadataOf(autoscaler),
      annotations: autoscaler.annotations,
      ...(owner === undefined ? {} : { ownerReferences: [{ ...ownerOf('ScaledObject', owner), apiVersion: KEDA }] }),
    },
    spec: {
      ...autoscaler.spec,
      metrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
        },
      ],
    },
    status: { currentReplicas: 0, desiredReplicas: 0, currentMetrics: null },
  };
}
