/** What an HPA is told, in the terms of its API. Metric values and targets are in thousandths (`Milli`), as Kubernetes quantities. */

/** How the target is given: `…AverageValue` per replica, `…Value` in total, `cpuUtilization` in percent of the request. */
export type HpaMetricSpec =
  | {
      readonly type:
        | 'externalAverageValue'
        | 'externalValue'
        | 'objectValue'
        | 'objectAverageValue'
        | 'podsAverageValue'
        | 'cpuAverageValue';
      readonly targetMilli: number;
    }
  | { readonly type: 'cpuUtilization'; readonly targetUtilizationPercent: number };

export type HpaPolicy = { readonly type: 'Pods' | 'Percent'; readonly value: number; readonly periodMs: number };

/** One direction of `spec.behavior`, after the API's defaults. */
export type HpaScalingRules = {
  /** Null: the controller's own (0 up, `downscaleStabilizationMs` down). */
  readonly stabilizationWindowMs: number | null;
  readonly selectPolicy: 'Max' | 'Min' | 'Disabled';
  readonly policies: readonly HpaPolicy[];
  /** Null: the controller's `tolerance`. */
  readonly tolerance: number | null;
};

export type HpaBehavior = { readonly scaleUp: HpaScalingRules; readonly scaleDown: HpaScalingRules };

export type HpaConfig = {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Ratios within 1 ± this change nothing. */
  readonly tolerance: number;
  readonly downscaleStabilizationMs: number;
  readonly cpuInitializationPeriodMs: number;
  readonly initialReadinessDelayMs: number;
  /** A scale event is stamped this much after the sync began: writing replicas takes time. */
  readonly scaleWriteLatencyMs: number;
  readonly scaleToZeroEnabled: boolean;
  readonly metrics: readonly HpaMetricSpec[];
  /** Null: the older limits, at most 2× or 4 per sync and no limit down. */
  readonly behavior: HpaBehavior | null;
  /** CPU every pod requests; needed for `cpuUtilization` only. */
  readonly cpuRequestMilliPerPod?: number;
};

export type HpaPod = {
  readonly name: string;
  readonly phase: string;
  readonly deleting?: boolean;
  /** Status of the Ready condition; null or absent: no such condition. */
  readonly ready?: boolean | null;
  readonly startTimeMs?: number | null;
  /** When the Ready condition last changed. */
  readonly readyTransitionMs?: number | null;
};

/** What one metric said. Exactly one of the three is there. */
export type HpaReading = {
  readonly error?: boolean;
  /** Series of an object or external metric, to be added. */
  readonly valuesMilli?: readonly number[];
  /** By pod; a pod that is not there has no sample. */
  readonly podMilli?: Readonly<Record<string, number>>;
  /** Of the pod samples. */
  readonly timestampMs?: number;
  readonly windowMs?: number;
};

/** What one sync sees. */
export type HpaInput = {
  readonly specReplicas: number;
  readonly statusReplicas: number;
  /** Pods the selector finds. */
  readonly podCount: number;
  /** Running and Ready. */
  readonly readyReplicas: number;
  /** Needed for metrics by pod only. */
  readonly pods?: readonly HpaPod[];
  /** In the order of the config's metrics. */
  readonly metrics: readonly HpaReading[];
};

/** `spec.behavior: {}` after the API's defaults: up by the larger of 4 pods and 100 % per 15 s at once, down freely after the controller's window. */
export const HPA_BEHAVIOR_DEFAULTS: HpaBehavior = {
  scaleUp: {
    stabilizationWindowMs: 0,
    selectPolicy: 'Max',
    policies: [
      { type: 'Pods', value: 4, periodMs: 15_000 },
      { type: 'Percent', value: 100, periodMs: 15_000 },
    ],
    tolerance: null,
  },
  scaleDown: {
    stabilizationWindowMs: null,
    selectPolicy: 'Max',
    policies: [{ type: 'Percent', value: 100, periodMs: 15_000 }],
    tolerance: null,
  },
};

/** The controller's flags and the object's defaults, without metrics. */
export const HPA_DEFAULTS = {
  tolerance: 0.1,
  downscaleStabilizationMs: 300_000,
  cpuInitializationPeriodMs: 300_000,
  initialReadinessDelayMs: 30_000,
  scaleWriteLatencyMs: 0,
  scaleToZeroEnabled: true,
} as const;

/** `--horizontal-pod-autoscaler-sync-period`. */
export const HPA_SYNC_PERIOD_MS = 15_000;
