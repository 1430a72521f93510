/**
 * What NVIDIA Dynamo's planner 1.3.1 does with the target `sla`: replicas for the forecast of the requests as a floor, and one worker more or less by the latencies it expects.
 * Its models of the engine are regressions over forward passes; here they are what the regression would find: one engine as measured. From the description of the
 * planner; no recorded series has this mode.
 */
import type { LoadSample, PlantView, ReplicaCapacity } from '../contract.ts';
import { dynamoPredictor } from './predictors.ts';

/** `throughput_adjustment_interval_seconds`. */
const THROUGHPUT_PERIOD_MS = 180_000;
/** `ttft` [s], the default. */
const TTFT_SLA_SEC = 0.5;
/** `load_scaling_down_sensitivity`, the default. */
const DOWN_SENSITIVITY = 0.8;

/** Replicas for the requests expected in the next interval, rounded up; 0 before the first interval ended. Call it as often as you like: it looks at whole intervals. */
export function throughputFloor(engineRequestsPerSec: number): (view: PlantView) => number {
  const predictor = dynamoPredictor({ predictor: 'kalman', qLevel: 1, qTrend: 0.1, r: 10, log1p: false });
  let sinceMs: number | null = null;
  let floor = 0;
  return (view) => {
    sinceMs ??= view.nowMs;
    if (view.nowMs - sinceMs < THROUGHPUT_PERIOD_MS) return floor;
    const samples = view.samplesBetween(sinceMs, view.nowMs);
    sinceMs = view.nowMs;
    const sum = samples.reduce((total, { arrivalsPerSec }) => total + arrivalsPerSec, 0);
    predictor.observe(samples.length === 0 ? null : (sum / samples.length) * (THROUGHPUT_PERIOD_MS / 1000));
    const perSec = Math.max(0, predictor.forecast()) / (THROUGHPUT_PERIOD_MS / 1000);
    floor = Math.ceil(perSec / engineRequestsPerSec);
    return floor;
  };
}

/**
 * Change of the workers by expected latencies [-1, 0 or 1]. One more when a prompt that comes now would wait longer than the limit in every engine; one less when, with the
 * rest of the engines taking its share, the added wait stays within {@link DOWN_SENSITIVITY} of the limit and none gets beyond the knee of its throughput.
 * `ready` > 0 engines, taken to be loaded evenly.
 */
export function latencyVote(
  sample: LoadSample,
  of: { readonly ready: number; readonly capacity: ReplicaCapacity },
): number {
  const { ready, capacity } = of;
  const ownSec = 1 / capacity.requestsPerSec;
  const waitSec = (queued: number): number => queued / ready / capacity.requestsPerSec;
  if (ownSec + waitSec(sample.queued) > TTFT_SLA_SEC && sample.queued > 0) return 1;
  if (ready < 2) return 0;
  const share = ready / (ready - 1);
  const isQuick = waitSec(sample.queued) * share <= Math.max(0, TTFT_SLA_SEC - ownSec) * DOWN_SENSITIVITY;
  const isRoomy = (sample.running / ready) * share <= capacity.concurrency;
  return isQuick && isRoomy ? -1 : 0;
}
