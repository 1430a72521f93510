/** The two windows over which the Knative autoscaler averages its metric: stable and panic. */
import { makeLinearWindow } from './windows-linear.ts';
import type { MetricWindow } from './windows-linear.ts';
import { makeWeightedWindow } from './windows-weighted.ts';

export type KpaWindowsConfig = {
  readonly stableWindowMs: number;
  readonly panicWindowMs: number;
  readonly aggregationAlgorithm: 'linear' | 'weightedExponential';
  readonly bucketMs: number;
};

export type KpaReadings = {
  /** Averages of the two windows; null when there is no data. */
  readonly stableValue: number | null;
  readonly panicValue: number | null;
};

export type KpaWindows = {
  /** Into both windows. */
  record(value: number, atMs: number): void;
  /** Both null after more than a stable window of silence. */
  read(nowMs: number): KpaReadings;
};

/** The metric's two windows. */
export function makeKpaWindows(config: KpaWindowsConfig): KpaWindows {
  const make = (windowMs: number): MetricWindow =>
    config.aggregationAlgorithm === 'linear'
      ? makeLinearWindow({ windowMs, bucketMs: config.bucketMs })
      : makeWeightedWindow({ windowMs, bucketMs: config.bucketMs });
  const stable = make(config.stableWindowMs);
  const panic = make(config.panicWindowMs);
  return {
    record: (value, atMs) => {
      stable.record(value, atMs);
      panic.record(value, atMs);
    },
    read: (nowMs) =>
      stable.isEmpty(nowMs)
        ? { stableValue: null, panicValue: null }
        : { stableValue: stable.average(nowMs), panicValue: panic.average(nowMs) },
  };
}
