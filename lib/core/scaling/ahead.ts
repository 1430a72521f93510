/** Sizes for the load that will be there when replicas asked for now are ready, and for what waits already. */
import type { WorkloadInput } from '../decide-types.ts';
import { advanceForecast, forecastOf, neededNow } from '../forecast/forecast.ts';
import type { ForecastState } from '../forecast/forecast.ts';
import { duration, figure } from '../format.ts';
import type { ScalingPolicy } from '../policy.ts';
import type { SignalDemand } from '../signals/contract.ts';
import { step } from '../trail.ts';
import type { Draft } from '../trail.ts';

/**
 * Share of forecasts that must suffice, by risk. Falling short of one is no miss yet: a queue takes up what the wait allows. On recorded traces 0.95 gave 99.9 %
 * of requests in time at 1.2 to 1.35 times the optimum (docs/benchmarks).
 */
const QUANTILE: Readonly<Record<ScalingPolicy['spec']['risk'], number>> = { low: 0.995, balanced: 0.95, cheap: 0.85 };

/** From so many measured forecasts on, the measured factor replaces the staffing rule's headroom. */
export const MEASURED_MIN = 40;

/** Between the load and the readings, and from one evaluation to the next [ms]. */
const REACTION_MS = 10_000;

/** Work that waits is caught up within the lead time: replicas that come later come for nothing; at least half a minute, so that a moment's queue is no flood [s]. */
const CATCH_UP_SEC_MIN = 30;

/** The rate that can be foreseen: of arrivals or tokens. Counts of what is in the servers follow from it and from how full they are. */
function rateOf(signals: readonly SignalDemand[]): number | null {
  let most: number | null = null;
  for (const signal of signals) {
    if (signal.kind !== 'requestRate' && signal.kind !== 'tokens') continue;
    // A part of the truth would teach the wrong level.
    if (signal.demand === null || signal.gap !== null) return null;
    most = Math.max(most ?? 0, signal.demand);
  }
  return most;
}

/** The forecast's memory after this evaluation. Only full ones teach it: they come at even times. */
export function forecastAfter(input: WorkloadInput, signals: readonly SignalDemand[]): ForecastState | undefined {
  const before = input.control?.forecast;
  const demand = rateOf(signals);
  if (demand === null || input.kind !== 'full') return before;
  const { nowMs } = input;
  return advanceForecast(before, { nowMs, demand, horizonMs: horizonMsOf(input), waitMs: waitMsOf(input) });
}

/** Without an objective a request should hardly wait [s]. */
const WAIT_SEC_DEFAULT = 2;

function waitMsOf(input: WorkloadInput): number {
  const { slo } = input.policy.spec;
  return (slo?.waitSec ?? slo?.ttftSec ?? WAIT_SEC_DEFAULT) * 1000;
}

/**
 * What a rate really needs now, over its reading: below 1 in a short peak whose end may wait, above 1 just after one. 1 as long as forecasts
 * were not measured: then the reading itself is the floor.
 */
export function easeOf(
  input: WorkloadInput,
  of: { readonly signals: readonly SignalDemand[]; readonly state: ForecastState | undefined },
): number {
  const demand = rateOf(of.signals);
  if (demand === null || demand === 0 || of.state === undefined || !isCalibrated(of.state)) return 1;
  return neededNow(of.state, { demand, waitMs: waitMsOf(input) }) / demand;
}

function horizonMsOf(input: WorkloadInput): number {
  return input.policy.spec.leadTimeSec * 1000 + REACTION_MS;
}

/** True when forecasts of this workload were measured often enough to size by them. */
export function isCalibrated(state: ForecastState | undefined): boolean {
  return state !== undefined && state.measured >= MEASURED_MIN;
}

/** Raises the draft to what is expected at the lead time, and to what catches up on the queue. Never lowers it. */
export function sizeAhead(
  draft: Draft,
  of: {
    readonly input: WorkloadInput;
    readonly signals: readonly SignalDemand[];
    readonly state: ForecastState | undefined;
  },
): Draft {
  const demand = rateOf(of.signals);
  if (demand === null || of.state === undefined) return draft;
  const horizonMs = horizonMsOf(of.input);
  const { risk } = of.input.policy.spec;
  const { expected, factor } = forecastOf(of.state, { horizonMs, quantileRatio: QUANTILE[risk] });
  const ahead = expected * factor;
  const present = isCalibrated(of.state) ? neededNow(of.state, { demand, waitMs: waitMsOf(of.input) }) : demand;
  const backlog = backlogReplicas(of.input);
  const to = Math.ceil(Math.max(present, ahead) + backlog - 1e-9);
  if (to <= (draft.replicas ?? 0)) return draft;
  const catchUp = backlog > 0 ? `, and ${figure(backlog)} to catch up on what waits` : '';
  const because =
    ahead >= present
      ? `${figure(expected)} replicas of load expected in ${duration(horizonMs)}, times ${figure(factor)} (${QUANTILE[risk] * 100} % of ${of.state.measured} measured forecasts, risk ${risk})${catchUp}`
      : `${figure(present)} replicas of load now${catchUp}`;
  return step(draft, { rule: 'forecast', to, because });
}

/** Work that waits over the time in which it should be done [replicas]; 0 when nothing is known of a queue or of a replica's rate. */
function backlogReplicas(input: WorkloadInput): number {
  const { queued } = input.readings;
  const rate = input.policy.spec.signals.find((signal) => signal.kind === 'requestRate');
  if (queued.kind === 'missing' || rate === undefined) return 0;
  return queued.value / rate.perReplicaPerSec / Math.max(CATCH_UP_SEC_MIN, input.policy.spec.leadTimeSec);
}
