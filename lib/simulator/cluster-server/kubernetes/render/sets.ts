/** StatefulSets and LeaderWorkerSets as Kubernetes JSON. */
import type { DeploymentRecord } from '../../../world/state/records.ts';
import { metadataOf } from './metadata.ts';
import { podSpec } from './pod.ts';

export function renderStatefulSet(set: DeploymentRecord) {
  const { status, replicas, podManagement, podLabels } = set;
  const revision = `${set.name}-${set.templateHash}`;
  return {
    metadata: { ...metadataOf(set), labels: set.labels, annotations: set.annotations },
    spec: {
      replicas,
      selector: { matchLabels: podLabels },
      template: { metadata: { labels: podLabels }, spec: podSpec(set) },
      serviceName: set.name,
      podManagementPolicy: podManagement,
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      revisionHistoryLimit: 10,
    },
    status: {
      observedGeneration: status.observedGeneration,
      // Unlike in a Deployment's status, these two are there when they are 0.
      replicas: status.replicas,
      availableReplicas: status.readyReplicas,
      ...(status.readyReplicas > 0 ? { readyReplicas: status.readyReplicas } : {}),
      ...(status.updatedReplicas > 0 ? { updatedReplicas: status.updatedReplicas } : {}),
      currentRevision: revision,
      updateRevision: revision,
      collisionCount: 0,
    },
  };
}

export function renderLeaderWorkerSet(set: DeploymentRecord) {
  const { status, replicas } = set;
  const selector = Object.entries(leaderLabels(set)).map(([key, value]) => `${key}=${value}`);
  return {
    metadata: { ...metadataOf(set), labels: set.labels, annotations: set.annotations },
    spec: {
      replicas,
      leaderWorkerTemplate: {
        size: set.podsPerReplica,
        restartPolicy: 'RecreateGroupOnPodRestart',
        workerTemplate: { metadata: { labels: set.podLabels }, spec: podSpec(set) },
      },
      rolloutStrategy: { type: 'RollingUpdate', rollingUpdateConfiguration: { maxUnavailable: 1, maxSurge: 0 } },
      startupPolicy: 'LeaderCreated',
    },
    status: {
      observedGeneration: status.observedGeneration,
      ...(status.replicas > 0 ? { replicas: status.replicas } : {}),
      ...(status.readyReplicas > 0 ? { readyReplicas: status.readyReplicas } : {}),
      ...(status.updatedReplicas > 0 ? { updatedReplicas: status.updatedReplicas } : {}),
      hpaPodSelector: selector.join(','),
      conditions: [],
    },
  };
}

/** What its Scale selects by. */
export function leaderLabels({ name }: DeploymentRecord) {
  return { 'leaderworkerset.sigs.k8s.io/name': name, 'leaderworkerset.sigs.k8s.io/worker-index': '0' };
}
