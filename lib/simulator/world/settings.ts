/** What a world is made of, as plain data. Every field but the names has a default; units are in the names. */
import type { Labels, PriorityClass, ServedAs, Taint, Toleration, WarmState } from './state/records.ts';

export type DeploymentSettings = {
  readonly name: string;
  /** Default `default`. */
  readonly namespace?: string;
  /** As what the API shows it, and whose controller it has. Default `deployments`; `rollouts` are the custom resource of argoproj.io/v1alpha1. */
  readonly servedAs?: ServedAs;
  /** Default 1. Pods of the initial state are Ready at once where they fit. */
  readonly replicas?: number;
  readonly labels?: Labels;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Labels of the pods, and the selector. Default `{ app: name }`. */
  readonly podLabels?: Labels;
  /** GPUs a pod asks for. Default 1; 0 fits on every Ready node. */
  readonly gpusPerPod?: number;
  /** Pods of one replica of a LeaderWorkerSet (its `size`). Default 1. */
  readonly podsPerReplica?: number;
  /** Of a StatefulSet. Default OrderedReady, as in Kubernetes. */
  readonly podManagement?: 'OrderedReady' | 'Parallel';
  /** Default: none, value 0. */
  readonly priority?: PriorityClass;
  readonly nodeSelector?: Labels;
  /** Default: tolerates every taint of `nvidia.com/gpu`. */
  readonly tolerations?: readonly Toleration[];
  readonly image?: string;
  /** Default 30 s, as in Kubernetes. */
  readonly terminationGracePeriodSec?: number;
  /** How long a Ready pod has work in flight after its deletion; cut by the grace period. Default 0 s. */
  readonly drainSec?: number;
  /** Median time of the image pull, once per node and image. Default 5 s (image on a prepared volume). */
  readonly imagePullSec?: number;
  /** Median time from container start to Ready: weights and engine start. Default 79 s (15 s + 64 s). */
  readonly modelLoadSec?: number;
  /** Share of starts that end in a crash. Default 0. */
  readonly failedStartRatio?: number;
};

export type NodeGroupSettings = {
  readonly name: string;
  /** Default `g5.xlarge` with 1 GPU at 1.006 USD/h. */
  readonly instanceType?: string;
  readonly gpusPerNode?: number;
  readonly usdPerHour?: number;
  readonly market?: 'ON_DEMAND' | 'SPOT';
  /** Default one zone: `eu-west-1a`. Launches go to the zones in turn. */
  readonly zones?: readonly string[];
  /** Defaults 0, 10, 0. The initial nodes are Ready, with GPUs, launched at the start. */
  readonly minSize?: number;
  readonly maxSize?: number;
  readonly desiredSize?: number;
  readonly labels?: Labels;
  readonly taints?: readonly Taint[];
  /** Median time from launch to a Ready node. Default 60 s. */
  readonly bootSec?: number;
  /** From the Ready node to allocatable GPUs (device plugin). Default 10 s. */
  readonly gpuReadySec?: number;
  /** From launch to `InService` in the Auto Scaling group. Default 15 s. */
  readonly inServiceSec?: number;
  /** Default: none. It is full when the world begins. */
  readonly warmPool?: WarmPoolSettings;
  /** Instances the cloud can give this group at a time. Default: no limit. */
  readonly capacity?: number;
  /** Later changes of `capacity`, in seconds from the start. */
  readonly capacityOverTime?: readonly { readonly atSec: number; readonly capacity: number }[];
  /** Subnet addresses left for new instances. Default: no limit. */
  readonly freeAddresses?: number;
  /** Spot reclaims per instance and hour. Default 0. */
  readonly reclaimsPerInstanceHour?: number;
};

export type WarmPoolSettings = {
  /** Default 0. */
  readonly minSize?: number;
  /** Instances of the group and its pool together. Default: the group's maximum. */
  readonly maxPrepared?: number;
  /** Default `Stopped`. */
  readonly poolState?: WarmState;
  /** Default false. */
  readonly reuseOnScaleIn?: boolean;
  /** Median time from leaving the pool to a Ready node. Default 25 s. */
  readonly startSec?: number;
  /** Whether nodes of instances that go back stay in the cluster, NotReady. Default false. */
  readonly keepsNodes?: boolean;
};

export type DisruptionBudgetSettings = {
  readonly name: string;
  readonly namespace?: string;
  readonly matchLabels: Labels;
  /** Exactly one of the two; a number or a percentage such as `"50%"`. */
  readonly minAvailable?: number | string;
  readonly maxUnavailable?: number | string;
};

export type PodAutoscalerSettings = {
  readonly name: string;
  readonly namespace?: string;
  readonly deployment: string;
  readonly minReplicas?: number;
  readonly maxReplicas: number;
  /** As the API has it. */
  readonly behavior?: Readonly<Record<string, unknown>>;
};

/** Bounds of KEDA when left out: 0 and 100. */
export type ScaledObjectSettings = {
  readonly name: string;
  readonly namespace?: string;
  readonly deployment: string;
  readonly minReplicaCount?: number;
  readonly maxReplicaCount?: number;
  readonly annotations?: Readonly<Record<string, string>>;
};

export type WorldSettings = {
  /** Default `prod`. */
  readonly cluster?: string;
  readonly region?: string;
  readonly accountId?: string;
  /** Seeds every random draw. Default 1. */
  readonly seed?: number;
  /** Spread of the drawn durations (lognormal sigma). Default 0: always the median; 0.3 looks like real fleets. */
  readonly durationSigma?: number;
  /** GPUs the account may run, over all groups. Default: no limit. */
  readonly gpuQuota?: number;
  readonly deployments?: readonly DeploymentSettings[];
  readonly nodeGroups?: readonly NodeGroupSettings[];
  readonly disruptionBudgets?: readonly DisruptionBudgetSettings[];
  readonly podAutoscalers?: readonly PodAutoscalerSettings[];
  readonly scaledObjects?: readonly ScaledObjectSettings[];
  /** Reaction time of the Deployment controller and scheduler. Default 20 ms. */
  readonly controllerDelayMs?: number;
  /** From the end of a pod's work to its disappearance. Default 100 ms. */
  readonly kubeletDelayMs?: number;
  /** Reaction time of an Auto Scaling group to a changed size. Default 1 s. */
  readonly scalingDelaySec?: number;
  /** Pause between launch attempts after a failed one. Default 60 s. */
  readonly launchRetrySec?: number;
  /** How long a terminating node's pods may take before the instance goes anyway. Default 900 s (EKS). */
  readonly scaleInEvictionSec?: number;
  /** From the end of an instance to its disappearance from its group. Default 30 s. */
  readonly shutdownSec?: number;
  /** When a node that never joined becomes a health issue. Default 900 s. */
  readonly joinTimeoutSec?: number;
  /** Warning time before a spot instance is taken. Default 120 s. */
  readonly spotWarningSec?: number;
  /** From the start of a node group update to the changed Auto Scaling group, and to its end. Defaults 2 s and 10 s. */
  readonly updateApplySec?: number;
  readonly updateSec?: number;
  /** Whether UpdateNodegroupConfig is refused while DEGRADED; both were reported of EKS. Default false. */
  readonly refuseUpdateWhenDegraded?: boolean;
  /** Shortest billed time of an instance. Default 60 s. */
  readonly billedSecMin?: number;
};

/** {@link WorldSettings} with the world-wide defaults filled in. */
export type ResolvedSettings = Required<
  Omit<WorldSettings, 'deployments' | 'nodeGroups' | 'disruptionBudgets' | 'podAutoscalers' | 'scaledObjects'>
>;

/** The documented defaults of the world-wide settings. */
export const WORLD_DEFAULTS: ResolvedSettings = {
  cluster: 'prod',
  region: 'eu-west-1',
  accountId: '123456789012',
  seed: 1,
  durationSigma: 0,
  gpuQuota: Infinity,
  controllerDelayMs: 20,
  kubeletDelayMs: 100,
  scalingDelaySec: 1,
  launchRetrySec: 60,
  scaleInEvictionSec: 900,
  shutdownSec: 30,
  joinTimeoutSec: 900,
  spotWarningSec: 120,
  updateApplySec: 2,
  updateSec: 10,
  refuseUpdateWhenDegraded: false,
  billedSecMin: 60,
};
