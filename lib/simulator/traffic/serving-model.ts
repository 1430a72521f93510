/** A fluid model of model servers behind one queue: work arrives, waits first-in first-out, and is served by the replicas that are ready. */

export type ServingSettings = {
  /** Requests one replica works on at once (> 0). */
  readonly slotsPerReplica: number;
  /** Time one request takes in its slot [s] (> 0). */
  readonly serviceSec: number;
  /** A request that waits longer than this for a slot counts as unserved [s]. */
  readonly waitLimitSec: number;
};

export type ServingStep = {
  /** Requests in slots, and waiting, after the step. */
  readonly inFlight: number;
  readonly queued: number;
  /** In the step. */
  readonly arrived: number;
  readonly started: number;
  readonly completed: number;
  /** Of those that started: waited longer than the limit. */
  readonly late: number;
  /** Waiting after the step, for longer than the limit already. */
  readonly overdue: number;
  /** Wait of the oldest request in the queue [s]. */
  readonly oldestWaitSec: number;
};

export type Serving = {
  /** Moves on by `dtSec` [s]. `arrived` ≥ 0 [requests], `readyReplicas` ≥ 0. With no replica ready everything waits. */
  step(input: { readonly dtSec: number; readonly arrived: number; readonly readyReplicas: number }): ServingStep;
};

type Cohort = { waitSec: number; requests: number };

/** Starts empty. Requests are real numbers (a fluid): totals are exact, single requests are not followed. */
export function makeServing(settings: ServingSettings): Serving {
  const waiting: Cohort[] = [];
  let inFlight = 0;

  return {
    step: ({ dtSec, arrived, readyReplicas }) => {
      // Each slot ends 1/serviceSec requests a second; what is in flight decays accordingly.
      const completed = inFlight * (1 - Math.exp(-dtSec / settings.serviceSec));
      inFlight -= completed;
      for (const cohort of waiting) cohort.waitSec += dtSec;
      if (arrived > 0) waiting.push({ waitSec: 0, requests: arrived });
      let free = Math.max(0, readyReplicas * settings.slotsPerReplica - inFlight);
      let started = 0;
      let late = 0;
      while (free > 1e-9 && waiting.length > 0) {
        const oldest = waiting[0];
        if (oldest === undefined) break;
        const taken = Math.min(free, oldest.requests);
        free -= taken;
        started += taken;
        if (oldest.waitSec > settings.waitLimitSec) late += taken;
        oldest.requests -= taken;
        if (oldest.requests <= 1e-9) waiting.shift();
      }
      inFlight += started;
      const queued = sumOf(waiting);
      const overdue = sumOf(waiting.filter(({ waitSec }) => waitSec > settings.waitLimitSec));
      return { inFlight, queued, arrived, started, completed, late, overdue, oldestWaitSec: waiting[0]?.waitSec ?? 0 };
    },
  };
}

function sumOf(cohorts: readonly Cohort[]): number {
  return cohorts.reduce((sum, { requests }) => sum + requests, 0);
}
