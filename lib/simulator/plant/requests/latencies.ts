/** Times to first token and between tokens of single requests. */
import type { PlantTotals } from '../contract.ts';
import { OVERHEAD_MS } from './first-tokens.ts';
import type { Job } from './job.ts';
import { createWaitHistogram } from '../wait-histogram.ts';

export type FinishedRequest = {
  readonly arrivalMs: number;
  readonly outputTokens: number;
  /** From arrival to the first token, with the overhead [ms]. */
  readonly ttftMs: number;
  /** From arrival to the last token, with the overhead [ms]. */
  readonly totalMs: number;
};

/** Latencies of scored requests that ended. */
export function createLatencies(
  scoreFromMs: number,
  onFinished: ((request: FinishedRequest) => void) | undefined,
): { add(job: Job, endMs: number): void; totals(): Required<Pick<PlantTotals, 'ttftMs' | 'interTokenMs'>> } {
  const ttft = createWaitHistogram();
  const interToken = createWaitHistogram();
  const quantilesMs = (histogram: typeof ttft): { p50: number; p99: number } => ({
    p50: histogram.quantileSec(0.5) * 1000,
    p99: histogram.quantileSec(0.99) * 1000,
  });
  return {
    add: (job, endMs) => {
      const { arrivalMs, outputTokens } = job;
      const ttftMs = job.firstTokenMs - arrivalMs + OVERHEAD_MS;
      onFinished?.({ arrivalMs, outputTokens, ttftMs, totalMs: endMs - arrivalMs + OVERHEAD_MS });
      if (arrivalMs < scoreFromMs) return;
      ttft.add(ttftMs / 1000, 1);
      if (outputTokens > 1) interToken.add((endMs - job.firstTokenMs) / (outputTokens - 1) / 1000, 1);
    },
    totals: () => ({ ttftMs: quantilesMs(ttft), interTokenMs: quantilesMs(interToken) }),
  };
}
