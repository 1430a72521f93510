/** Ray Serve as a baseline: ongoing requests, reported by the handles every 10 s as a mean over 30 s. */
import { CONCURRENCY_TARGET_RATIO, concurrencyTargetRatio, phasesOf } from '../baseline-options.ts';
import type { BaselineFactory, BaselineOptions, PlantView } from '../contract.ts';
import { tunedSettings } from '../peer-settings.ts';
import { rayAutoscaler } from './rule.ts';

/** Ray's loop runs every 0.1 s, but its inputs change with the reports only, and its delays are whole multiples of this. */
const TICK_MS = 5_000;
const REPORT_PERIOD_MS = 10_000;
const LOOK_BACK_MS = 30_000;

export const ray: BaselineFactory = {
  name: 'ray',
  source:
    'ray-project/ray 2.55.1, python/ray/serve/autoscaling_policy.py, default policy; metrics gathered at the handles',
  settings: {
    targetRatio: `target_ongoing_requests = ${CONCURRENCY_TARGET_RATIO} of the requests one replica holds at 80 % of its rate, by a load test as the guide demands (max_ongoing_requests a third above it: a fifth to a half). With more the loop swings on a constant load. The default of 2 is meant for small models.`,
    upscaleDelaySec: 'Default: 30 s of wishing for more.',
    downscaleDelaySec: 'Default: 600 s of wishing for less, also from one to none.',
    upscalingFactor:
      '0.3 of the step (default 1), the gain that the guide offers against overshoot: with 1 it swings on a constant load while replicas take minutes to start.',
    downscalingFactor: '0.3 of the step (default 1), for the same reason.',
    delay: 'Handles report every 10 s (metrics_interval_s) the mean of the last 30 s (look_back_period_s).',
  },
  grid: {
    targetRatio: [0.2, 0.35, 0.5, 0.75],
    downscaleDelaySec: [300, 600],
    upscalingFactor: [0.3, 1],
    downscalingFactor: [0.3, 1],
  },
  create(options) {
    const decide = rayAutoscaler(settingsOf(options));
    let reported: { readonly atMs: number; readonly totalRequests: number } | null = null;
    return {
      periodMs: TICK_MS,
      phaseMs: phasesOf(options.seed)(TICK_MS),
      decide(view) {
        if (reported === null || view.nowMs - reported.atMs >= REPORT_PERIOD_MS) {
          reported = { atMs: view.nowMs, totalRequests: meanOngoing(view) };
        }
        const { totalRequests } = reported;
        const input = { runningReplicas: view.readyReplicas, targetReplicas: view.specReplicas, totalRequests };
        return decide(input, view.nowMs).targetReplicas;
      },
    };
  },
};

function settingsOf(options: BaselineOptions): Parameters<typeof rayAutoscaler>[0] {
  const recommended = {
    targetRatio: concurrencyTargetRatio(options.capacity),
    upscaleDelaySec: 30,
    downscaleDelaySec: 600,
    upscalingFactor: 0.3,
    downscalingFactor: 0.3,
  };
  const tuned = tunedSettings(recommended, options.tuning);
  return {
    minReplicas: options.replicas.min,
    maxReplicas: options.replicas.max,
    initialReplicas: null,
    targetOngoingRequests: tuned.targetRatio * options.capacity.concurrency,
    upscaleDelayMs: tuned.upscaleDelaySec * 1000,
    downscaleDelayMs: tuned.downscaleDelaySec * 1000,
    downscaleToZeroDelayMs: null,
    upscalingFactor: tuned.upscalingFactor,
    downscalingFactor: tuned.downscalingFactor,
    targetCapacityPercent: null,
    targetCapacityDirection: null,
  };
}

function meanOngoing(view: PlantView): number {
  const samples = view.samplesBetween(view.nowMs - LOOK_BACK_MS, view.nowMs);
  return samples.reduce((sum, { running, queued }) => sum + running + queued, 0) / Math.max(1, samples.length);
}
