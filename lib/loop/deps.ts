/** What the stages need: contracts only, no vendor names. Hosts, the simulator and tests put implementations in. */
import type { ActionQueue } from '../action-queue/contract.ts';
import type { AlertHook } from '../alert-hooks/contract.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Metrics } from '../base/metrics.ts';
import type { ClusterView } from '../cluster-view/contract.ts';
import type { NodeDrainer, NodeProvisioner } from '../node-provisioners/contract.ts';
import type { PolicySource } from '../policy-source/contract.ts';
import type { StateStores } from '../state/contract.ts';
import type { StreamProducer } from '../stream/contract.ts';
import type { Target } from '../targets/contract.ts';

/** Wakes the next stage. A lost wake costs time, never correctness: the schedule is the net under it. */
export type Wake = {
  /** Workloads were touched: evaluate them soon. */
  evaluate(workloads: readonly string[]): Promise<void>;
  /** Jobs are in the action queue. */
  actuate(): Promise<void>;
  /** Messages are in the outbox. */
  notify(): Promise<void>;
};

/** Names of the topics in use. */
export type Topics = {
  readonly inferenceLoad: string;
  readonly queueDepth: string;
  readonly scalingDecision: string;
  readonly opsAlert: string;
  readonly deadLetter: string;
};

export const DEFAULT_TOPICS: Topics = {
  inferenceLoad: 'inference-load',
  queueDepth: 'queue-depth',
  scalingDecision: 'penstock.scaling-decision',
  opsAlert: 'penstock.ops-alert',
  deadLetter: 'penstock.dead-letter',
};

/** Every stage gets what it declares of this, nothing more. */
export type LoopDeps = {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly state: StateStores;
  readonly policies: PolicySource;
  readonly topics: Topics;
  readonly wake: Wake;
  readonly queue: ActionQueue;
  readonly clusterView: ClusterView;
  /** By target kind; `*` serves every other kind. */
  readonly targets: ReadonlyMap<string, Target>;
  /** By provider kind. */
  readonly provisioners: ReadonlyMap<string, NodeProvisioner>;
  readonly drainer: NodeDrainer;
  /** By hook name. */
  readonly hooks: () => Promise<ReadonlyMap<string, AlertHook>>;
  /** Only where a stream client is loaded (notify, process host). */
  readonly producer: StreamProducer;
};

export type IngestDeps = Pick<LoopDeps, 'clock' | 'log' | 'metrics' | 'state' | 'policies' | 'topics'>;
export type EvaluateDeps = Pick<
  LoopDeps,
  'clock' | 'log' | 'metrics' | 'state' | 'policies' | 'topics' | 'queue' | 'clusterView' | 'wake'
>;
export type ActuateDeps = Pick<
  LoopDeps,
  | 'clock'
  | 'log'
  | 'metrics'
  | 'state'
  | 'policies'
  | 'queue'
  | 'targets'
  | 'provisioners'
  | 'drainer'
  | 'wake'
  | 'hooks'
>;
export type NotifyDeps = Pick<LoopDeps, 'clock' | 'log' | 'metrics' | 'state' | 'producer'>;
