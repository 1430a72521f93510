/** AIBrix's PodAutoscaler as a baseline: strategy KPA on a total from outside, or strategy APA on what the pods say. */
import { seededRandom } from '../../../base/random.ts';
import { aibrixAutoscaler } from './rule.ts';
import type { AibrixReading } from './rule.ts';
import {
  CONCURRENCY_TARGET_RATIO,
  RATE_TARGET_RATIO,
  boundsFromOne,
  concurrencyTargetRatio,
  phasesOf,
} from '../baseline-options.ts';
import type { BaselineFactory, BaselineOptions, PlantView } from '../contract.ts';
import { hasAddress } from '../hpa/view.ts';
import { arrivalRateOf, drawPrometheusAgeMs, inFlightOf, tunedSettings } from '../peer-settings.ts';

const SYNC_PERIOD_MS = 10_000;
const RECOMMENDED = { onPods: 0, windowSec: 180, downTolerance: 0.1, downCooldownSec: 0 };

export const aibrix: BaselineFactory = {
  name: 'aibrix',
  source:
    'vllm-project/aibrix e3e10f9e (2026-08), pkg/controller/podautoscaler, strategies KPA and APA, with the guard for pending replicas of 2026-09',
  settings: {
    onPods:
      '0: strategy KPA on a total from the external metrics API, as in its sample: the request rate at the gateway. 1: strategy APA on the requests that run in and wait for each pod. APA swings on a constant load: as coded a pod that has an address but does not answer yet is a zero in the mean, and the lowest recommendation of the cooldown is taken on the way down. KPA on metrics of pods divides their mean by the target without the number of pods.',
    targetRatio: `KPA: ${RATE_TARGET_RATIO} of the rate one replica sustains. APA: ${CONCURRENCY_TARGET_RATIO} of the requests it holds at 80 % of its rate.`,
    windowSec: '180 s, the default; panic 60 s (or as long as the window, if that is shorter) and at twice the mean.',
    downTolerance: '0.1 up and down, the defaults.',
    downCooldownSec:
      '0 both ways (default 300 s down). As coded the lowest recommendation of that time is taken on the way down, so that a longer cooldown shrinks deeper: after a rise of the load it goes back to what was enough before.',
    startingPods:
      'Count as replicas. For APA no sample while they wait for a node, then 0 until they are ready; the guard takes them for idle on the way up and for on target on the way down.',
    rates: 'Defaults: at most twofold up and half down in one sync.',
    delay: 'Every 10 s. The total through Prometheus, 1 to 16 s old and a mean of 60 s; pods are read at the sync.',
  },
  grid: [
    { onPods: [0], targetRatio: [0.5, 0.65, 0.75, 0.85, 0.95], windowSec: [60, 180, 600], downCooldownSec: [0] },
    { onPods: [1], targetRatio: [0.2, 0.35], downTolerance: [0.1, 0.6], downCooldownSec: [0, 300] },
  ],
  create(options) {
    const onPods = (options.tuning?.['onPods'] ?? RECOMMENDED.onPods) > 0;
    const decide = aibrixAutoscaler(settingsOf(options, onPods));
    const ageMs = drawPrometheusAgeMs(seededRandom(options.seed + 1));
    return {
      periodMs: SYNC_PERIOD_MS,
      phaseMs: phasesOf(options.seed)(SYNC_PERIOD_MS),
      decide(view) {
        const readings = [onPods ? { podValues: requestsByPod(view, options) } : totalOf(view, ageMs)];
        const { specReplicas: currentReplicas, readyReplicas } = view;
        return decide({ currentReplicas, readyReplicas, readings }, view.nowMs).desiredReplicas;
      },
    };
  },
};

function settingsOf(options: BaselineOptions, onPods: boolean): Parameters<typeof aibrixAutoscaler>[0] {
  const { min, max } = boundsFromOne(options);
  const targetRatio = onPods ? concurrencyTargetRatio(options.capacity) : RATE_TARGET_RATIO;
  const tuned = tunedSettings({ ...RECOMMENDED, targetRatio }, options.tuning);
  const { concurrency, requestsPerSec } = options.capacity;
  const stableWindowMs = tuned.windowSec * 1000;
  return {
    strategy: onPods ? 'APA' : 'KPA',
    targetValues: [tuned.targetRatio * (onPods ? concurrency : requestsPerSec)],
    minReplicas: min,
    maxReplicas: max,
    stableWindowMs,
    panicWindowMs: Math.min(60_000, stableWindowMs),
    panicThreshold: 2,
    maxScaleUpRate: 2,
    maxScaleDownRate: 2,
    upTolerance: 0.1,
    downTolerance: tuned.downTolerance,
    scaleUpCooldownMs: 0,
    scaleDownCooldownMs: tuned.downCooldownSec * 1000,
    guardsPending: onPods,
  };
}

function totalOf(view: PlantView, ageMs: number): AibrixReading {
  const ratePerSec = arrivalRateOf(view, ageMs);
  return ratePerSec === undefined ? {} : { value: ratePerSec };
}

/** Null: no address, left out of the mean. */
function requestsByPod(view: PlantView, { leadTimeSec }: BaselineOptions): (number | null)[] {
  const { nowMs } = view;
  const sample = view.sampleAt(nowMs);
  const share = sample && sample.readyReplicas > 0 ? inFlightOf(sample) / sample.readyReplicas : null;
  return view.pods.map((pod) => (pod.readyMs !== null ? share : hasAddress(pod, { nowMs, leadTimeSec }) ? 0 : null));
}
