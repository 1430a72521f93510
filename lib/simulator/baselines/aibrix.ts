/** AIBrix's APA as a baseline: requests that run on a pod, read from the pods themselves every 10 s. */
import { aibrixAutoscaler } from './aibrix-rule.ts';
import { boundsFromOne, phasesOf, TARGET_RATIO } from './baseline-options.ts';
import type { BaselineFactory, BaselineOptions, PlantView } from './contract.ts';
import { tunedSettings } from './peer-settings.ts';

const SYNC_PERIOD_MS = 10_000;

/** A pod whose endpoint does not answer yet counts 0, as coded: only pods without an address are left out, and here a starting pod has one. */
export const aibrix: BaselineFactory = {
  name: 'aibrix',
  source:
    'vllm-project/aibrix e3e10f9e (2026-08), pkg/controller/podautoscaler, strategy APA; settings of samples/autoscaling/apa.yaml',
  settings: {
    metric:
      'num_requests_running of each pod: KV memory, the metric of the samples, never fills where slots are the limit, so that the peer would not react at all.',
    targetRatio: `Target = ${TARGET_RATIO} of the requests one replica holds at its service level, as measured.`,
    windowSec: '30 s, as in the samples (default 180 s).',
    tolerance: '0.1 up and 0.2 down, as in the samples (default 0.1 both).',
    cooldown:
      'Defaults: none up, 300 s down. As coded the lowest recommendation of these 300 s is taken, so that a longer cooldown shrinks deeper.',
    startingPods:
      'Count as replicas, and 0 in the mean: as coded an endpoint that does not answer is a zero (only a pod without an address is left out).',
    rates: 'Defaults: at most twofold up and half down in one sync.',
    delay: 'Reads the pods at its sync, every 10 s; no Prometheus in between.',
  },
  grid: { targetRatio: [0.5, 0.6, 0.7, 0.75, 0.8, 0.9], windowSec: [10, 30, 60, 180], downCooldownSec: [0, 60, 300] },
  create(options) {
    const decide = aibrixAutoscaler(settingsOf(options));
    return {
      periodMs: SYNC_PERIOD_MS,
      phaseMs: phasesOf(options.seed)(SYNC_PERIOD_MS),
      decide(view) {
        const readings = [{ podValues: runningByPod(view) }];
        return decide({ currentReplicas: view.specReplicas, readings }, view.nowMs).desiredReplicas;
      },
    };
  },
};

function settingsOf(options: BaselineOptions): Parameters<typeof aibrixAutoscaler>[0] {
  const { min, max } = boundsFromOne(options);
  const tuned = tunedSettings({ targetRatio: TARGET_RATIO, windowSec: 30, downCooldownSec: 300 }, options.tuning);
  const windowMs = tuned.windowSec * 1000;
  return {
    strategy: 'APA',
    targetValues: [tuned.targetRatio * options.capacity.concurrency],
    minReplicas: min,
    maxReplicas: max,
    stableWindowMs: windowMs,
    panicWindowMs: windowMs,
    panicThreshold: 2,
    maxScaleUpRate: 2,
    maxScaleDownRate: 2,
    upTolerance: 0.1,
    downTolerance: 0.2,
    scaleUpCooldownMs: 0,
    scaleDownCooldownMs: tuned.downCooldownSec * 1000,
  };
}

function runningByPod(view: PlantView): (number | null)[] {
  const sample = view.sampleAt(view.nowMs);
  const share = sample && sample.readyReplicas > 0 ? sample.running / sample.readyReplicas : null;
  return view.pods.map(({ readyMs }) => (readyMs === null ? 0 : share));
}
