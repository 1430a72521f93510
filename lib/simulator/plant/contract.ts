/** The plant of a replay: model servers that start, serve and drain, for one workload. Two engines implement it: `fluid` (ticks) and `requests` (each request). */
import type { LoadSample, PodView } from '../baselines/contract.ts';
import type { NodeReaction } from '../baselines/node-autoscalers/contract.ts';

/** Timing of one class of replica; see `replica-classes.ts`. Step time of a server in ms: a + b·B + k·KV/1000 + c·P. */
export type ReplicaClass = {
  readonly name: string;
  readonly hardware: string;
  readonly gpusPerReplica: number;
  readonly usdPerHour: number;
  readonly a: number;
  readonly b: number;
  readonly k: number;
  readonly c: number;
  readonly maxSeqs: number;
  /** Prompt tokens per step. */
  readonly budgetTokens: number;
  /** Tokens of context the KV memory holds; Infinity where it does not bind. */
  readonly kvTokens: number;
  /** Classes that serve one request at a time take the trace's own execution time instead. */
  readonly serial: boolean;
};

/** Where replicas come from. */
export type StartModel = {
  /** Asked for → ready [s], median. */
  readonly leadTimeSec: number;
  /** Lognormal sigma of it; 0: fixed. */
  readonly sigma: number;
  /** Share of starts that fail and are repeated, 0..1. */
  readonly failedStartRatio: number;
  /** Extra wait for a machine, drawn per start [s]; null: none. */
  readonly capacityWaitSec: ((random: () => number) => number) | null;
  /** Nodes apart from replicas; null or left out: every start brings its own machine at once, every end takes it away. */
  readonly nodes?: NodeModel | null;
};

/** Nodes with a life of their own, one replica each. */
export type NodeModel = {
  /** When a node is asked for after its pod was created, and how long an empty one stays. */
  readonly reaction: NodeReaction;
  /** Share of the lead time that a replica needs on a node that is there, 0..1. */
  readonly warmStartRatio: number;
};

/** Work that arrives: a stream of ticks or requests, in time order. */
export type ArrivalTick = {
  /** Start of the tick [ms since the start of the trace]. */
  readonly startMs: number;
  readonly requests: number;
  /** Work of these requests in replica-seconds at the service level. */
  readonly workReplicaSec: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
};

export type TraceRequest = {
  /** [ms since the start of the trace], fractional. */
  readonly arrivalMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** For serial classes [s]; undefined elsewhere. */
  readonly execSec?: number;
};

/** What the plant did over one scored interval; sums, so that they can be added. */
export type PlantTotals = {
  readonly requestCount: number;
  /** Requests whose wait from arrival to admission was longer than the limit (those still waiting at the end, too). */
  readonly sloMissCount: number;
  /** From launch to the end of the drain, all replicas [GPU-hours], and at the class's price. */
  readonly gpuHours: number;
  readonly costUsd: number;
  readonly replicaStarts: number;
  readonly directionChanges: number;
  readonly replicasMax: number;
  readonly waitSec: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Only of the `requests` engine. */
  readonly ttftMs?: { readonly p50: number; readonly p99: number };
  readonly interTokenMs?: { readonly p50: number; readonly p99: number };
};

/** One workload's fleet at work. Time moves only through `advanceTo`. */
export type Plant = {
  readonly nowMs: number;
  readonly specReplicas: number;
  readonly pods: readonly PodView[];
  readonly readyReplicas: number;
  /** `spec.replicas` from now on: new replicas start, surplus ones go (starting ones first, then the youngest idle), finishing their work. */
  scale(replicas: number): void;
  /** Moves on, consuming arrivals up to `toMs`, and returns the sample of that interval. */
  advanceTo(toMs: number): LoadSample;
  /** Scored requests admitted so far that missed the SLO wait: for plots, cheap. */
  missesSoFar(): number;
  totals(): PlantTotals;
};
