/**
 * To add a baseline (a peer's autoscaler to compare with):
 * 1. implement its rule as published in a folder of its own (state kept between the steps, time as an argument), and a {@link BaselineFactory} on top, in the file named after the peer,
 * 2. name it in `index.ts`, with its documented defaults and its recommended setting for GPU inference,
 * 3. give it the vectors it must reproduce in `test/simulator/baselines/`.
 */
import type { FirstTokens } from '../plant/requests/first-tokens.ts';

/** Load of one workload over one sample interval, as a perfect sensor would see it. Rates are per second; counts are averages over the interval. */
export type LoadSample = {
  /** End of the interval [epoch ms]. */
  readonly atMs: number;
  readonly arrivalsPerSec: number;
  readonly completedPerSec: number;
  /** Requests in slots of ready replicas. */
  readonly running: number;
  /** Requests that wait for a slot. */
  readonly queued: number;
  readonly inputTokensPerSec: number;
  readonly outputTokensPerSec: number;
  /** Share of KV memory in use, mean over ready replicas, 0..1. */
  readonly kvRatio: number;
  readonly readyReplicas: number;
  /** Times to first token of those that came in the interval; of the `requests` engine. */
  readonly ttftMs?: FirstTokens;
};

export type PodView = {
  readonly id: number;
  readonly createdMs: number;
  /** Null while it starts. */
  readonly readyMs: number | null;
};

/** What a baseline may look at. It looks with its own delay: `sampleAt(nowMs - delayMs)`. */
export type PlantView = {
  readonly nowMs: number;
  /** Wanted by the Deployment (`spec.replicas`). */
  readonly specReplicas: number;
  readonly readyReplicas: number;
  /** Pods that exist and are not terminating, oldest first. */
  readonly pods: readonly PodView[];
  /** Newest sample that ended at or before `atMs`; undefined before the first one. */
  sampleAt(atMs: number): LoadSample | undefined;
  /** Samples that ended in (fromMs, toMs], oldest first. */
  samplesBetween(fromMs: number, toMs: number): readonly LoadSample[];
};

/** What one replica can do: what a user would have measured before configuring a peer. */
export type ReplicaCapacity = {
  /** Requests per second one replica sustains at its service level, for the trace's mean request. */
  readonly requestsPerSec: number;
  /** Requests in it at 80 % of that rate: where a load test shows the knee. Near the full rate it rises steeply and says little. */
  readonly concurrency: number;
  /** Most requests it holds at once. */
  readonly slots: number;
  readonly inputTokensPerSec: number;
  readonly outputTokensPerSec: number;
  /** Tokens of context its KV memory holds; absent where that is unknown or does not bind. */
  readonly kvTokens?: number;
};

export type BaselineOptions = {
  readonly capacity: ReplicaCapacity;
  readonly replicas: { readonly min: number; readonly max: number };
  /** From asked for to ready, median [s]. */
  readonly leadTimeSec: number;
  /** Chooses the phase of its period. */
  readonly seed: number;
  /** Largest arrival rate of the history before the scored part [1/s]; for static fleets. */
  readonly historyPeakPerSec: number;
  /** Settings that win over the recommended ones (`--tune-peers`). */
  readonly tuning?: Readonly<Record<string, number>>;
};

/** One peer at work on one workload. */
export type Baseline = {
  /** Between two decisions [ms]. */
  readonly periodMs: number;
  /** First decision after the start [ms], within its period. */
  readonly phaseMs: number;
  /** Replicas to write to the Deployment; null leaves it as it is. */
  decide(view: PlantView): number | null;
};

/** Every combination of the values is one setting to try. */
export type TuningGrid = Readonly<Record<string, readonly number[]>>;

export type BaselineFactory = {
  /** Such as `hpa`. */
  readonly name: string;
  /** Version whose rules it reproduces, and where they were read. */
  readonly source: string;
  /** In a sentence each: what the recommended setting is and why. */
  readonly settings: Readonly<Record<string, string>>;
  /** Values to try for tuning in hindsight, by setting; more than one grid where settings belong to ways of use that exclude each other. */
  readonly grid: TuningGrid | readonly TuningGrid[];
  create(options: BaselineOptions): Baseline;
};
