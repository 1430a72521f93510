/** What arrives at the fluid engine. */
import type { ArrivalTick } from '../contract.ts';
import type { Cohort } from './cohort-queue.ts';

/** A request without any work still has to be admitted in its turn [replica-ms]. */
const WORK_MS_PER_REQUEST_MIN = 1e-3;

/** Reads the ticks as the plant's time moves over them. */
export function arrivalCursor(
  ticks: Iterable<ArrivalTick>,
  at: { readonly startMs: number; readonly tickMs: number },
): { constantUntilMs(nowMs: number): number; between(fromMs: number, toMs: number): Cohort } {
  const iterator = ticks[Symbol.iterator]();
  let tick = iterator.next();
  const tickFromMs = (): number => (tick.done === true ? Infinity : at.startMs + tick.value.startMs);
  return {
    constantUntilMs: (nowMs) => {
      for (; tick.done !== true && nowMs >= tickFromMs() + at.tickMs; tick = iterator.next());
      return nowMs < tickFromMs() ? tickFromMs() : tickFromMs() + at.tickMs;
    },
    between: (fromMs, toMs) => {
      if (tick.done === true || fromMs < tickFromMs() || tick.value.requests <= 0) return silence(fromMs, toMs);
      const { requests, inputTokens, outputTokens } = tick.value;
      const workMs = Math.max(tick.value.workReplicaSec * 1000, requests * WORK_MS_PER_REQUEST_MIN);
      return {
        fromMs,
        toMs,
        workMs: workMs * ((toMs - fromMs) / at.tickMs),
        requestsPerWork: requests / workMs,
        inputPerWork: inputTokens / workMs,
        outputPerWork: outputTokens / workMs,
      };
    },
  };
}

function silence(fromMs: number, toMs: number): Cohort {
  return { fromMs, toMs, workMs: 0, requestsPerWork: 0, inputPerWork: 0, outputPerWork: 0 };
}
