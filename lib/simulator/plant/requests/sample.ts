/** The sample of an interval, from sums before and after it. */
import type { LoadSample } from '../../baselines/contract.ts';

/** Sums since the start of the plant. */
export type Progress = {
  readonly arrived: number;
  readonly completed: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly queuedMs: number;
  readonly loadMs: number;
  readonly kvMs: number;
  readonly readyMs: number;
};

/** Replicas are only removed between two intervals, so loads of those that are there at its end cover the interval. */
export function sampleOf(
  { before, after }: { readonly before: Progress; readonly after: Progress },
  by: { readonly fromMs: number; readonly toMs: number; readonly readyReplicas: number; readonly kvTokens: number },
): LoadSample {
  const spanMs = by.toMs - by.fromMs;
  const readyMs = after.readyMs - before.readyMs;
  return {
    atMs: by.toMs,
    arrivalsPerSec: ((after.arrived - before.arrived) * 1000) / spanMs,
    completedPerSec: ((after.completed - before.completed) * 1000) / spanMs,
    running: (after.loadMs - before.loadMs) / spanMs,
    queued: (after.queuedMs - before.queuedMs) / spanMs,
    inputTokensPerSec: ((after.inputTokens - before.inputTokens) * 1000) / spanMs,
    outputTokensPerSec: ((after.outputTokens - before.outputTokens) * 1000) / spanMs,
    kvRatio: readyMs > 0 ? Math.min(1, (after.kvMs - before.kvMs) / readyMs / by.kvTokens) : 0,
    readyReplicas: by.readyReplicas,
  };
}
