/** More than the load of this moment asks for: for what is expected when replicas asked for now are ready, and for what waits already. */
import type { WorkloadInput } from '../decide-types.ts';
import { advanceForecast, forecastOf } from '../forecast/forecast.ts';
import type { ForecastState } from '../forecast/forecast.ts';
import { neededNow } from '../forecast/levels.ts';
import { duration, figure } from '../format.ts';
import type { SignalDemand } from '../signals/contract.ts';
import { wholeValue } from '../signals/parts.ts';
import { step } from '../trail.ts';
import type { Draft } from '../trail.ts';
import { waitSecOf } from './objective.ts';
import { missLimitsOf, missTargetOf } from './price.ts';
import type { Priced } from './price.ts';
import { stabilizationMs } from './stabilise.ts';
import { isStarting } from './standing.ts';

/** From so many comparisons on, the measured bound replaces the staffing rule's headroom. */
export const MEASURED_MIN = 24;

/** Between the load and the readings, and from one evaluation to the next [ms]. */
const REACTION_MS = 10_000;

/** Work that waits is caught up within half a lead time: all who come later wait behind it. At least half a minute, so that a moment's queue is no flood [s]. */
const CATCH_UP_SEC_MIN = 30;
const CATCH_UP_LEAD_SHARE = 0.5;

/** The rate that can be foreseen: of arrivals or tokens. Counts of what is in the servers follow from it and from how full they are. */
function rateOf(signals: readonly SignalDemand[]): number | null {
  let most: number | null = null;
  for (const signal of signals) {
    if (!signal.isRate) continue;
    // A part of the truth would teach the wrong level.
    if (signal.demand === null || signal.gap !== null) return null;
    most = Math.max(most ?? 0, signal.demand);
  }
  return most;
}

/** The forecast's memory as of now. */
export function forecastAfter(
  input: WorkloadInput,
  of: { readonly signals: readonly SignalDemand[]; readonly perRequest: number | null },
): ForecastState | undefined {
  const before = input.control?.forecast;
  const demand = rateOf(of.signals);
  if (demand === null) return before;
  const { policy, nowMs } = input;
  const priced = pricedOf(input, of.perRequest);
  return advanceForecast(before, {
    nowMs,
    demand,
    horizonMs: horizonMsOf(input),
    holdMs: stabilizationMs(policy),
    waitMs: waitSecOf(input.policy) * 1000,
    sloMissRatio: missTargetOf(priced, before === undefined ? null : forecastOf(before)),
    starting: isStarting(input.target),
    missed: missedNow(input, of.perRequest),
    limits: missLimitsOf(priced),
  });
}

/** What a miss and a replica cost, as far as it is known. */
export function pricedOf({ policy, usdPerReplicaHour = null }: WorkloadInput, perRequest: number | null): Priced {
  return { policy, perRequest, usdPerReplicaHour };
}

/**
 * Share of requests that miss the objective now, as far as it is known: all when what waits takes too long, and of first tokens those that are late while replicas start. Late with all of
 * them ready and nothing waiting says nothing of the forecast, but of how much a replica does in time (`late.ts`).
 */
function missedNow(input: WorkloadInput, perRequest: number | null): number | null {
  const queue = queueMiss(input, perRequest);
  if (!isStarting(input.target)) return queue;
  const late = wholeValue(input.readings.lateRatio);
  return queue === null || late === null ? (queue ?? late) : Math.max(queue, late);
}

/** 1 when what waits takes the ready replicas longer than the objective allows. */
function queueMiss(input: WorkloadInput, perRequest: number | null): number | null {
  const work = waitingWork(input, perRequest);
  if (work === null || input.target.kind === 'missing') return null;
  if (work === 0) return 0;
  return work * 1000 > input.target.ready * waitSecOf(input.policy) * 1000 ? 1 : 0;
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
  return neededNow(of.state.levels, { demand, waitMs: waitSecOf(input.policy) * 1000 }) / demand;
}

function horizonMsOf(input: WorkloadInput): number {
  return input.policy.spec.leadTimeSec * 1000 + REACTION_MS;
}

/** True when forecasts of this workload were compared with what came often enough to size by them. */
export function isCalibrated(state: ForecastState | undefined): boolean {
  return state !== undefined && state.measured >= MEASURED_MIN;
}

/** Raises the draft to what must be ready at the lead time, and to what catches up on the queue. Never lowers it. */
export function sizeAhead(
  draft: Draft,
  of: {
    readonly input: WorkloadInput;
    readonly signals: readonly SignalDemand[];
    /** Work of a request [replica-seconds]; null when not known. */
    readonly perRequest: number | null;
    readonly state: ForecastState | undefined;
  },
): Draft {
  const demand = rateOf(of.signals);
  if (demand === null || of.state === undefined) return draft;
  const { expected, bound } = forecastOf(of.state);
  const present = isCalibrated(of.state)
    ? neededNow(of.state.levels, { demand, waitMs: waitSecOf(of.input.policy) * 1000 })
    : demand;
  const backlog = backlogReplicas(of.input, of.perRequest);
  const to = Math.ceil(Math.max(present, bound) + backlog - 1e-9);
  if (to <= (draft.replicas ?? 0)) return draft;
  const catchUp = backlog > 0 ? `, and ${figure(backlog)} to catch up on what waits` : '';
  const because =
    bound >= present
      ? `${figure(bound)} replicas needed in ${duration(horizonMsOf(of.input))}: ${figure(expected)} expected, times ${figure(bound / Math.max(1e-9, expected))} so that ${figure((1 - of.state.missRatio) * 100)} % of requests find room${priceText(of.input)} (${Math.round(of.state.measured)} forecasts measured)${catchUp}`
      : `${figure(present)} replicas of load now${catchUp}`;
  return step(draft, { rule: 'forecast', to, because });
}

function priceText({ policy: { spec }, usdPerReplicaHour }: WorkloadInput): string {
  if (spec.price === undefined || usdPerReplicaHour === undefined || usdPerReplicaHour === null) return '';
  return `, at ${figure(spec.price.usdPerMiss)} USD for a miss and ${figure(usdPerReplicaHour)} USD for a replica-hour`;
}

/** Work that waits [replica-seconds]; null when nothing is known of a queue or of the work of a request. */
function waitingWork(input: WorkloadInput, perRequest: number | null): number | null {
  const { queued } = input.readings;
  if (queued.kind === 'missing') return null;
  if (queued.value === 0) return 0;
  return perRequest === null ? null : queued.value * perRequest;
}

/** What waits, over the time in which it should be done [replicas]. */
function backlogReplicas(input: WorkloadInput, perRequest: number | null): number {
  const work = waitingWork(input, perRequest) ?? 0;
  return work / Math.max(CATCH_UP_SEC_MIN, input.policy.spec.leadTimeSec * CATCH_UP_LEAD_SHARE);
}
