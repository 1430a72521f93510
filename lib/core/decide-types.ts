/** What goes into and comes out of the two pure steps: `decideWorkload` (decide-workload.ts) and `planPool` (plan-pool.ts). */
import type { DecisionInput, ScalingDecision, TrailStep } from '../../events/schema/index.ts';
import type { ForecastState } from './forecast/forecast.ts';
import type { IdleState } from './scaling/idle.ts';
import type { LeadTimeState, NodeBirths } from './scaling/lead-time.ts';
import type { WorkState } from './scaling/work.ts';
import type { FleetPolicy, NodeGroupPolicy, ScalingPolicy } from './policy.ts';
import type { AlertCondition, NodeGroupObservation, Plan, Readings, Snapshot, TargetObservation } from './types.ts';

/** leading: on an event, against the stored snapshot, may only raise. full: with a fresh snapshot; only here may anything shrink. */
export type EvaluationKind = 'leading' | 'full';

/** The decision core's memory of one workload: JSON, bounded, opaque outside lib/core. */
export type WorkloadControl = {
  readonly version: 1;
  /** Recent unconstrained wants, newest last, for the stabilization window: [epoch ms, replicas]. */
  readonly wants: readonly (readonly [number, number])[];
  /** What was decided last. */
  readonly lastWanted: number | null;
  readonly lastAtMs: number;
  /** Since when the load has been unknown; null while it is known [epoch ms]. */
  readonly unknownSinceMs: number | null;
  /** Last changes of the wanted count, newest last, for flapping: [epoch ms, from, to]. Bounded. */
  readonly changes: readonly (readonly [number, number, number])[];
  /** Replicas let go in the running minute, for `maxPerMinute`: [epoch ms, count]. */
  readonly decreases: readonly (readonly [number, number])[];
  /** When parts a source may leave out (waiting requests, arrivals) were heard last [epoch ms]: once heard, silence is a gap. */
  readonly heard?: Readonly<Record<string, number>>;
  /** What the rate of work was, is expected to be, and how wrong such forecasts have been. */
  readonly forecast?: ForecastState;
  /** How much work a request is, and how much of it a replica does. */
  readonly work?: WorkState;
  /** How long starts took. */
  readonly leadTimes?: LeadTimeState;
  /** Of a workload that may go to zero: how long it is idle, and usually is. */
  readonly idle?: IdleState;
  /** Last decision written to the ledger: recorded again only when it changes. */
  readonly lastRecorded: { readonly id: string; readonly wanted: number; readonly binding: string } | null;
};

export type WorkloadInput = {
  readonly policy: ScalingPolicy;
  readonly kind: EvaluationKind;
  readonly nowMs: number;
  readonly readings: Readings;
  /** Window-level hold (cold, rewind, new epoch): nothing shrinks before; 0 when none [epoch ms]. */
  readonly holdUntilMs: number;
  /** Covered share of a whole ring, 0..1: below 1 the window is still cold. */
  readonly warmRatio: number;
  readonly target: TargetObservation;
  /** Since when changes may be missing in what was observed [ms]. */
  readonly snapshotAgeMs: number;
  /** Since the target was looked at [ms], where that is not the same: what was seen is mostly newer than what is proven. */
  readonly lookAgeMs?: number;
  /** At least one request of the last 15 minutes took so long or longer [s]; null or absent: not known. */
  readonly longestRequestSec?: number | null;
  /** Price of a replica [USD/h]; null or absent: not known. */
  readonly usdPerReplicaHour?: number | null;
  /** How far the newest event is ahead of this clock [ms]; absent: not at all. */
  readonly clockBehindMs?: number;
  /** The pool's nodes, where known: whether a start had to wait for one. */
  readonly nodes?: NodeBirths;
  readonly control: WorkloadControl | undefined;
};

export type WorkloadOutcome = {
  readonly control: WorkloadControl;
  /** Wanted before allocation, within the policy's limits. */
  readonly wanted: number;
  /** Replica-equivalents of work, before rounding and limits; null when the load is unknown. */
  readonly demand: number | null;
  /** Why nothing may shrink now; null when it may. */
  readonly hold: string | null;
  readonly trail: readonly TrailStep[];
  readonly binding: string;
  readonly inputs: readonly DecisionInput[];
};

export type PoolWorkload = {
  readonly policy: ScalingPolicy;
  readonly target: TargetObservation;
  readonly outcome: WorkloadOutcome;
  /** Requests in flight by pod, where pods report them. */
  readonly inFlightByPod?: Readonly<Record<string, number>>;
};

export type PoolNodeGroup = {
  readonly policy: NodeGroupPolicy;
  readonly observed: NodeGroupObservation;
  /** No capacity, or failing: no increase asked of it before [epoch ms]; 0 when none. */
  readonly backoffUntilMs: number;
  readonly backoffCause: string | null;
};

export type PoolInput = {
  readonly pool: string;
  readonly kind: EvaluationKind;
  readonly nowMs: number;
  readonly policyVersion: string;
  readonly fleet: FleetPolicy;
  readonly snapshot: Snapshot;
  readonly previous: Plan | undefined;
  /** The highest sequence known of this pool, where the store has lost its plan; the next one is higher. */
  readonly seqAfter?: number;
  readonly workloads: readonly PoolWorkload[];
  readonly nodeGroups: readonly PoolNodeGroup[];
};

export type PoolOutcome = {
  readonly plan: Plan;
  /** One per workload, whether or not it is worth recording. */
  readonly decisions: readonly ScalingDecision[];
  /** GPUs that are wanted and cannot be had, by workload [replicas]. */
  readonly unmet: Readonly<Record<string, number>>;
};

/** What the alert rules look at: everything one evaluation knew and decided. */
export type AlertRuleInput = {
  readonly nowMs: number;
  readonly pool: PoolInput;
  readonly outcome: PoolOutcome;
  /** By `target/WORKLOAD` and `nodeGroup/NAME`. */
  readonly actuation: Readonly<Record<string, ActuationSummary>>;
};

/** The part of an actuation record that alert rules need. */
export type ActuationSummary = {
  readonly failures: number;
  readonly detail: string;
  readonly outcome: string;
  readonly foreignWrite: { readonly count: number; readonly atMs: number } | null;
  readonly capacityShortage: { readonly untilMs: number; readonly cause: string } | null;
  /** Pods to go first may not be marked. */
  readonly marksDenied?: true;
};

/** One rule, one file: returns the conditions that hold now. Pure. */
export type AlertRule = (input: AlertRuleInput) => readonly AlertCondition[];
