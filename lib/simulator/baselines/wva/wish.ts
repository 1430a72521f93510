/** What llm-d's workload-variant-autoscaler sees through Prometheus, and the replicas it publishes. */
import type { BaselineOptions, LoadSample, PlantView } from '../contract.ts';
import { kvTokensOf, readyAt, requestTokensOf, spreadRequests, tokensInUseOf } from '../engine-readings.ts';
import { tunedSettings } from '../peer-settings.ts';
import { wvaSaturationV2 } from './saturation-v2.ts';
import type { WvaV2Replica } from './saturation-v2.ts';

const SCRAPE_PERIOD_MS = 15_000;
/** WVA asks for the maximum over one minute. */
const MAX_OVER_MS = 60_000;
/** What vLLM processes in a step by default [tokens]. */
const MAX_BATCHED_TOKENS = 8192;
const VARIANT = 'model';
/** Of WVA; they fit a server of one request at a time. */
const DEFAULT_THRESHOLDS = { scaleUpThreshold: 0.85, scaleDownBoundary: 0.7 };
/** Where a batching server is used to half to three quarters of its rate. */
const BATCHING_THRESHOLDS = { scaleUpThreshold: 0.25, scaleDownBoundary: 0.15 };

/** What can be tuned, of the analyzer and of the HPA behind it. Throws ConfigError for other names. */
export function wvaTuning({ capacity, tuning }: BaselineOptions): {
  readonly scaleUpThreshold: number;
  readonly scaleDownBoundary: number;
  readonly upStabilizationSec: number;
  readonly downStabilizationSec: number;
} {
  const thresholds = capacity.slots > 1 ? BATCHING_THRESHOLDS : DEFAULT_THRESHOLDS;
  return tunedSettings({ ...thresholds, upStabilizationSec: 0, downStabilizationSec: 120 }, tuning);
}

/** Starts an analyzer for one model with one variant. Each call is one optimization over what was scraped last, at `scrapedAtMs`;
 *  null when no replica reports: the wish before stays published. */
export function wvaWish(options: BaselineOptions): (view: PlantView, scrapedAtMs: number) => number | null {
  const { capacity } = options;
  const { scaleUpThreshold, scaleDownBoundary } = wvaTuning(options);
  const analyze = wvaSaturationV2({
    kvCacheThreshold: 0.8,
    queueLengthThreshold: 5,
    scaleUpThreshold,
    scaleDownBoundary,
    variants: [
      {
        variant: VARIANT,
        cost: 10,
        totalKvTokens: kvTokensOf(capacity),
        accelerator: 'gpu',
        engine: { maxBatchedTokens: MAX_BATCHED_TOKENS, maxSeqs: capacity.slots },
      },
    ],
  });
  let desiredReplicas = 0;
  return (view, scrapedAtMs) => {
    const replicas = readingsOf(view, { scrapedAtMs, options });
    if (replicas.length === 0) return null;
    const pendingReplicas = view.pods.filter(({ readyMs }) => readyMs === null).length;
    const variant = { variant: VARIANT, currentReplicas: view.pods.length, desiredReplicas, pendingReplicas };
    desiredReplicas = analyze({ replicas, variants: [variant] }).targets[VARIANT] ?? view.pods.length;
    return desiredReplicas;
  };
}

function readingsOf(
  view: PlantView,
  { scrapedAtMs, options }: { readonly scrapedAtMs: number; readonly options: BaselineOptions },
): readonly WvaV2Replica[] {
  const samples: LoadSample[] = [];
  for (let atMs = scrapedAtMs; atMs > scrapedAtMs - MAX_OVER_MS; atMs -= SCRAPE_PERIOD_MS) {
    const sample = view.sampleAt(atMs);
    if (sample) samples.push(sample);
  }
  if (samples.length === 0) return [];
  const tokens = requestTokensOf(options.capacity);
  const tokensInUse = Math.max(...samples.map((sample) => tokensInUseOf(sample, options.capacity)));
  const queuedPerPod = Math.max(...samples.map(({ queued, readyReplicas }) => queued / Math.max(1, readyReplicas)));
  const reporting = readyAt(view.pods, scrapedAtMs).length;
  return spreadRequests(queuedPerPod * reporting, reporting).map((queueLength) => ({
    variant: VARIANT,
    queueLength,
    tokensInUse,
    avgInputTokens: tokens.input,
    avgOutputTokens: tokens.output,
    prefixCacheHitRate: 0,
  }));
}
