/** The decision of the Knative pod autoscaler (KPA): stable and panic windows, ready pods → pods wanted. */
import type { KpaReadings } from './windows.ts';
import { makeMaxWindow } from './windows-max.ts';

export type KpaConfig = {
  readonly maxScaleUpRate: number;
  readonly maxScaleDownRate: number;
  /** Of the metric, per pod, after the utilisation: what is aimed at. */
  readonly targetValue: number;
  /** Of the metric, per pod: what a pod can take. */
  readonly totalValue: number;
  /** Room for a burst, of the metric; 0 none, -1 unlimited. Decides who takes the traffic, not how many pods there are. */
  readonly targetBurstCapacity: number;
  /** Panic from this many times the ready pods on. */
  readonly panicThreshold: number;
  readonly stableWindowMs: number;
  readonly panicWindowMs: number;
  readonly scaleDownDelayMs: number;
  /** Pods at least, when any are wanted. */
  readonly activationScale: number;
  readonly aggregationAlgorithm: 'linear' | 'weightedExponential';
  readonly bucketMs: number;
};

/** What is documented as default, with the concurrency metric and no limit in the container. */
export const KPA_DEFAULTS: KpaConfig = {
  maxScaleUpRate: 1000,
  maxScaleDownRate: 2,
  targetValue: 70,
  totalValue: 100,
  targetBurstCapacity: 211,
  panicThreshold: 2,
  stableWindowMs: 60_000,
  panicWindowMs: 6000,
  scaleDownDelayMs: 0,
  activationScale: 1,
  aggregationAlgorithm: 'linear',
  bucketMs: 1000,
};

/** Buckets of the scale-down delay. */
const DELAY_BUCKET_MS = 2000;

export type KpaInput = KpaReadings & {
  /** Ready pods; null when they could not be counted. */
  readonly readyReplicas: number | null;
  /** Whether traffic can reach the revision: no limits downwards when not. */
  readonly isReachable: boolean;
};

export type KpaDecision = {
  readonly desiredPodCount: number;
  /** Below 0 the activator stays in the path. */
  readonly excessBurstCapacity: number;
  /** False: nothing could be decided, the numbers mean nothing. */
  readonly scaleValid: boolean;
  readonly panicking: boolean;
  readonly maxPanicPods: number;
};

export type Kpa = { scale(input: KpaInput, nowMs: number): KpaDecision };

/** With more than one pod ready at its creation it starts in panic, so that a restart shrinks nothing at once.
 *  Source: autoscaler `Scale` (Knative Serving 0.51). */
export function makeKpa(config: KpaConfig, creation: { readonly readyReplicas: number; readonly atMs: number }): Kpa {
  const startsInPanic = creation.readyReplicas > 1;
  let panicSinceMs = startsInPanic ? creation.atMs : null;
  let maxPanicPods = startsInPanic ? creation.readyReplicas : 0;
  const delay =
    config.scaleDownDelayMs > 0
      ? makeMaxWindow({ windowMs: config.scaleDownDelayMs, bucketMs: DELAY_BUCKET_MS })
      : null;

  const panicOrStable = (wanted: Wanted, nowMs: number): number => {
    if (wanted.isOverThreshold) panicSinceMs = nowMs;
    else if (panicSinceMs !== null && panicSinceMs + config.stableWindowMs < nowMs) {
      panicSinceMs = null;
      maxPanicPods = 0;
    }
    if (panicSinceMs === null) return wanted.stablePods;
    maxPanicPods = Math.max(maxPanicPods, wanted.stablePods, wanted.panicPods);
    return maxPanicPods;
  };

  return {
    scale: (input, nowMs) => {
      const { readyReplicas, stableValue, panicValue, isReachable } = input;
      if (readyReplicas === null || stableValue === null || panicValue === null) {
        const state = { panicking: panicSinceMs !== null, maxPanicPods };
        return { desiredPodCount: 0, excessBurstCapacity: 0, scaleValid: false, ...state };
      }
      const wanted = wantedPods(config, { readyReplicas, stableValue, panicValue, isReachable });
      let desiredPodCount = panicOrStable(wanted, nowMs);
      if (isReachable && delay !== null) {
        delay.record(desiredPodCount, nowMs);
        desiredPodCount = delay.max();
      }
      const excessBurstCapacity = excessOf(config, { readyReplicas, panicValue });
      return { desiredPodCount, excessBurstCapacity, scaleValid: true, panicking: panicSinceMs !== null, maxPanicPods };
    },
  };
}

type Wanted = { readonly stablePods: number; readonly panicPods: number; readonly isOverThreshold: boolean };

function wantedPods(
  config: KpaConfig,
  input: {
    readonly readyReplicas: number;
    readonly stableValue: number;
    readonly panicValue: number;
    readonly isReachable: boolean;
  },
): Wanted {
  // From zero the steps are those of one pod.
  const ready = Math.max(1, input.readyReplicas);
  const most = Math.ceil(config.maxScaleUpRate * ready);
  const least = input.isReachable ? Math.floor(ready / config.maxScaleDownRate) : 0;
  const bounded = (pods: number): number => {
    const within = Math.min(Math.max(pods, least), most);
    return config.activationScale > 1 && pods > 0 ? Math.max(within, config.activationScale) : within;
  };
  const panic = Math.ceil(input.panicValue / config.targetValue);
  return {
    stablePods: bounded(Math.ceil(input.stableValue / config.targetValue)),
    panicPods: bounded(panic),
    isOverThreshold: panic / ready >= config.panicThreshold,
  };
}

function excessOf(config: KpaConfig, input: { readonly readyReplicas: number; readonly panicValue: number }): number {
  const { targetBurstCapacity } = config;
  if (targetBurstCapacity === 0 || targetBurstCapacity === -1) return targetBurstCapacity;
  return Math.floor(input.readyReplicas * config.totalValue - targetBurstCapacity - input.panicValue);
}
