/**
 * What the load will be when replicas asked for now are ready: a level and a damped trend, times a factor that is measured from how wrong such forecasts
 * have been. Sources: damped-trend smoothing (Gardner and McKenzie 1985); calibration by the empirical quantile of past ratios (conformal prediction).
 */
import { errorQuantile, noErrors, withError } from './errors.ts';
import type { ErrorHistogram } from './errors.ts';

/** The memory of one workload's forecast. JSON, bounded. */
export type ForecastState = {
  /** Means of the demand over about a minute and five [replicas]. */
  readonly fast: number;
  readonly slow: number;
  readonly atMs: number;
  /** When the level was begun: a young mean is over its own age. */
  readonly sinceMs: number;
  /** Forecasts that wait for their time: [epoch ms, replicas]; at most {@link PENDING_MAX}. */
  readonly pending: readonly (readonly [number, number])[];
  readonly errors: ErrorHistogram;
  /** Forecasts that were compared with what came. */
  readonly measured: number;
};

export type Forecast = {
  readonly state: ForecastState;
  /** Expected demand at the horizon [replicas]. */
  readonly expected: number;
  /** Measured factor for the asked quantile. */
  readonly factor: number;
};

/** Time constants of the two means [ms]: a minute hides the noise of single readings, five show the direction. */
const FAST_MS = 60_000;
const SLOW_MS = 300_000;
/** Trends do not last: over the horizon only this share of it is expected. */
const DAMPING = 0.6;
/** Nobody looked for so long: the level starts anew. */
const GAP_MS = 600_000;
/** A forecast is put aside for comparison so often: eight in a horizon, at least 15 s apart. */
const PENDING_PER_HORIZON = 8;
const PENDING_STEP_MS_MIN = 15_000;
const PENDING_MAX = 16;
/** Half of what was measured is forgotten after a day. */
const HALF_LIFE_MS = 86_400_000;

/** A level younger than this is too rough to be held against what came. */
const YOUNG_MS = 2 * FAST_MS;

export type Measured = {
  readonly nowMs: number;
  /** Read over {@link DEMAND_MS}, ≥ 0 [replicas]. */
  readonly demand: number;
  /** From asked for to serving, > 0. */
  readonly horizonMs: number;
  /** How long a request may wait, ≥ 0. */
  readonly waitMs: number;
};

/** Advances the memory to `nowMs` with the demand measured now. Pure. */
export function advanceForecast(before: ForecastState | undefined, now: Measured): ForecastState {
  if (before === undefined || now.nowMs - before.atMs > GAP_MS || now.nowMs < before.atMs) return begun(before, now);
  const dtMs = now.nowMs - before.atMs;
  const ageMs = now.nowMs - before.sinceMs;
  const toward = (mean: number, constantMs: number): number =>
    // At least a millisecond: twice in the instant in which the level was begun, 0 / 0 would make it nothing for ever.
    mean + (now.demand - mean) * (1 - Math.exp(-dtMs / Math.min(constantMs, Math.max(dtMs, ageMs, 1))));
  const [fast, slow] = [toward(before.fast, FAST_MS), toward(before.slow, SLOW_MS)];
  const needed = neededNow({ fast, slow }, now);
  const due = before.pending.filter((forecast) => forecast[0] <= now.nowMs);
  const stepMs = Math.max(PENDING_STEP_MS_MIN, now.horizonMs / PENDING_PER_HORIZON);
  const keepRatio = 0.5 ** (stepMs / HALF_LIFE_MS);
  const errors = due.reduce(
    (histogram, [, expected]) => withError(histogram, { ratio: needed / Math.max(expected, MIN_EXPECTED), keepRatio }),
    before.errors,
  );
  const state = {
    fast,
    slow,
    atMs: now.nowMs,
    sinceMs: before.sinceMs,
    errors,
    measured: Math.min(1e6, before.measured + due.length),
  };
  const waiting = due.length === 0 ? before.pending : before.pending.filter((forecast) => forecast[0] > now.nowMs);
  const lastMs = waiting.at(-1)?.[0] ?? -Infinity;
  const isTime = ageMs >= YOUNG_MS && now.nowMs + now.horizonMs - lastMs >= stepMs && waiting.length < PENDING_MAX;
  const pending = isTime
    ? [...waiting, [now.nowMs + now.horizonMs, rounded(expectedAt(state, now.horizonMs))] as const]
    : waiting;
  return { ...state, fast: rounded(fast), slow: rounded(slow), pending };
}

/** Below a tenth of a replica a ratio says nothing. */
const MIN_EXPECTED = 0.1;

function begun(before: ForecastState | undefined, { nowMs, demand }: Measured): ForecastState {
  const errors = before?.errors ?? noErrors();
  return {
    fast: demand,
    slow: demand,
    atMs: nowMs,
    sinceMs: nowMs,
    pending: [],
    errors,
    measured: before?.measured ?? 0,
  };
}

/** Over what the demand itself is read [ms]: the span of rates in `window/readings.ts`. */
const DEMAND_MS = 15_000;

/**
 * Replicas that keep every wait within `waitMs` for the load of the last seconds and minutes: work E that arrives in a time d is served within the wait by
 * E / (d + wait). A short peak needs less than its height, because its end may wait. An exponential mean stands for twice its time constant.
 * Source: network calculus, arrival envelope against a rate with a delay bound.
 */
export function neededNow(
  means: { readonly fast: number; readonly slow: number },
  now: Pick<Measured, 'demand' | 'waitMs'>,
): number {
  const over = (mean: number, spanMs: number): number => (mean * spanMs) / (spanMs + now.waitMs);
  return Math.max(over(now.demand, DEMAND_MS), over(means.fast, 2 * FAST_MS), over(means.slow, 2 * SLOW_MS));
}

/** Level plus damped trend. The means lag behind a steady trend by their time constants, so their difference is the trend over the difference of these. */
function expectedAt(state: Pick<ForecastState, 'fast' | 'slow'>, horizonMs: number): number {
  const perMs = (state.fast - state.slow) / (SLOW_MS - FAST_MS);
  const ahead = state.fast + perMs * (FAST_MS + horizonMs) * DAMPING;
  return Math.max(state.fast * 0.5, Math.min(state.fast * 2, ahead));
}

/** What a memory says of the time `horizonMs` ahead; `quantileRatio` 0..1: the share of forecasts that should suffice. */
export function forecastOf(
  state: ForecastState,
  ask: { readonly horizonMs: number; readonly quantileRatio: number },
): Forecast {
  return { state, expected: expectedAt(state, ask.horizonMs), factor: errorQuantile(state.errors, ask.quantileRatio) };
}

function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
