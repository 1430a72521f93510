/** Baseline: the Kubernetes HorizontalPodAutoscaler on a metric of the pods. */
import { seededRandom } from '../../base/random.ts';
import type { Baseline, BaselineFactory, BaselineOptions, PlantView } from './contract.ts';
import { makeHpa } from './hpa-rule.ts';
import type { HpaInput } from './hpa-types.ts';
import { HPA_DEFAULTS, HPA_SYNC_PERIOD_MS } from './hpa-types.ts';
import { behaviorWith, hpaInput, milliOf } from './hpa-view.ts';
import { changedReplicas, drawPhaseMs, drawPrometheusAgeMs, inFlightOf, tunedSettings } from './peer-settings.ts';

const RECOMMENDED = { targetRatio: 0.75, downStabilizationSec: 300 };

/** HPA v2 with a Pods metric, requests per pod, through Prometheus and its adapter. */
export const hpa: BaselineFactory = {
  name: 'hpa',
  source: 'Kubernetes 1.37 HPA controller (pkg/controller/podautoscaler), checked against 26 series recorded from it',
  settings: {
    metric:
      'Pods metric, AverageValue: requests running in and waiting for the replicas, per ready replica (the gauges a model server exports), because GPU utilization is near 100 % at any load.',
    targetRatio:
      'Target is 75 % of the requests one replica sustains: the 70 to 80 % that guides for GPU inference recommend.',
    behavior: 'The API defaults of spec.behavior: up by the larger of 4 pods and 100 % per 15 s, down freely.',
    downStabilizationSec: '300 s, the default: the largest proposal of the last five minutes holds.',
    sync: 'Every 15 s with a random phase; tolerance 10 %; both are defaults.',
    metricAge: '15 to 30 s: a scrape every 15 s, plus 15 s through rules, adapter and metrics API.',
    startingPods:
      'Run without a sample until they were scraped when ready: idle when more is wanted, on target when less is, as the controller has it.',
    replicasMin: 'At least 1: a Pods metric cannot be read from zero replicas.',
  },
  grid: { targetRatio: [0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 1], downStabilizationSec: [30, 60, 120, 300, 600] },
  create: createHpa,
};

function createHpa(options: BaselineOptions): Baseline {
  const { targetRatio, downStabilizationSec } = tunedSettings(RECOMMENDED, options.tuning);
  const random = seededRandom(options.seed);
  const phaseMs = drawPhaseMs(random, HPA_SYNC_PERIOD_MS);
  const ageMs = drawPrometheusAgeMs(random);
  const minReplicas = Math.max(1, options.replicas.min);
  const targetMilli = milliOf(targetRatio * options.capacity.concurrency);
  const controller = makeHpa({
    ...HPA_DEFAULTS,
    minReplicas,
    maxReplicas: Math.max(minReplicas, options.replicas.max),
    metrics: [{ type: 'podsAverageValue', targetMilli }],
    behavior: behaviorWith(downStabilizationSec),
  });
  return {
    periodMs: HPA_SYNC_PERIOD_MS,
    phaseMs,
    decide: (view) => changedReplicas(view, controller.sync(podsInput(view, ageMs), view.nowMs).desiredReplicas),
  };
}

/** Every pod that was ready when it was scraped has its share of the requests; the others have no sample. */
function podsInput(view: PlantView, ageMs: number): HpaInput {
  const sample = view.sampleAt(view.nowMs - ageMs);
  const pods = view.pods.map((pod) => ({ name: String(pod.id), phase: 'Running' }));
  if (sample === undefined || sample.readyReplicas <= 0) return { ...hpaInput(view, { podMilli: {} }), pods };
  const eachMilli = Math.trunc((inFlightOf(sample) * 1000) / sample.readyReplicas);
  const scraped = view.pods.filter(({ readyMs }) => readyMs !== null && readyMs <= sample.atMs);
  const podMilli = Object.fromEntries(scraped.map((pod) => [String(pod.id), eachMilli]));
  return { ...hpaInput(view, { podMilli }), pods };
}
