/** Baseline: the Knative pod autoscaler (KPA), on requests per second or on concurrency. */
import { seededRandom } from '../../../base/random.ts';
import { CONCURRENCY_TARGET_RATIO, concurrencyTargetRatio } from '../baseline-options.ts';
import type { Baseline, BaselineFactory, BaselineOptions, LoadSample, PlantView } from '../contract.ts';
import { KPA_BOUNDS_DEFAULTS, makeKpaBounds } from './bounds.ts';
import { KPA_DEFAULTS, makeKpa } from './scale.ts';
import type { Kpa, KpaConfig } from './scale.ts';
import { makeKpaWindows } from './windows.ts';
import type { KpaWindows } from './windows.ts';
import { changedReplicas, drawPhaseMs, inFlightOf, tunedSettings } from '../peer-settings.ts';

const RECOMMENDED = { onConcurrency: 0, stableWindowSec: 60, scaleDownDelaySec: 900 };

/** `container-concurrency-target-percentage`, the default, for both metrics. */
const UTILIZATION_RATIO = 0.7;

/** Between two decisions. */
const TICK_MS = 2000;
/** Pods and activator report their concurrency once a second. */
const REPORT_MS = 1000;
/** The panic window is this share of the stable one, in whole seconds. */
const PANIC_WINDOW_RATIO = 0.1;
/** Least target, of the documented range. */
const TARGET_MIN = 0.01;

/** Knative Serving's own autoscaler, with the activator in front. */
export const knative: BaselineFactory = {
  name: 'knative',
  source:
    'Knative Serving 0.51 (autoscaler, metric windows, KPA reconciler), the first two checked against 28 series recorded from them',
  settings: {
    onConcurrency:
      '0: requests per second (`autoscaling.knative.dev/metric: rps`). 1: concurrency, the default: requests in the pods and in the activator that waits for them.',
    targetRatio: `On the rate ${UTILIZATION_RATIO} (the default utilization) of what one replica sustains, the defaults of 200 and 100 know nothing of the model. On concurrency ${CONCURRENCY_TARGET_RATIO} of the requests it holds at 80 % of its rate, utilization included, because with more the loop swings on a constant load.`,
    stableWindowSec:
      '60 s, the default; the panic window is a tenth of it, 6 s, and panic begins at twice the ready pods.',
    scaleDownDelaySec:
      '900 s, as the documentation has it for pods whose cold start is a penalty (default 0): the largest decision of that time holds.',
    rates: 'Up 1000x, down to a half of the ready pods per decision: the defaults.',
    tick: 'Every 2 s with a random phase. The poke of the first request after an idle time is not modelled: at most one tick late.',
    metricAge: '1 s. The value of a sample is entered for every second of its interval when the interval has ended.',
    scaleToZero:
      'When the minimum is 0: the stable window, then 30 s of grace unless the activator was in the path already (the burst capacity of 211 keeps it there for small fleets).',
  },
  grid: [
    {
      onConcurrency: [0],
      targetRatio: [0.5, 0.6, 0.7, 0.8, 0.9],
      stableWindowSec: [60, 300],
      scaleDownDelaySec: [0, 300, 900],
    },
    { onConcurrency: [1], targetRatio: [0.35, 0.5], scaleDownDelaySec: [300, 900] },
  ],
  create: createKnative,
};

function createKnative(options: BaselineOptions): Baseline {
  const onConcurrency = (options.tuning?.['onConcurrency'] ?? RECOMMENDED.onConcurrency) > 0;
  const targetRatio = onConcurrency ? concurrencyTargetRatio(options.capacity) : UTILIZATION_RATIO;
  const settings = tunedSettings({ ...RECOMMENDED, targetRatio }, options.tuning);
  const config = kpaConfig(options, { ...settings, onConcurrency });
  const { min, max } = options.replicas;
  const bound = makeKpaBounds({
    ...KPA_BOUNDS_DEFAULTS,
    minScale: min,
    maxScale: Math.max(min, max, 1),
    stableWindowMs: config.stableWindowMs,
  });
  const windows = makeKpaWindows(config);
  const valueOf = onConcurrency ? inFlightOf : ({ arrivalsPerSec }: LoadSample) => arrivalsPerSec;
  let kpa: Kpa | null = null;
  let fedMs = -Infinity;

  return {
    periodMs: TICK_MS,
    phaseMs: drawPhaseMs(seededRandom(options.seed), TICK_MS),
    decide: (view) => {
      const { nowMs, readyReplicas } = view;
      kpa ??= makeKpa(config, { readyReplicas, atMs: nowMs });
      fedMs = feed(windows, { view, fedMs, windowMs: config.stableWindowMs, valueOf });
      const decision = kpa.scale({ readyReplicas, isReachable: true, ...windows.read(nowMs) }, nowMs);
      return changedReplicas(view, bound(decision, { readyReplicas, nowMs }) ?? view.specReplicas);
    },
  };
}

function kpaConfig(
  options: BaselineOptions,
  settings: {
    readonly onConcurrency: boolean;
    readonly targetRatio: number;
    readonly stableWindowSec: number;
    readonly scaleDownDelaySec: number;
  },
): KpaConfig {
  const { concurrency, requestsPerSec } = options.capacity;
  const totalValue = settings.onConcurrency ? concurrency : requestsPerSec;
  const stableWindowMs = settings.stableWindowSec * 1000;
  return {
    ...KPA_DEFAULTS,
    totalValue,
    targetValue: Math.max(TARGET_MIN, totalValue * settings.targetRatio),
    stableWindowMs,
    panicWindowMs: Math.max(1000, Math.round((stableWindowMs * PANIC_WINDOW_RATIO) / 1000) * 1000),
    scaleDownDelayMs: settings.scaleDownDelaySec * 1000,
  };
}

/** Enters the samples that ended since `fedMs`; returns how far it came. Windows add up what falls into one second, so a sample
 *  is split over the seconds of its interval by their share. */
function feed(
  windows: KpaWindows,
  from: {
    readonly view: PlantView;
    readonly fedMs: number;
    readonly windowMs: number;
    readonly valueOf: (sample: LoadSample) => number;
  },
): number {
  const { view, fedMs, windowMs, valueOf } = from;
  const toMs = view.nowMs - REPORT_MS;
  let lastMs = fedMs;
  for (const sample of view.samplesBetween(Math.max(fedMs, toMs - windowMs), toMs)) {
    const intervalMs = Number.isFinite(lastMs) ? Math.min(sample.atMs - lastMs, windowMs) : REPORT_MS;
    const seconds = Math.max(1, Math.round(intervalMs / REPORT_MS));
    const value = (valueOf(sample) * intervalMs) / (seconds * REPORT_MS);
    for (let ago = seconds - 1; ago >= 0; ago -= 1) windows.record(value, sample.atMs - ago * REPORT_MS);
    lastMs = sample.atMs;
  }
  return lastMs;
}
