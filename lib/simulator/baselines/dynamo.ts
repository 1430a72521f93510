/** NVIDIA Dynamo's planner as a baseline: load scaling of aggregated engines, every 5 s, one worker at a time. */
import { boundsFromOne, phasesOf, TARGET_RATIO } from './baseline-options.ts';
import type { BaselineFactory, BaselineOptions, PlantView } from './contract.ts';
import { dynamoLoadScaling } from './dynamo-rule.ts';
import type { DynamoEngine, DynamoSettings } from './dynamo-rule.ts';
import { contextTokensOf, kvTokensOf, requestTokensOf, spreadRequests, tokensInUseOf } from './engine-readings.ts';
import { tunedSettings } from './peer-settings.ts';

const LOAD_PERIOD_MS = 5_000;

export const dynamo: BaselineFactory = {
  name: 'dynamo',
  source:
    'ai-dynamo/dynamo planner 1.3.1, components/src/dynamo/planner/core/load_scaling.py, mode agg, optimization_target load',
  settings: {
    optimization_target:
      'load: thresholds of the user. The default throughput (above 100 %, below 60 % of KV memory) and latency (40 %, 10 %) never act in time where slots are the limit and not KV memory.',
    upRatio: `One worker more when any engine holds ${TARGET_RATIO} of the context that one replica holds at its service level, as measured.`,
    downRatio:
      'One worker less when every engine holds at most 0.45 of it: 0.6 of the upper threshold, as in throughput.',
    min_endpoint: 'The smallest number of replicas, at least 1: the planner does not go to zero.',
    max_gpu_budget: 'The largest number of replicas.',
    delay: 'Forward-pass metrics of the last 5 s; nothing is decided while a worker starts.',
  },
  grid: { upRatio: [0.5, 0.65, 0.75, 0.9], downRatio: [0.3, 0.45, 0.6] },
  create(options) {
    const settings = settingsOf(options);
    return {
      periodMs: LOAD_PERIOD_MS,
      phaseMs: phasesOf(options.seed)(LOAD_PERIOD_MS),
      decide(view) {
        const { decision } = dynamoLoadScaling(settings, {
          readyDecode: view.readyReplicas,
          expectedDecode: view.specReplicas,
          decodeEngines: enginesOf(view, options),
        });
        return decision?.decode ?? null;
      },
    };
  },
};

function settingsOf(options: BaselineOptions): DynamoSettings {
  const { capacity } = options;
  const { min, max } = boundsFromOne(options);
  const tuned = tunedSettings({ upRatio: TARGET_RATIO, downRatio: 0.45 }, options.tuning);
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
