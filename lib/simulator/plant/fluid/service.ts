/**
 * Serves work as a fluid, first in first out: R ready replicas admit R replica-ms of work per ms. Within a stretch of time in which R and the arrival rate are constant
 * everything is a straight line, so waits are exact and not rounded to ticks.
 */
import { createCohortQueue } from './cohort-queue.ts';
import type { Cohort } from './cohort-queue.ts';
import type { AdmittedSpan, WaitScore } from '../wait-score.ts';

/** What was admitted in one stretch. */
export type Served = {
  /** [replica-ms]. */
  readonly workMs: number;
  readonly requests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
};

export type FluidService = {
  /** Requests that wait. */
  readonly waitingRequests: number;
  /** Serves from `arriving.fromMs` to `arriving.toMs` [ms] with `ready` replicas (≥ 0) what waits and what arrives meanwhile. */
  serve(arriving: Cohort, ready: number): Served;
  /** Spans that wait, as if they were admitted at `nowMs`. */
  waiting(nowMs: number): Iterable<AdmittedSpan>;
};

/** Nothing waits at first. Admissions are reported to `score`. */
export function createFluidService(score: WaitScore): FluidService {
  const queue = createCohortQueue();
  const sums = { workMs: 0, requests: 0, inputTokens: 0, outputTokens: 0 };

  const admit = (part: Cohort, time: { readonly fromMs: number; readonly toMs: number }): void => {
    const requests = part.workMs * part.requestsPerWork;
    sums.workMs += part.workMs;
    sums.requests += requests;
    sums.inputTokens += part.workMs * part.inputPerWork;
    sums.outputTokens += part.workMs * part.outputPerWork;
    if (requests <= 0) return;
    score.admitted({
      requests,
      arrivedFromMs: part.fromMs,
      arrivedToMs: part.toMs,
      admittedFromMs: time.fromMs,
      admittedToMs: time.toMs,
    });
  };

  /** Serves what waited before; returns when it was through, or `toMs`. */
  const serveWaiting = (fromMs: number, to: { readonly toMs: number; readonly ready: number }): number => {
    let atMs = fromMs;
    for (let head = queue.head(); head !== undefined && atMs < to.toMs; head = queue.head()) {
      const workMs = Math.min(head.workMs, (to.toMs - atMs) * to.ready);
      const doneMs = workMs < head.workMs ? to.toMs : atMs + workMs / to.ready;
      admit(firstOf(head, workMs), { fromMs: atMs, toMs: doneMs });
      queue.take(workMs);
      atMs = doneMs;
    }
    return queue.length > 0 ? to.toMs : atMs;
  };

  /** Serves what arrives, from `freeMs` on; what is not admitted by its end waits. */
  const serveArriving = (arriving: Cohort, from: { readonly freeMs: number; readonly ready: number }): void => {
    const { fromMs, toMs, workMs } = arriving;
    const load = workMs / (toMs - fromMs) / from.ready;
    const lateMs = from.freeMs - fromMs;
    // Arrivals up to here are admitted within the stretch; those after it wait.
    const untilMs = Math.min(toMs, fromMs + (toMs - from.freeMs) / load);
    // Arrivals from here on are admitted at once: the fluid has caught up.
    const caughtUpMs =
      load < 1 ? Math.min(untilMs, fromMs + lateMs / (1 - load)) : lateMs <= 0 && load <= 1 ? fromMs : untilMs;
    const late = between(arriving, { fromMs, toMs: caughtUpMs });
    admit(late, { fromMs: from.freeMs, toMs: from.freeMs + (caughtUpMs - fromMs) * load });
    if (caughtUpMs < untilMs) {
      admit(between(arriving, { fromMs: caughtUpMs, toMs: untilMs }), { fromMs: caughtUpMs, toMs: untilMs });
    }
    queue.push(between(arriving, { fromMs: untilMs, toMs }));
  };

  return {
    get waitingRequests() {
      return queue.requests;
    },
    serve: (arriving, ready) => {
      sums.workMs = sums.requests = sums.inputTokens = sums.outputTokens = 0;
      const { fromMs, toMs } = arriving;
      const freeMs = ready > 0 ? serveWaiting(fromMs, { toMs, ready }) : toMs;
      if (freeMs >= toMs) queue.push(arriving);
      else if (arriving.workMs > 0) serveArriving(arriving, { freeMs, ready });
      return sums;
    },
    waiting: function* waiting(nowMs) {
      for (const cohort of queue.all()) {
        yield {
          requests: cohort.workMs * cohort.requestsPerWork,
          arrivedFromMs: cohort.fromMs,
          arrivedToMs: cohort.toMs,
          admittedFromMs: nowMs,
          admittedToMs: nowMs,
        };
      }
    },
  };
}

/** The first `workMs` of a cohort. */
function firstOf(cohort: Cohort, workMs: number): Cohort {
  if (workMs === cohort.workMs) return cohort;
  const toMs = cohort.fromMs + (cohort.toMs - cohort.fromMs) * (workMs / cohort.workMs);
  return { ...cohort, toMs, workMs };
}

/** The part that arrived between two times. */
function between(cohort: Cohort, span: { readonly fromMs: number; readonly toMs: number }): Cohort {
  const share = (span.toMs - span.fromMs) / (cohort.toMs - cohort.fromMs);
  return { ...cohort, fromMs: span.fromMs, toMs: span.toMs, workMs: cohort.workMs * share };
}
