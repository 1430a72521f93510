/** The nouns of the decision core, as readonly JSON-serialisable data. */
import type { LeadTimeSec, Start } from './scaling/lead-quantiles.ts';
import type { OpsAlert, ScalingDecision, TrailStep } from '../../events/schema/index.ts';

export type { OpsAlert, ScalingDecision, TrailStep };

/** GPU (and GPU-slice) counts by Kubernetes resource name, such as `nvidia.com/gpu`. */
export type GpuCounts = Readonly<Record<string, number>>;

/** observe: decide and record only. act: apply. paused: neither change nor score. */
export type Mode = 'observe' | 'act' | 'paused';

/** A scalable object in an orchestrator. */
export type TargetRef = {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** `GROUP/VERSION` in Kubernetes, for kinds that are not known by name. */
  readonly apiVersion?: string | undefined;
  /** Its name in paths (`rollouts`), where discovery shall not be asked. */
  readonly resource?: string | undefined;
  /** A second fence in the cluster: every write carries the plan's sequence as an annotation, so that an admission policy can refuse an older one. */
  readonly fence?: 'planSequence' | undefined;
};

// --- readings -----------------------------------------------------------------------------------------------------

/** What a window says of one signal now. Missing has no number to compute with: unknown is never zero. */
export type Reading =
  | {
      readonly kind: 'value';
      readonly value: number;
      /** Covered seconds over expected seconds, 0..1. */
      readonly coverageRatio: number;
      /** Since the end of the newest interval that was heard [ms]. */
      readonly ageMs: number;
      /** Who said so. A gateway or a queue also speaks while no pod exists; taken for a pod when left out. */
      readonly from?: 'pod' | 'gateway' | 'queue';
      /** What it is a mean over [ms], where that matters: for what is read over the shortest span there is. */
      readonly overMs?: number;
    }
  | { readonly kind: 'missing'; readonly reason: string; readonly ageMs: number | null };

/** Signals a window can be read for. Rates are per second; counts are averages over the read span; all are sums over sources. */
export type SignalName =
  | 'inFlight' // requests being processed
  | 'queued' // requests waiting in the servers or the gateway
  | 'requestRate' // arrivals [1/s]
  | 'surgeRate' // arrivals of the last seconds [1/s]
  | 'completionRate' // completions [1/s]
  | 'inputTokenRate' // [tokens/s]
  | 'outputTokenRate' // [tokens/s]
  | 'lateRatio' // first tokens later than the objective, share of all, 0..1
  | 'queueDepth' // messages waiting in a queue
  | 'queueWork' // work waiting, in the unit its source states
  | 'queueAge' // age of the oldest message [s]
  | 'gpuRatio' // mean over sources, 0..1
  | 'kvCacheRatio'; // mean over sources, 0..1

export type Readings = Readonly<Record<SignalName, Reading>>;

// --- snapshot -----------------------------------------------------------------------------------------------------

export type PodObservation = {
  readonly name: string;
  readonly nodeName: string | null;
  readonly ready: boolean;
  readonly createdMs: number;
  /** The scheduler found no node for it. */
  readonly unschedulable: boolean;
  /** Being deleted. */
  readonly terminating: boolean;
  readonly terminationGraceSec: number;
  readonly ip: string | null;
  /** Present where its owner forbids to evict it. */
  readonly evictable?: false;
  /** Of which replica it is, where a replica is several pods and they say so. */
  readonly replica?: string;
  /** Present where the pods of a replica differ, and this one asks for none. */
  readonly withoutGpus?: true;
};

/** What one replica is, where it is several pods: they work together or not at all. */
export type ReplicaShape = {
  readonly pods: number;
  /** Those of them that have GPUs. */
  readonly gpuPods: number;
  /** Of the pod that needs most: each fits on one node. */
  readonly gpusPerPod: GpuCounts;
};

export type TargetObservation =
  | {
      readonly kind: 'observed';
      /** Wanted by the orchestrator's object (`spec.replicas`). */
      readonly replicas: number;
      /** Replicas that are ready, with all their pods. */
      readonly ready: number;
      readonly generation: number;
      readonly resourceVersion: string;
      /** All pods of a replica together. */
      readonly gpusPerReplica: GpuCounts;
      /** Absent: a replica is one pod. */
      readonly replicaShape?: ReplicaShape;
      readonly pods: readonly PodObservation[];
      /** Pods of an old version still exist: a rollout is under way. */
      readonly rolloutInProgress: boolean;
      /** Another autoscaler that owns the count (`HorizontalPodAutoscaler/name`), when there is one. */
      readonly scaledBy: string | null;
    }
  | { readonly kind: 'missing'; readonly reason: string };

export type NodeObservation = {
  readonly name: string;
  readonly instanceId: string | null;
  readonly zone: string | null;
  readonly ready: boolean;
  /** Not cordoned. */
  readonly schedulable: boolean;
  readonly gpusAllocatable: GpuCounts;
  /** Requested by pods bound to it that are not finished. */
  readonly gpusUsed: GpuCounts;
  /** Pods that are neither DaemonSet nor mirror pods. */
  readonly podCount: number;
  readonly createdMs: number;
  /** Somebody said that it goes: its GPUs take nothing any more, and what runs on it needs a place elsewhere. Absent: nobody did. */
  readonly leaving?: NodeLeaving;
};

/** spotInterruption: in 2 minutes. terminating: as soon as it is empty. rebalance: perhaps, some time. maintenance: at a time the cloud has set. */
export type NodeLeaving = 'spotInterruption' | 'terminating' | 'rebalance' | 'maintenance';

export type NodeGroupObservation =
  | {
      readonly kind: 'observed';
      readonly min: number;
      readonly max: number;
      readonly desired: number;
      readonly status: 'active' | 'updating' | 'degraded' | 'creating' | 'deleting' | 'failed';
      readonly nodes: readonly NodeObservation[];
      readonly issues: readonly NodeGroupIssue[];
      /** Placeholder pods there are. */
      readonly placeholders?: number;
      /** Instances that wait in a warm pool: no nodes, not desired, and taken first when it grows. Absent: there is no pool, or it is not seen. */
      readonly warm?: number;
    }
  | { readonly kind: 'missing'; readonly reason: string };

/** What the cloud says is wrong with a node group; `resourceIds` names instances where it is about some. */
export type NodeGroupIssue = {
  readonly code: string;
  readonly message: string;
  readonly resourceIds?: readonly string[];
};

/** What was observed of the cluster for one pool. */
export type Snapshot = {
  /** When it was taken [epoch ms]. */
  readonly atMs: number;
  /**
   * Proven to be whole up to then [epoch ms], where that is earlier than `atMs`: it was kept by watches, which are known to be current only as of the last word of
   * the server. Later changes are mostly in it, too.
   */
  readonly asOfMs?: number;
  /** The cloud described its node groups then [epoch ms], where that is earlier than `atMs`. Nothing is lowered by descriptions that are older than 30 s. */
  readonly groupsAsOfMs?: number;
  /** By workload id. */
  readonly targets: Readonly<Record<string, TargetObservation>>;
  /** By node group policy name. */
  readonly nodeGroups: Readonly<Record<string, NodeGroupObservation>>;
};

// --- plan ---------------------------------------------------------------------------------------------------------

export type PlannedTarget = {
  readonly workload: string;
  readonly ref: TargetRef;
  readonly mode: Mode;
  /** Wanted replicas, absolute. */
  readonly replicas: number;
  /** What the decision saw; null when the target was not observed. */
  readonly observed: { readonly replicas: number; readonly generation: number } | null;
  /** Bounds the actuator checks again before it writes. */
  readonly bounds: { readonly min: number; readonly max: number };
  readonly decision: string;
  /** Pods that shall go first when the count is lowered: those on nodes that become free by it, then those with the least work. Absent: all alike. */
  readonly goFirst?: readonly string[];
  /** Broker's time of the event that led to a raise, for the event-to-patch latency; null or absent when none did [epoch ms]. */
  readonly triggerMs?: number | null;
  /** The evaluation that set the count: only a full one may have lowered it, and only a recent one counts. */
  readonly decided?: { readonly kind: 'leading' | 'full'; readonly atMs: number };
};

export type PlannedNodeGroup = {
  readonly name: string;
  readonly mode: Mode;
  readonly ownership: 'own' | 'floor' | 'buffer' | 'observe';
  /** Wanted nodes, absolute. */
  readonly nodes: number;
  readonly observed: {
    readonly desired: number;
    readonly min: number;
    readonly max: number;
    readonly placeholders?: number;
  } | null;
  readonly bounds: { readonly min: number; readonly max: number };
  /** Ownership `buffer`: wanted placeholder pods. */
  readonly placeholders?: number;
  /** Nodes to free, idle first; empty unless the group shrinks. */
  readonly victims: readonly { readonly nodeName: string; readonly instanceId: string }[];
  /** Instances that never became nodes, as the cloud says too: to be ended. Absent: none. */
  readonly ghosts?: readonly string[];
  /** Nodes that were asked for, never delivered, and are no longer needed: desired may be lowered by them. Absent: none. */
  readonly undelivered?: number;
  readonly decision: string;
};

/** The newest wanted counts of a pool. Actuation reads this and nothing else. */
export type Plan = {
  readonly pool: string;
  /** Strictly increasing per pool: max(previous + 1, nowMs), so that it does not go back when Redis loses its tail. */
  readonly seq: number;
  readonly atMs: number;
  /** `leading`: made on an event with the stored snapshot, may only raise. `full`: made with a fresh snapshot. */
  readonly kind: 'leading' | 'full';
  readonly targets: Readonly<Record<string, PlannedTarget>>;
  readonly nodeGroups: Readonly<Record<string, PlannedNodeGroup>>;
  /** Nodes nobody needs, and since when [epoch ms]: carried from plan to plan, so that a node goes only after it was idle long enough. */
  readonly idleNodes?: Readonly<Record<string, number>>;
  /** Nodes asked for that do not come or are of no use, by node group. */
  readonly groupWatch?: Readonly<Record<string, GroupWatch>>;
  /** Replicas of lower tiers that give way to higher ones, where the fleet allows it. */
  readonly preemption?: Preemption;
};

export type Preemption = {
  /** Since when GPUs have been missing, by workload [epoch ms]. */
  readonly shortSince: Readonly<Record<string, number>>;
  /** Of the last ten minutes, oldest first; `to`: the count that `from` went down to. */
  readonly given: readonly {
    readonly atMs: number;
    readonly from: string;
    readonly for: string;
    readonly to: number;
    readonly pods: readonly string[];
  }[];
};

/** How long nodes of a group took from asked for to Ready with GPUs. */
export type NodeLead = {
  /** The newest observation learned from [epoch ms]. */
  readonly seenMs: number;
  /** Asked for and not usable yet: when (0: not known) [epoch ms], how many, and whether they waited in a warm pool. */
  readonly awaited: readonly (readonly [askedMs: number, nodes: number, where: 'cold' | 'warm'])[];
  /** Oldest first. */
  readonly starts: readonly Start[];
  /** The policy's figure as of then [s]: another one starts the figures in force anew. */
  readonly policySec: number;
  /** In force; absent: none was seen. */
  readonly cold?: LeadTimeSec;
  readonly warm?: LeadTimeSec;
};

/** How many nodes of a group stand by, and what it was learned from. */
export type NodeSpare = {
  readonly seenMs: number;
  /** The histogram as of then [epoch ms]. */
  readonly sampledMs: number;
  /** The last lead time, oldest first: since when [epoch ms], nodes needed then, the most needed in it. */
  readonly slots: readonly (readonly [atMs: number, nodes: number, most: number])[];
  /** Seconds in which the need rose by so many nodes within a lead time, half forgotten in a day. */
  readonly bins: readonly number[];
  /** In force. */
  readonly nodes: number;
  /** Since when fewer would do [epoch ms]; null: they would not. */
  readonly lowSinceMs: number | null;
  /** As of then: share of times above which a node is worth it, and the lead time. */
  readonly share: number;
  readonly leadMs: number;
};

/** What only time tells of a node group. */
export type GroupWatch = {
  readonly spare?: NodeSpare;
  /** Since when nodes that a stock-out has not delivered are not needed any more [epoch ms]. */
  readonly undeliveredSinceMs?: number;
  readonly lead?: NodeLead;
  /** Instances in its warm pool as of then, where there are any. */
  readonly warm?: number;
  /** Nodes asked for and not there, oldest first, and since when [epoch ms]. */
  readonly missing?: readonly { readonly sinceMs: number; readonly nodes: number }[];
  /** Nodes that are of no use; kept until a good one has come, so that the pauses grow. */
  readonly trouble?: {
    readonly kind: 'neverJoins' | 'withoutGpus';
    /** Such nodes now. */
    readonly bad: number;
    readonly cause: string;
    readonly attempts: number;
    readonly sinceMs: number;
    /** No more nodes are asked for before [epoch ms]. */
    readonly untilMs: number;
  };
};

// --- alerts -------------------------------------------------------------------------------------------------------

/** A condition an alert rule found to hold now. */
export type AlertCondition = {
  /** `RULE/SUBJECT`, stable while the condition lasts. */
  readonly key: string;
  readonly severity: OpsAlert['severity'];
  readonly title: string;
  readonly detail: string;
  readonly workloads: readonly string[];
  readonly decision: string | null;
  readonly doc: string;
  /** Names of the alert hooks it goes to. */
  readonly hooks: readonly string[];
  /** It must hold so long before it fires, and be gone so long before it resolves [ms]. */
  readonly pendingMs: number;
  readonly clearMs: number;
};

/** State of one alert in the book. */
export type AlertEntry = {
  /** As it is now; what people were told last is in `told`. */
  readonly alert: OpsAlert;
  readonly hooks: readonly string[];
  /** Pending conditions are not told to anyone yet. */
  readonly phase: 'pending' | 'firing' | 'clearing';
  readonly phaseSinceMs: number;
  /** Must be gone so long before it resolves [ms]; 0 when left out. */
  readonly clearMs?: number;
  /** The last message that went out. */
  readonly told?: { readonly severity: OpsAlert['severity']; readonly title: string; readonly atMs: number };
};

/** Alerts of one pool that are not over yet, by key. */
export type AlertBook = Readonly<Record<string, AlertEntry>>;
