/** Pods as Kubernetes JSON. */
import { GPU_RESOURCE } from '../../../world/state/records.ts';
import type { DeploymentRecord, PodRecord, PriorityClass } from '../../../world/state/records.ts';
import { isoSeconds } from '../../../world/state/state.ts';

/** The pod as the API shows it. */
export function renderPod(pod: PodRecord) {
  return {
    metadata: podMetadata(pod),
    spec: { ...podSpec(pod.deployment), ...(pod.node === undefined ? {} : { nodeName: pod.node.name }) },
    status: {
      phase: pod.phase,
      conditions: conditionsOf(pod),
      ...(pod.nominated === undefined ? {} : { nominatedNodeName: pod.nominated.name }),
      ...(pod.node === undefined ? {} : placedStatus(pod)),
      qosClass: 'BestEffort',
    },
  };
}

function podMetadata(pod: PodRecord) {
  const { deployment, deletion } = pod;
  return {
    name: pod.name,
    generateName: pod.ordinal === undefined ? `${deployment.name}-${pod.templateHash}-` : `${deployment.name}-`,
    namespace: pod.namespace,
    uid: pod.uid,
    resourceVersion: String(pod.resourceVersion),
    creationTimestamp: isoSeconds(pod.createdMs),
    ...(deletion === undefined
      ? {}
      : {
          // The time by which it must be gone, not the time of the request.
          deletionTimestamp: isoSeconds(deletion.requestedMs + deletion.graceSec * 1000),
          deletionGracePeriodSeconds: deletion.graceSec,
        }),
    labels: pod.labels,
    ...(Object.keys(pod.annotations).length === 0 ? {} : { annotations: pod.annotations }),
    ownerReferences: [{ apiVersion: 'apps/v1', ...controllerOf(pod), controller: true, blockOwnerDeletion: true }],
  };
}

/** A LeaderWorkerSet has a StatefulSet of its leaders, and one of the workers of each. */
function controllerOf({ deployment, templateHash, replicaSetUid, ordinal }: PodRecord) {
  const { name, uid } = deployment;
  if (ordinal === undefined) return { kind: 'ReplicaSet', name: `${name}-${templateHash}`, uid: replicaSetUid };
  if (deployment.servedAs === 'statefulsets') return { kind: 'StatefulSet', name, uid };
  const owner = ordinal.member === 0 ? name : `${name}-${ordinal.replica}`;
  return { kind: 'StatefulSet', name: owner, uid: `${replicaSetUid}-${owner}` };
}

/** The pod spec of a Deployment's template. */
export function podSpec(deployment: DeploymentRecord) {
  const gpus = { [GPU_RESOURCE]: String(deployment.gpusPerPod) };
  return {
    containers: [
      {
        name: 'engine',
        image: deployment.image,
        resources: deployment.gpusPerPod > 0 ? { limits: gpus, requests: gpus } : {},
        imagePullPolicy: 'IfNotPresent',
      },
    ],
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: deployment.terminationGracePeriodSec,
    dnsPolicy: 'ClusterFirst',
    schedulerName: 'default-scheduler',
    ...priorityOf(deployment.priority),
    ...(Object.keys(deployment.nodeSelector).length === 0 ? {} : { nodeSelector: deployment.nodeSelector }),
    tolerations: deployment.tolerations,
  };
}

// As the admission of the real API fills them in.
function priorityOf({ name, value, preempts }: PriorityClass) {
  return {
    ...(name === '' ? {} : { priorityClassName: name }),
    priority: value,
    preemptionPolicy: preempts ? 'PreemptLowerPriority' : 'Never',
  };
}

function conditionsOf(pod: PodRecord) {
  const created = isoSeconds(pod.createdMs);
  if (pod.node === undefined) {
    if (pod.unschedulable === undefined) return [];
    const failed = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: pod.unschedulable };
    return [{ ...failed, lastProbeTime: null, lastTransitionTime: created }];
  }
  const scheduled = isoSeconds(pod.scheduledMs ?? pod.createdMs);
  const readiness = isoSeconds(pod.ready || pod.loaded ? pod.readyChangedMs : (pod.scheduledMs ?? pod.createdMs));
  return [
    condition('PodReadyToStartContainers', true, scheduled),
    condition('Initialized', true, scheduled),
    condition('Ready', pod.ready, readiness),
    condition('ContainersReady', pod.ready, readiness),
    condition('PodScheduled', true, scheduled),
  ];
}

function condition(type: string, holds: boolean, since: string) {
  const base = { type, status: holds ? 'True' : 'False', lastProbeTime: null, lastTransitionTime: since };
  if (holds) return base;
  return { ...base, reason: 'ContainersNotReady', message: 'containers with unready status: [engine]' };
}

function placedStatus(pod: PodRecord) {
  const running = pod.phase === 'Running';
  return {
    hostIP: '10.0.0.1',
    ...(running ? { podIP: pod.ip, podIPs: [{ ip: pod.ip }] } : {}),
    startTime: isoSeconds(pod.scheduledMs ?? pod.createdMs),
    containerStatuses: [
      {
        name: 'engine',
        image: pod.deployment.image,
        imageID: '',
        ready: pod.ready,
        started: running && !pod.crashed,
        restartCount: pod.restarts,
        state: containerState(pod),
        lastState: pod.restarts > 0 ? { terminated: { exitCode: 1, reason: 'Error' } } : {},
      },
    ],
  };
}

function containerState(pod: PodRecord) {
  if (pod.crashed) {
    const message = `back-off restarting failed container=engine pod=${pod.name}_${pod.namespace}(${pod.uid})`;
    return { waiting: { reason: 'CrashLoopBackOff', message } };
  }
  if (pod.phase === 'Pending') return { waiting: { reason: 'ContainerCreating' } };
  return { running: { startedAt: isoSeconds(pod.startedMs ?? pod.createdMs) } };
}
