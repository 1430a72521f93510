/** From settings to records: what exists when a world begins, and what is added later. */
import { drawName, drawUuid } from './draws.ts';
import { matchReplicas, updateStatus } from './deployment-controller.ts';
import { createInstance } from './instance-lifecycle.ts';
import { joinNode, offerGpus, setNodeReady } from './nodes.ts';
import { placeReadyPod } from './pod-lifecycle.ts';
import { GPU_RESOURCE } from './records.ts';
import type {
  DeploymentRecord,
  DisruptionBudgetRecord,
  NodeGroupRecord,
  PodAutoscalerRecord,
  Toleration,
} from './records.ts';
import { firstFit } from './scheduler.ts';
import { keyOf, planIn, touch } from './state.ts';
import type { WorldState } from './state.ts';
import type {
  DeploymentSettings,
  DisruptionBudgetSettings,
  NodeGroupSettings,
  PodAutoscalerSettings,
} from './world-settings.ts';

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
  matchReplicas(state, deployment);
  for (const pod of deployment.pods) {
    const node = firstFit(state, pod);
    if (node !== undefined) placeReadyPod(state, pod, node);
  }
  updateStatus(state, deployment);
}

/** Adds a node group with its desired nodes Ready, GPUs allocatable. */
export function addNodeGroup(state: WorldState, settings: NodeGroupSettings): NodeGroupRecord {
  const group = groupOf(state, settings);
  state.groups.set(group.name, group);
  for (let count = 0; count < group.size.desiredSize; count++) {
    const instance = createInstance(state, group);
    instance.lifecycle = 'InService';
    const node = joinNode(state, instance);
    setNodeReady(state, node, true);
    offerGpus(state, node);
  }
  for (const { atSec, capacity } of settings.capacityOverTime ?? []) {
    planIn(state, atSec * 1000, () => {
      group.capacity = capacity;
    });
  }
  return group;
}

function groupOf(state: WorldState, settings: NodeGroupSettings): NodeGroupRecord {
  return {
    name: settings.name,
    scalingGroupName: `eks-${settings.name}-${drawUuid(state.draws.names)}`,
    createdMs: state.nowMs,
    instanceType: settings.instanceType ?? 'g5.xlarge',
    gpusPerNode: settings.gpusPerNode ?? 1,
    usdPerHour: settings.usdPerHour ?? 1.006,
    market: settings.market ?? 'ON_DEMAND',
    zones: settings.zones ?? ['eu-west-1a'],
    labels: settings.labels ?? {},
    taints: settings.taints ?? [],
    bootSec: settings.bootSec ?? 60,
    gpuReadySec: settings.gpuReadySec ?? 10,
    inServiceSec: settings.inServiceSec ?? 15,
    reclaimsPerInstanceHour: settings.reclaimsPerInstanceHour ?? 0,
    size: {
      minSize: settings.minSize ?? 0,
      maxSize: settings.maxSize ?? 10,
      desiredSize: settings.desiredSize ?? settings.minSize ?? 0,
    },
    capacity: settings.capacity ?? Infinity,
    freeAddresses: settings.freeAddresses ?? Infinity,
    launchTemplateBroken: false,
    bootFault: undefined,
    nextLaunchMs: 0,
    instancesChanged: false,
    reconcilePlanned: false,
    retryPlanned: false,
    instances: new Map(),
    launchedCount: 0,
    issues: new Map(),
    activities: [],
    updates: new Map(),
    updatesByToken: new Map(),
    updateInProgress: undefined,
    nextUpdateFault: undefined,
    stoppedGpuMs: 0,
    stoppedInstanceMs: 0,
  };
}

/** Adds a PodDisruptionBudget. */
export function addDisruptionBudget(state: WorldState, settings: DisruptionBudgetSettings): DisruptionBudgetRecord {
  const budget: DisruptionBudgetRecord = {
    kind: 'poddisruptionbudgets',
    ...identity(state, settings),
    matchLabels: settings.matchLabels,
    minAvailable: settings.minAvailable,
    maxUnavailable: settings.maxUnavailable,
    generation: 1,
  };
  state.budgets.set(keyOf(budget), budget);
  touch(state, budget, 'ADDED');
  return budget;
}

/** Adds a HorizontalPodAutoscaler, which does nothing here but exist. */
export function addPodAutoscaler(state: WorldState, settings: PodAutoscalerSettings): PodAutoscalerRecord {
  const autoscaler: PodAutoscalerRecord = {
    kind: 'horizontalpodautoscalers',
    ...identity(state, settings),
    deployment: settings.deployment,
    minReplicas: settings.minReplicas ?? 1,
    maxReplicas: settings.maxReplicas,
  };
  state.podAutoscalers.set(keyOf(autoscaler), autoscaler);
  touch(state, autoscaler, 'ADDED');
  return autoscaler;
}

function identity(state: WorldState, settings: { readonly name: string; readonly namespace?: string }) {
  return {
    namespace: settings.namespace ?? 'default',
    name: settings.name,
    uid: drawUuid(state.draws.names),
    createdMs: state.nowMs,
    resourceVersion: 0,
  };
}
