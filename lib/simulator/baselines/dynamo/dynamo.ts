/** NVIDIA Dynamo's planner as a baseline: aggregated engines, by forecast and latency (`sla`) or by thresholds of load (`load`). */
import { boundsFromOne, phasesOf } from '../baseline-options.ts';
import type { BaselineFactory, BaselineOptions, PlantView } from '../contract.ts';
import { dynamoLoadScaling } from './rule.ts';
import type { DynamoEngine, DynamoSettings } from './rule.ts';
import { latencyVote, throughputFloor } from './sla.ts';
import { contextTokensOf, kvTokensOf, requestTokensOf, spreadRequests, tokensInUseOf } from '../engine-readings.ts';
import { tunedSettings } from '../peer-settings.ts';

const LOAD_PERIOD_MS = 5_000;

const RECOMMENDED = { byThresholds: 0, engineRatio: 0.8, upRatio: 0.75, downRatio: 0.45 };

export const dynamo: BaselineFactory = {
  name: 'dynamo',
  source:
    'ai-dynamo/dynamo planner 1.3.1, components/src/dynamo/planner/core: throughput_scaling.py with load_scaling.py, mode agg; the thresholds checked against 13 series recorded from it, the Kalman forecast against 8',
  settings: {
    byThresholds:
      '0: optimization_target sla with throughput and load scaling, which its guide calls the best of both: forecast replicas as a floor, latency above it. 1: optimization_target load, thresholds of the user. The default throughput (above 100 %, below 60 % of KV memory) never acts in time where slots are the limit and not KV memory.',
    engineRatio:
      'sla: of the requests one engine sustains at its token latency, 0.8 counts: the knee that a profile shows. The time to first token is to stay below 0.5 s, the default.',
    forecast: 'sla: Kalman with its defaults, every 180 s (the default ARIMA is fitted by a library).',
    upRatio: 'load: one worker more when any engine holds 0.75 of the context that one holds at 80 % of its rate.',
    downRatio:
      'load: one worker less when every engine holds at most 0.45 of it: 0.6 of the upper threshold, as in throughput.',
    min_endpoint: 'The smallest number of replicas, at least 1: the planner does not go to zero.',
    max_gpu_budget: 'The largest number of replicas.',
    delay: 'Forward-pass metrics of the last 5 s; nothing is decided while a worker starts.',
  },
  grid: [
    { byThresholds: [0], engineRatio: [0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 1] },
    { byThresholds: [1], upRatio: [0.35, 0.5, 0.75], downRatio: [0.2, 0.45] },
  ],
  create(options) {
    const tuned = tunedSettings(RECOMMENDED, options.tuning);
    return {
      periodMs: LOAD_PERIOD_MS,
      phaseMs: phasesOf(options.seed)(LOAD_PERIOD_MS),
      decide: tuned.byThresholds > 0 ? byThresholds(options, tuned) : byLatency(options, tuned.engineRatio),
    };
  },
};

type Decide = (view: PlantView) => number | null;

function byLatency(options: BaselineOptions, engineRatio: number): Decide {
  const { capacity } = options;
  const { min, max } = boundsFromOne(options);
  const floorOf = throughputFloor(capacity.requestsPerSec * engineRatio);
  return (view) => {
    const floor = floorOf(view);
    const { readyReplicas: ready, specReplicas } = view;
    const sample = view.sampleAt(view.nowMs);
    // Scaling in progress, or nothing heard: neither the vote nor the floor is written.
    if (ready !== specReplicas || ready === 0 || sample === undefined) return null;
    return Math.min(Math.max(ready + latencyVote(sample, { ready, capacity }), floor, min), max);
  };
}

function byThresholds(
  options: BaselineOptions,
  tuned: { readonly upRatio: number; readonly downRatio: number },
): Decide {
  const settings = settingsOf(options, tuned);
  return (view) => {
    const { decision } = dynamoLoadScaling(settings, {
      readyDecode: view.readyReplicas,
      expectedDecode: view.specReplicas,
      decodeEngines: enginesOf(view, options),
    });
    return decision?.decode ?? null;
  };
}

function settingsOf(
  options: BaselineOptions,
  tuned: { readonly upRatio: number; readonly downRatio: number },
): DynamoSettings {
  const { capacity } = options;
  const { min, max } = boundsFromOne(options);
  const fullPercent = (100 * capacity.concurrency * contextTokensOf(requestTokensOf(capacity))) / kvTokensOf(capacity);
  return {
    mode: 'agg',
    optimizationTarget: 'load',
    minEndpoint: min,
    maxGpuBudget: max,
    prefillGpusPerEngine: 1,
    decodeGpusPerEngine: 1,
    contextLengthTokens: 1,
    maxKvTokens: kvTokensOf(capacity),
    prefillScaleUpQueueTokens: null,
    prefillScaleDownQueueTokens: null,
    decodeScaleUpKvPercent: fullPercent * tuned.upRatio,
    decodeScaleDownKvPercent: fullPercent * tuned.downRatio,
  };
}

function enginesOf(view: PlantView, { capacity }: BaselineOptions): readonly DynamoEngine[] {
  const sample = view.sampleAt(view.nowMs);
  if (!sample) return [];
  const { input } = requestTokensOf(capacity);
  return spreadRequests(sample.queued, view.readyReplicas).map((queued) => ({
    queuedPrefillTokens: queued * input,
    scheduledDecodeKvTokens: tokensInUseOf(sample, capacity),
    queuedDecodeKvTokens: 0,
  }));
}
