/** A jump of arrivals seen within seconds, before the readings over 15 s show it: answered when it cannot be noise. */
import type { WorkloadInput } from '../decide-types.ts';
import { figure } from '../format.ts';
import { step } from '../trail.ts';
import type { Draft } from '../trail.ts';

/**
 * Standard deviations above the mean of a minute from which arrivals are no noise. 5: of 43,200 looks a day at normal noise one in eighty days is mistaken;
 * ten simulated days of Poisson arrivals (100 a second, 432,000 looks) had none.
 * Source: detection time of a step, T ≥ z²·I / (λ·(k-1)²).
 */
const SIGMAS = 5;

/** What a reading is over that does not say it, and the shortest that is believed [s]; see `window/readings.ts`. */
const SECONDS = 3;
const SECONDS_MIN = 1;

/** Readings of demand, whose variance is remembered, are over so long [s]: noise without memory has five times it over 3 s. */
const VARIANCE_SECONDS = 15;

/** Before that, what is usual is not known [ms]. */
const KNOWN_MS_MIN = 120_000;

/** Raises the draft to the load of the last seconds when it has jumped. Never lowers it. */
export function sizeSurge(
  draft: Draft,
  of: { readonly input: WorkloadInput; readonly perRequest: number | null },
): Draft {
  const { perRequest } = of;
  const { readings, control, nowMs } = of.input;
  const before = control?.forecast;
  if (readings.surgeRate?.kind !== 'value' || perRequest === null || before === undefined) return draft;
  if (before.atMs - before.sinceMs < KNOWN_MS_MIN || nowMs < before.atMs) return draft;
  const now = readings.surgeRate.value * perRequest;
  // All from the memory: what is read now must not hide a jump.
  const usual = before.levels[1] ?? 0;
  const ofArrivals = perRequest * Math.max(usual, perRequest);
  const overSec = Math.max(SECONDS_MIN, (readings.surgeRate.overMs ?? SECONDS * 1000) / 1000);
  const deviation = Math.sqrt(Math.max(VARIANCE_SECONDS * before.variance, ofArrivals) / overSec);
  const to = Math.ceil(now - 1e-9);
  if (now <= usual + SIGMAS * deviation || to <= (draft.replicas ?? 0)) return draft;
  return step(draft, {
    rule: 'surge',
    to,
    because: `${figure(now)} replicas of load in the last seconds, ${figure(usual)} over the last minute, ${figure((now - usual) / deviation)} standard deviations more (limit ${SIGMAS})`,
  });
}
