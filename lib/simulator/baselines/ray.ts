/** Ray Serve as a baseline: ongoing requests, reported by the handles every 10 s as a mean over 30 s. */
import { phasesOf, TARGET_RATIO } from './baseline-options.ts';
import type { BaselineFactory, BaselineOptions, PlantView } from './contract.ts';
import { tunedSettings } from './peer-settings.ts';
import { rayAutoscaler } from './ray-rule.ts';

/** Ray's loop runs every 0.1 s, but its inputs change with the reports only, and its delays are whole multiples of this. */
const TICK_MS = 5_000;
const REPORT_PERIOD_MS = 10_000;
const LOOK_BACK_MS = 30_000;

export const ray: BaselineFactory = {
  name: 'ray',
  source:
    'ray-project/ray 2.55.1, python/ray/serve/autoscaling_policy.py, default policy; metrics gathered at the handles',
  settings: {
    targetRatio: `target_ongoing_requests = ${TARGET_RATIO} of the requests one replica holds at its service level (max_ongoing_requests a third above it: the guide says a fifth to a half); the default of 2 is meant for small models.`,
    upscaleDelaySec: 'Default: 30 s of wishing for more.',
    downscaleDelaySec: 'Default: 600 s of wishing for less, also from one to none.',
    factors: 'Defaults: the whole step at once.',
    delay: 'Handles report every 10 s (metrics_interval_s) the mean of the last 30 s (look_back_period_s).',
  },
  grid: {
    targetRatio: [0.5, 0.6, 0.7, 0.75, 0.8, 0.9],
    upscaleDelaySec: [0, 10, 30],
    downscaleDelaySec: [60, 300, 600],
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
  const recommended = { targetRatio: TARGET_RATIO, upscaleDelaySec: 30, downscaleDelaySec: 600 };
  const tuned = tunedSettings(recommended, options.tuning);
  return {
    minReplicas: options.replicas.min,
    maxReplicas: options.replicas.max,
    initialReplicas: null,
    targetOngoingRequests: tuned.targetRatio * options.capacity.concurrency,
    upscaleDelayMs: tuned.upscaleDelaySec * 1000,
    downscaleDelayMs: tuned.downscaleDelaySec * 1000,
    downscaleToZeroDelayMs: null,
    upscalingFactor: 1,
    downscalingFactor: 1,
    targetCapacityPercent: null,
    targetCapacityDirection: null,
  };
}

function meanOngoing(view: PlantView): number {
  const samples = view.samplesBetween(view.nowMs - LOOK_BACK_MS, view.nowMs);
  return samples.reduce((sum, { running, queued }) => sum + running + queued, 0) / Math.max(1, samples.length);
}
