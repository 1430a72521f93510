/** From settings to records: what exists when a world begins, and what is added later. */
import { drawName, drawUuid } from './state/draws.ts';
import { matchReplicas, updateStatus } from './kubernetes/deployment-controller.ts';
import { createInstance } from './aws/instance-lifecycle.ts';
import { joinNode, offerGpus, setNodeReady } from './kubernetes/nodes.ts';
import { placeReadyPod } from './kubernetes/pod-lifecycle.ts';
import { GPU_RESOURCE } from './state/records.ts';
import type {
  DeploymentRecord,
  DisruptionBudgetRecord,
  NodeGroupRecord,
  PodAutoscalerRecord,
  PriorityClass,
  ScaledObjectRecord,
  Toleration,
  WarmPoolRecord,
} from './state/records.ts';
import { firstFit } from './kubernetes/scheduler.ts';
import { keyOf, planIn, touch } from './state/state.ts';
import type { WorldState } from './state/state.ts';
import type {
  DeploymentSettings,
  DisruptionBudgetSettings,
  NodeGroupSettings,
  PodAutoscalerSettings,
  ScaledObjectSettings,
  WarmPoolSettings,
} from './settings.ts';
import { prepareWarmPool } from './aws/warm-pool.ts';

/** KEDA's own default. */
const KEDA_MAX_REPLICAS = 100;

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
  prepareWarmPool(state, group);
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
    warmPool: warmPoolOf(settings.warmPool),
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

function warmPoolOf(settings: WarmPoolSettings | undefined): WarmPoolRecord | undefined {
  if (settings === undefined) return undefined;
  return {
    minSize: settings.minSize ?? 0,
    maxPrepared: settings.maxPrepared,
    poolState: settings.poolState ?? 'Stopped',
    reuseOnScaleIn: settings.reuseOnScaleIn ?? false,
    startSec: settings.startSec ?? 25,
    keepsNodes: settings.keepsNodes ?? false,
    nextLaunchMs: 0,
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
    annotations: {},
    spec: {
      scaleTargetRef: targetOf(state, settings),
      minReplicas: settings.minReplicas ?? 1,
      maxReplicas: settings.maxReplicas,
      ...(settings.behavior === undefined ? {} : { behavior: settings.behavior }),
    },
    owner: undefined,
  };
  state.podAutoscalers.set(keyOf(autoscaler), autoscaler);
  touch(state, autoscaler, 'ADDED');
  return autoscaler;
}

/** Adds a ScaledObject of KEDA, and the HorizontalPodAutoscaler it makes. */
export function addScaledObject(state: WorldState, settings: ScaledObjectSettings): ScaledObjectRecord {
  const { minReplicaCount, maxReplicaCount } = settings;
  const scaled: ScaledObjectRecord = {
    kind: 'scaledobjects',
    ...identity(state, settings),
    annotations: settings.annotations ?? {},
    spec: {
      scaleTargetRef: targetOf(state, settings),
      ...(minReplicaCount === undefined ? {} : { minReplicaCount }),
      ...(maxReplicaCount === undefined ? {} : { maxReplicaCount }),
      triggers: [{ type: 'cron' }],
    },
  };
  state.scaledObjects.set(keyOf(scaled), scaled);
  touch(state, scaled, 'ADDED');
  followScaledObject(state, scaled);
  return scaled;
}

/** What KEDA's operator does after a change: makes, changes or deletes its HorizontalPodAutoscaler. The count of the target is left alone. */
export function followScaledObject(state: WorldState, scaled: ScaledObjectRecord): void {
  const name = `keda-hpa-${scaled.name}`;
  const key = keyOf({ namespace: scaled.namespace, name });
  const before = state.podAutoscalers.get(key);
  const isPaused =
    scaled.annotations['autoscaling.keda.sh/paused'] === 'true' ||
    scaled.annotations['autoscaling.keda.sh/paused-replicas'] !== undefined;
  if (isPaused) {
    state.podAutoscalers.delete(key);
    if (before !== undefined) touch(state, before, 'DELETED');
    return;
  }
  const { scaleTargetRef, minReplicaCount, maxReplicaCount } = scaled.spec;
  const autoscaler: PodAutoscalerRecord = before ?? {
    kind: 'horizontalpodautoscalers',
    ...identity(state, { name, namespace: scaled.namespace }),
    annotations: {},
    spec: {},
    owner: scaled,
  };
  // An HPA has at least 1; from 0 to 1 is KEDA's own business.
  const minReplicas = Math.max(1, Number(minReplicaCount ?? 0));
  autoscaler.spec = { scaleTargetRef, minReplicas, maxReplicas: Number(maxReplicaCount ?? KEDA_MAX_REPLICAS) };
  state.podAutoscalers.set(key, autoscaler);
  touch(state, autoscaler, before === undefined ? 'ADDED' : 'MODIFIED');
}

function targetOf(state: WorldState, of: { readonly deployment: string; readonly namespace?: string }) {
  const target = state.deployments.get(keyOf({ namespace: of.namespace ?? 'default', name: of.deployment }));
  return target?.servedAs === 'rollouts'
    ? { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: of.deployment }
    : { apiVersion: 'apps/v1', kind: 'Deployment', name: of.deployment };
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
