/** The things a world consists of. Records are changed in place by the world alone; everybody else reads. */

export type Labels = Readonly<Record<string, string>>;
export type Annotations = Readonly<Record<string, string>>;
export type Taint = { readonly key: string; readonly value?: string; readonly effect: string };
export type Toleration = {
  readonly key?: string;
  readonly operator?: 'Exists' | 'Equal';
  readonly value?: string;
  readonly effect?: string;
};

/** The GPU resource of the whole world. */
export const GPU_RESOURCE = 'nvidia.com/gpu';

type Versioned = { readonly uid: string; readonly createdMs: number; resourceVersion: number };

/** Kinds that a world's Deployments may be served as: a custom resource behaves like one, the others have controllers of their own. */
export type ServedAs = 'deployments' | 'rollouts' | 'statefulsets' | 'leaderworkersets';

export type DeploymentRecord = Versioned & {
  readonly kind: 'deployments';
  readonly servedAs: ServedAs;
  readonly namespace: string;
  readonly name: string;
  labels: Labels;
  annotations: Annotations;
  readonly podLabels: Labels;
  /** Of the newest pod template and its ReplicaSet: a rollout changes them. */
  templateHash: string;
  replicaSetUid: string;
  readonly gpusPerPod: number;
  /** Above 1 only of a LeaderWorkerSet. */
  readonly podsPerReplica: number;
  /** Of a StatefulSet: one pod after the other, or all at once. */
  readonly podManagement: 'OrderedReady' | 'Parallel';
  readonly priority: PriorityClass;
  readonly nodeSelector: Labels;
  readonly tolerations: readonly Toleration[];
  readonly image: string;
  readonly terminationGracePeriodSec: number;
  drainSec: number;
  imagePullSec: number;
  modelLoadSec: number;
  failedStartRatio: number;
  /** Starts still to fail for certain, whatever the ratio. */
  failNextStarts: number;
  replicas: number;
  generation: number;
  status: DeploymentStatus;
  /** Pods not yet gone, terminating ones included. */
  readonly pods: Set<PodRecord>;
};

/** What a PriorityClass gives to pods. */
export type PriorityClass = {
  /** Empty: none, and the value is 0. */
  readonly name: string;
  readonly value: number;
  /** False (`preemptionPolicy: Never`): waits for a place like any other. */
  readonly preempts: boolean;
};

/** Which pod of a StatefulSet or LeaderWorkerSet it is: the replica, and its place in it (0: the leader). */
export type Ordinal = { readonly replica: number; readonly member: number };

export type DeploymentStatus = {
  readonly observedGeneration: number;
  readonly replicas: number;
  /** Of the newest template. */
  readonly updatedReplicas: number;
  readonly readyReplicas: number;
  readonly terminatingReplicas: number;
  readonly availableChangedMs: number;
};

export type PodRecord = Versioned & {
  readonly kind: 'pods';
  readonly namespace: string;
  readonly name: string;
  readonly deployment: DeploymentRecord;
  readonly templateHash: string;
  readonly replicaSetUid: string;
  readonly ordinal: Ordinal | undefined;
  labels: Labels;
  annotations: Annotations;
  readonly gpus: number;
  readonly ip: string;
  phase: 'Pending' | 'Running';
  node: NodeRecord | undefined;
  /** Why it could not be placed; undefined before the first attempt and once placed. */
  unschedulable: string | undefined;
  /** The node that others were told to leave for it. */
  nominated: NodeRecord | undefined;
  scheduledMs: number | undefined;
  startedMs: number | undefined;
  /** The model is loaded; Ready when the node is Ready too. */
  loaded: boolean;
  ready: boolean;
  readyChangedMs: number;
  crashed: boolean;
  restarts: number;
  deletion: { readonly requestedMs: number; readonly graceSec: number } | undefined;
  gone: boolean;
};

export type NodeRecord = Versioned & {
  readonly kind: 'nodes';
  readonly name: string;
  readonly instance: InstanceRecord;
  labels: Labels;
  annotations: Annotations;
  taints: readonly Taint[];
  unschedulable: boolean;
  ready: boolean;
  readyChangedMs: number;
  gpusAllocatable: number;
  gpusUsed: number;
  /** Image → when it is on the node [epoch ms]. */
  readonly images: Map<string, number>;
  readonly pods: Set<PodRecord>;
  /** Called once when the last pod has gone, for a terminating instance. */
  whenEmpty: (() => void) | undefined;
};

/** How instances wait in a warm pool. */
export type WarmState = 'Stopped' | 'Hibernated' | 'Running';

export type InstanceLifecycle =
  | 'Pending'
  | 'InService'
  | 'Terminating:Wait'
  | 'Terminating'
  | 'Warmed:Pending'
  | `Warmed:${WarmState}`
  | 'Warmed:Terminating';

/** A warm pool of EC2 Auto Scaling: instances beside the group that have booted once. They are not desired, and not nodes. */
export type WarmPoolRecord = {
  readonly minSize: number;
  /** Instances of the group and the pool together; undefined: the group's maximum. */
  readonly maxPrepared: number | undefined;
  readonly poolState: WarmState;
  readonly reuseOnScaleIn: boolean;
  /** Median time from leaving the pool to a Ready node. */
  readonly startSec: number;
  /** Nodes of instances that go back to the pool stay in the cluster, NotReady. */
  readonly keepsNodes: boolean;
  /** Not before this time [epoch ms] is another launch into the pool attempted. */
  nextLaunchMs: number;
};

export type InstanceRecord = {
  readonly id: string;
  readonly group: NodeGroupRecord;
  readonly zone: string;
  readonly launchedMs: number;
  /** Ended for good [epoch ms]. */
  stoppedMs: number | undefined;
  /** Billed since [epoch ms]; undefined while it waits stopped in a warm pool. */
  runningSinceMs: number | undefined;
  /** Leaves the group for the warm pool. */
  returning: boolean;
  lifecycle: InstanceLifecycle;
  protectedFromScaleIn: boolean;
  node: NodeRecord | undefined;
};

export type LaunchFault = 'insufficientCapacity' | 'insufficientFreeAddresses' | 'quota' | 'launchTemplate';
/** What a started instance may do wrong. */
export type BootFault = 'neverJoins' | 'joinsWithoutGpus';

export type Issue = { readonly code: string; readonly message: string; readonly resourceIds: readonly string[] };

export type ScalingActivity = {
  readonly id: string;
  readonly startMs: number;
  endMs: number | undefined;
  status: 'InProgress' | 'Successful' | 'Failed';
  readonly description: string;
  readonly cause: string;
  readonly statusMessage: string | undefined;
};

export type ScalingConfig = { readonly minSize: number; readonly maxSize: number; readonly desiredSize: number };

export type NodeGroupUpdate = {
  readonly id: string;
  readonly createdMs: number;
  readonly wanted: ScalingConfig;
  status: 'InProgress' | 'Successful' | 'Failed' | 'Cancelled';
  readonly errors: { readonly errorCode: string; readonly errorMessage: string; readonly resourceIds: string[] }[];
};

export type NodeGroupRecord = {
  readonly name: string;
  readonly scalingGroupName: string;
  readonly createdMs: number;
  readonly instanceType: string;
  readonly gpusPerNode: number;
  readonly usdPerHour: number;
  readonly market: 'ON_DEMAND' | 'SPOT';
  readonly zones: readonly string[];
  readonly labels: Labels;
  readonly taints: readonly Taint[];
  bootSec: number;
  gpuReadySec: number;
  readonly inServiceSec: number;
  readonly reclaimsPerInstanceHour: number;
  readonly warmPool: WarmPoolRecord | undefined;
  size: ScalingConfig;
  capacity: number;
  freeAddresses: number;
  /** The launch template names an image that does not exist. */
  launchTemplateBroken: boolean;
  bootFault: { readonly fault: BootFault; remaining: number } | undefined;
  /** Not before this time [epoch ms] is another launch attempted. */
  nextLaunchMs: number;
  /** An instance began to terminate or stopped: the group has to look again. */
  instancesChanged: boolean;
  reconcilePlanned: boolean;
  retryPlanned: boolean;
  readonly instances: Map<string, InstanceRecord>;
  launchedCount: number;
  readonly issues: Map<string, Issue>;
  /** Newest last, at most {@link ACTIVITIES_MAX}. */
  readonly activities: ScalingActivity[];
  readonly updates: Map<string, NodeGroupUpdate>;
  readonly updatesByToken: Map<string, NodeGroupUpdate>;
  updateInProgress: NodeGroupUpdate | undefined;
  nextUpdateFault: UpdateFault | undefined;
  /** Sums of instances that have stopped. */
  stoppedGpuMs: number;
  stoppedInstanceMs: number;
};

export type UpdateFault =
  | { readonly kind: 'hang' }
  | { readonly kind: 'fail'; readonly errorCode: string; readonly errorMessage: string };

/** Scaling activities kept per group: more than any client pages through, bounded for long runs. */
export const ACTIVITIES_MAX = 200;
/** Updates kept per group, with their request tokens. */
export const UPDATES_MAX = 500;

export type DisruptionBudgetRecord = Versioned & {
  readonly kind: 'poddisruptionbudgets';
  readonly namespace: string;
  readonly name: string;
  readonly matchLabels: Labels;
  minAvailable: number | string | undefined;
  maxUnavailable: number | string | undefined;
  generation: number;
};

export type PodAutoscalerRecord = Versioned & {
  readonly kind: 'horizontalpodautoscalers';
  readonly namespace: string;
  readonly name: string;
  annotations: Annotations;
  /** As the API has it: `scaleTargetRef`, bounds, behavior. */
  spec: Readonly<Record<string, unknown>>;
  /** The ScaledObject that made it. */
  readonly owner: ScaledObjectRecord | undefined;
};

/** KEDA's. Its HorizontalPodAutoscaler exists while it is not paused. */
export type ScaledObjectRecord = Versioned & {
  readonly kind: 'scaledobjects';
  readonly namespace: string;
  readonly name: string;
  annotations: Annotations;
  spec: Readonly<Record<string, unknown>>;
};

/** What the Kubernetes API shows. */
export type ApiRecord =
  | DeploymentRecord
  | PodRecord
  | NodeRecord
  | DisruptionBudgetRecord
  | PodAutoscalerRecord
  | ScaledObjectRecord;
export type ApiKind = ApiRecord['kind'];
