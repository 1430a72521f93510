/** Baseline: the Kubernetes HorizontalPodAutoscaler, on the requests at the gateway or on those in its pods. */
import { seededRandom } from '../../../base/random.ts';
import { CONCURRENCY_TARGET_RATIO, RATE_TARGET_RATIO, concurrencyTargetRatio } from '../baseline-options.ts';
import type { Baseline, BaselineFactory, BaselineOptions, PlantView } from '../contract.ts';
import { makeHpa } from './rule.ts';
import type { HpaInput, HpaMetricSpec } from './types.ts';
import { HPA_DEFAULTS, HPA_SYNC_PERIOD_MS } from './types.ts';
import { behaviorWith, hasAddress, hpaInput, milliOf } from './view.ts';
import {
  arrivalRateOf,
  changedReplicas,
  drawPhaseMs,
  drawPrometheusAgeMs,
  inFlightOf,
  tunedSettings,
} from '../peer-settings.ts';

const RECOMMENDED = { onConcurrency: 0, upStabilizationSec: 0, downStabilizationSec: 300 };

/** HPA v2 on one metric, through Prometheus and its adapter. */
export const hpa: BaselineFactory = {
  name: 'hpa',
  source: 'Kubernetes 1.37 HPA controller (pkg/controller/podautoscaler), checked against 26 series recorded from it',
  settings: {
    onConcurrency:
      '0: requests per second at the gateway, an Object metric with AverageValue, as in the walkthrough of the Kubernetes documentation. 1: requests running in and waiting for each pod, a Pods metric, as in its example for vLLM and in guides of clouds. GPU utilization is near 100 % at any load.',
    targetRatio: `On the rate ${RATE_TARGET_RATIO} of what one replica sustains, the 70 to 80 % that guides recommend. On concurrency ${CONCURRENCY_TARGET_RATIO} of the requests it holds at 80 % of its rate: with more, the loop swings on a constant load (a server with little to do is faster, so that the metric falls more than the load of a replica).`,
    behavior: 'The API defaults of spec.behavior: up by the larger of 4 pods and 100 % per 15 s, down freely.',
    upStabilizationSec: '0 s, the default.',
    downStabilizationSec: '300 s, the default: the largest proposal of the last five minutes holds.',
    sync: 'Every 15 s with a random phase; tolerance 10 %; both are defaults.',
    metricAge: '1 to 16 s: a scrape every 15 s; the adapter asks Prometheus when it is asked. Rates are means of 60 s.',
    startingPods:
      'On the rate they count as replicas, as the controller has it. On concurrency they have no sample until they are ready: idle when more is wanted, on target when less is; ignored on the way down while they have no node.',
    replicasMin: 'At least 1: the object has its minimum at 1.',
  },
  grid: [
    { onConcurrency: [0], targetRatio: [0.5, 0.65, 0.75, 0.85, 0.95], downStabilizationSec: [60, 300, 900] },
    { onConcurrency: [1], targetRatio: [0.2, 0.35, 0.5, 0.75], downStabilizationSec: [300, 900] },
  ],
  create: createHpa,
};

function createHpa(options: BaselineOptions): Baseline {
  const onConcurrency = (options.tuning?.['onConcurrency'] ?? RECOMMENDED.onConcurrency) > 0;
  const targetRatio = onConcurrency ? concurrencyTargetRatio(options.capacity) : RATE_TARGET_RATIO;
  const settings = tunedSettings({ ...RECOMMENDED, targetRatio }, options.tuning);
  const random = seededRandom(options.seed);
  const phaseMs = drawPhaseMs(random, HPA_SYNC_PERIOD_MS);
  const ageMs = drawPrometheusAgeMs(random);
  const minReplicas = Math.max(1, options.replicas.min);
  const { concurrency, requestsPerSec } = options.capacity;
  const targetMilli = milliOf(settings.targetRatio * (onConcurrency ? concurrency : requestsPerSec));
  const metric: HpaMetricSpec = { type: onConcurrency ? 'podsAverageValue' : 'objectAverageValue', targetMilli };
  const controller = makeHpa({
    ...HPA_DEFAULTS,
    minReplicas,
    maxReplicas: Math.max(minReplicas, options.replicas.max),
    metrics: [metric],
    behavior: behaviorWith(settings),
  });
  const { leadTimeSec } = options;
  const inputOf = (view: PlantView): HpaInput =>
    onConcurrency ? podsInput(view, { ageMs, leadTimeSec }) : gatewayInput(view, ageMs);
  return {
    periodMs: HPA_SYNC_PERIOD_MS,
    phaseMs,
    decide: (view) => changedReplicas(view, controller.sync(inputOf(view), view.nowMs).desiredReplicas),
  };
}

function gatewayInput(view: PlantView, ageMs: number): HpaInput {
  const ratePerSec = arrivalRateOf(view, ageMs);
  return hpaInput(view, ratePerSec === undefined ? { error: true } : { valuesMilli: [Math.round(ratePerSec * 1000)] });
}

/** Every pod that was ready when it was scraped has its share of the requests; the others have no sample. */
function podsInput(view: PlantView, of: { readonly ageMs: number; readonly leadTimeSec: number }): HpaInput {
  const sample = view.sampleAt(view.nowMs - of.ageMs);
  const pods = view.pods.map((pod) => {
    const phase = hasAddress(pod, { nowMs: view.nowMs, leadTimeSec: of.leadTimeSec }) ? 'Running' : 'Pending';
    return { name: String(pod.id), phase };
  });
  if (sample === undefined || sample.readyReplicas <= 0) return { ...hpaInput(view, { podMilli: {} }), pods };
  const eachMilli = Math.trunc((inFlightOf(sample) * 1000) / sample.readyReplicas);
  const scraped = view.pods.filter(({ readyMs }) => readyMs !== null && readyMs <= sample.atMs);
  const podMilli = Object.fromEntries(scraped.map((pod) => [String(pod.id), eachMilli]));
  return { ...hpaInput(view, { podMilli }), pods };
}
