/**
 * How much work a request is, learned from what is measured: requests that are longer than usual ask for more, and replicas that serve less than was given are counted as less.
 * Given figures (a replica's requests or tokens per second) are the start; nothing is learned from idle samples.
 */
import type { Writable } from '../../base/writable.ts';
import type { WorkloadInput } from '../decide-types.ts';
import { figure } from '../format.ts';
import { constantAt, shareOf } from '../mean.ts';
import { wholeValue } from '../signals/parts.ts';
import type { SignalDemand } from '../signals/contract.ts';
import { lateAfter } from './late.ts';
import { isStarting } from './standing.ts';
import type { LateState } from './late.ts';
import { lateAfterMsOf, sloMissRatioOf } from './objective.ts';

/** Means of what was completed, per second. */
export type Served = { readonly done: number; readonly input: number; readonly output: number };

export type WorkState = {
  readonly atMs: number;
  readonly sinceMs: number;
  /** Over minutes, and over a week: what is usual. */
  readonly recent: Served;
  readonly usual: Served;
  /** Work a replica really does, in parts of the given: below 1 when it serves less. */
  readonly serves: number;
  /** Mean of what the ready replicas did over ten minutes, in the same parts: what was served once can be served. */
  readonly did: number;
  /** Requests of usual length a second that a replica serves when it is as full as the policy's `inFlight` signal wants it, and how long that was seen [ms]. */
  readonly full: { readonly perSec: number; readonly seenMs: number };
  /** How many replicas are ready, and since when. */
  readonly steady: { readonly ready: number; readonly sinceMs: number };
  /** Since when a queue has kept them busy; null: it does not. */
  readonly busySinceMs: number | null;
  /** Of first tokens that come late; absent while they are in time, or not reported. */
  readonly late?: LateState;
};

/** An output token is about as much work as five input tokens: 4 to 6 in the model servers measured (docs/decision-core.md), and what hosted models charge for it. */
const OUTPUT_WEIGHT = 5;

/** Over two minutes or 300 requests, whichever is longer (lengths vary by more than their mean), half an hour at most [ms]. */
const RECENT_MS = 120_000;
const RECENT_REQUESTS = 300;
const RECENT_MS_MAX = 1_800_000;
/** What is usual, is so for a week. */
const USUAL_MS = 7 * 86_400_000;
/** Requests are at most so many times as long as usual, or a part of it. */
const LENGTH_RATIO_MAX = 5;
/** Replicas are taken for at most twice or half of what was given: beyond, something is broken and more of them do not help. Source: Dynamo's correction factor. */
const SERVES_MIN = 0.5;
const SERVES_MAX = 2;
/** Evidence: a queue of more than two seconds of work in front of the same ready replicas, for longer than a reading looks back. */
const QUEUE_SEC_MIN = 2;
const STEADY_MS_MIN = 20_000;
const EVIDENCE_MS = 60_000;
/** Long enough that the luck of short requests does not pass for speed. */
const DID_MS = 600_000;
/** Without evidence it comes back to what was given: half in half a day. */
const FORGET_MS = 12 * 3_600_000;

const NOTHING: Served = { done: 0, input: 0, output: 0 };

/** The memory as of now; unchanged by readings that are missing or cover too little. */
export function workAfter(input: WorkloadInput): WorkState | undefined {
  const before = input.control?.work;
  const served = servedNow(input);
  if (served === null) return before;
  const { nowMs } = input;
  if (before === undefined || nowMs < before.atMs)
    return {
      atMs: nowMs,
      sinceMs: nowMs,
      recent: served,
      usual: served,
      serves: 1,
      did: 0,
      steady: { ready: readyOf(input), sinceMs: nowMs },
      busySinceMs: null,
      full: { perSec: 0, seenMs: 0 },
    };
  const dtMs = nowMs - before.atMs;
  const age = { dtMs, ageMs: nowMs - before.sinceMs };
  const recentMs = Math.min(RECENT_MS_MAX, Math.max(RECENT_MS, (RECENT_REQUESTS / Math.max(1e-6, served.done)) * 1000));
  const state: Writable<WorkState> = {
    atMs: nowMs,
    sinceMs: before.sinceMs,
    recent: toward(before.recent, { served, dtMs, constantMs: constantAt(recentMs, age) }),
    usual: toward(before.usual, { served, dtMs, constantMs: constantAt(USUAL_MS, age) }),
    serves: before.serves,
    did: before.did,
    steady: before.steady.ready === readyOf(input) ? before.steady : { ready: readyOf(input), sinceMs: nowMs },
    busySinceMs: isQueueing(input, served) ? (before.busySinceMs ?? nowMs) : null,
    full: before.full,
  };
  const full = fullAfter(input, { state, served, dtMs });
  const { serves, did } = servesNow(input, { state, served, dtMs });
  state.full = full;
  state.serves = serves;
  state.did = did;
  const late = lateNow(input, { state, served, dtMs });
  if (late !== undefined) state.late = late;
  return state;
}

/**
 * What decides: lengths as of now, speeds as of the last evaluation. A queue is evidence of what a replica does, and may show that it does more: it must not lower
 * the answer to that same queue.
 */
export function workInForce(input: WorkloadInput, state: WorkState | undefined): WorkInForce | undefined {
  if (state === undefined) return undefined;
  const { serves, full } = input.control?.work ?? state;
  return { recent: state.recent, usual: state.usual, serves, full };
}

export type WorkInForce = Pick<WorkState, 'recent' | 'usual' | 'serves' | 'full'>;

function servedNow({ readings }: WorkloadInput): Served | null {
  const done = wholeValue(readings.completionRate);
  const input = wholeValue(readings.inputTokenRate);
  const output = wholeValue(readings.outputTokenRate);
  if (done === null) return null;
  return input === null || output === null ? { ...NOTHING, done } : { done, input, output };
}

function toward(
  mean: Served,
  by: { readonly served: Served; readonly dtMs: number; readonly constantMs: number },
): Served {
  if (by.dtMs <= 0) return mean;
  const share = shareOf(by.dtMs, by.constantMs);
  return {
    done: between(mean.done, { to: by.served.done, share }),
    input: between(mean.input, { to: by.served.input, share }),
    output: between(mean.output, { to: by.served.output, share }),
  };
}

/** Nine decimals: of a service of a request in minutes a week's mean moves by less than a millionth in two seconds, and would stand still. */
function between(from: number, { to, share }: { readonly to: number; readonly share: number }): number {
  return Math.round((from + (to - from) * share) * 1e9) / 1e9;
}

/** Ready replicas [count]; 0 when the target is not observed. */
function readyOf({ target }: WorkloadInput): number {
  return target.kind === 'observed' ? target.ready : 0;
}

function isQueueing({ readings }: WorkloadInput, served: Served): boolean {
  return readings.queued.kind === 'value' && readings.queued.value > served.done * QUEUE_SEC_MIN;
}

/** The same ready replicas for longer than a reading looks back: only then it tells what one of them does. */
function isSteady({ steady }: Pick<WorkState, 'steady'>, nowMs: number): boolean {
  return steady.ready > 0 && nowMs - steady.sinceMs >= STEADY_MS_MIN;
}

function isKeptBusy({ busySinceMs }: Pick<WorkState, 'busySinceMs'>, nowMs: number): boolean {
  return busySinceMs !== null && nowMs - busySinceMs >= STEADY_MS_MIN;
}

/** How full replicas must be to tell what a full one serves: near what the policy wants. */
const FILL_MIN = 0.5;
const FILL_MAX = 2;
const FULL_MS = 600_000;
/** From so much evidence on, an `inFlight` signal is sized by arrivals. */
export const FULL_SEEN_MS_MIN = 180_000;

/**
 * Requests in a batching server grow faster than its rate: at half the fill it serves more than half. Between a server that does not batch (rate ∝ fill) and the measured
 * classes (rate ∝ fill^0.4 near the knee) the square root errs by at most a tenth where replicas are 0.6 to 1.6 times as full as wanted.
 */
function fullAfter(
  { nowMs, policy, readings }: WorkloadInput,
  of: { readonly state: WorkState; readonly served: Served; readonly dtMs: number },
): WorkState['full'] {
  const { full } = of.state;
  const signal = policy.spec.signals.find((each) => each.kind === 'inFlight');
  const inFlight = wholeValue(readings.inFlight);
  if (signal === undefined || inFlight === null || of.served.done <= 0) return full;
  if (!isSteady(of.state, nowMs)) return full;
  const { ready } = of.state.steady;
  const fill = inFlight / (ready * signal.perReplica);
  // A queue in front of replicas that are not full: they hold less than the policy says, and this is what they serve.
  const isBusy = isKeptBusy(of.state, nowMs);
  if (fill < FILL_MIN && !isBusy) return full;
  const counted = Math.min(FILL_MAX, isBusy ? Math.max(1, fill) : fill);
  const perSec = (of.served.done * lengthRatio(of.state)) / ready / Math.sqrt(counted);
  const seenMs = full.seenMs + of.dtMs;
  const share = seenMs <= 0 ? 1 : shareOf(of.dtMs, Math.min(FULL_MS, seenMs));
  const next = full.seenMs <= 0 ? perSec : full.perSec + (perSec - full.perSec) * share;
  return { perSec: Math.round(next * 1e6) / 1e6, seenMs: Math.min(seenMs, 10 * FULL_MS) };
}

/** A busy fleet shows what a replica does; one that serves more than it was believed to shows that it can. */
function servesNow(
  input: WorkloadInput,
  of: {
    readonly state: WorkState;
    readonly served: Served;
    readonly dtMs: number;
  },
): Pick<WorkState, 'serves' | 'did'> {
  const { state, dtMs } = of;
  const perRequest = givenWork(input, state);
  const forgotten = 1 + (state.serves - 1) * Math.exp(-dtMs / FORGET_MS);
  if (perRequest === null || !isSteady(state, input.nowMs)) return { serves: forgotten, did: state.did };
  const does = (of.served.done * perRequest) / state.steady.ready;
  const isBusy = isKeptBusy(state, input.nowMs);
  const did = state.did + (does - state.did) * shareOf(dtMs, DID_MS);
  const seen = isBusy ? state.serves + (does - state.serves) * shareOf(dtMs, EVIDENCE_MS) : forgotten;
  const serves = Math.max(SERVES_MIN, Math.min(SERVES_MAX, Math.max(seen, did)));
  // Eight decimals: in two seconds a hundred thousandth of it is forgotten.
  return { serves: Math.round(serves * 1e8) / 1e8, did: Math.round(did * 1e4) / 1e4 };
}

/** Only a steady fleet without a queue tells: who waits is late because of the queue, and that is what the speed is learned from. */
function lateNow(
  input: WorkloadInput,
  of: { readonly state: WorkState; readonly served: Served; readonly dtMs: number },
): LateState | undefined {
  const before = input.control?.work?.late;
  const { state, dtMs } = of;
  // Learned of an objective that is there no more: nothing would ever take it back.
  if (lateAfterMsOf(input.policy) === undefined) return undefined;
  const late = wholeValue(input.readings.lateRatio);
  if (late === null || of.served.done <= 0) return before;
  if (isStarting(input.target) || state.busySinceMs !== null || !isSteady(state, input.nowMs)) return before;
  return lateAfter(before, { dtMs, late, tolerated: sloMissRatioOf(input.policy) });
}

/** How long requests are now, in parts of the usual. */
function lengthRatio(state: Pick<WorkState, 'recent' | 'usual'>): number {
  const [now, usual] = [lengthOf(state.recent), lengthOf(state.usual)];
  if (now === null || usual === null) return 1;
  return Math.max(1 / LENGTH_RATIO_MAX, Math.min(LENGTH_RATIO_MAX, now / usual));
}

function lengthOf({ done, input, output }: Served): number | null {
  const tokens = input + OUTPUT_WEIGHT * output;
  return done > 0 && tokens > 0 ? tokens / done : null;
}

function isFullKnown(state: Pick<WorkState, 'full'>): boolean {
  return state.full.seenMs >= FULL_SEEN_MS_MIN && state.full.perSec > 0;
}

/** Work of a request by the policy's figures [replica-seconds]; null when it gives none for requests or tokens. The largest of several. */
function givenWork({ policy }: WorkloadInput, state: Pick<WorkState, 'recent' | 'usual' | 'full'>): number | null {
  let most: number | null = null;
  for (const signal of policy.spec.signals) {
    if (signal.kind === 'inFlight' && isFullKnown(state))
      most = Math.max(most ?? 0, lengthRatio(state) / state.full.perSec);
    if (signal.kind === 'requestRate') most = Math.max(most ?? 0, lengthRatio(state) / signal.perReplicaPerSec);
    if (signal.kind === 'tokens' && state.recent.done > 0) {
      const { done, input, output } = state.recent;
      const work = input / (signal.inputPerSec ?? Infinity) + output / (signal.outputPerSec ?? Infinity);
      if (work > 0) most = Math.max(most ?? 0, work / done);
    }
  }
  return most;
}

/** Work of a request as learned [replica-seconds]; null when nothing says how much that is. */
export function workPerRequest(input: WorkloadInput, state: WorkInForce | undefined): number | null {
  if (state !== undefined) {
    const given = givenWork(input, state);
    return given === null ? null : given / state.serves;
  }
  const rate = input.policy.spec.signals.find((signal) => signal.kind === 'requestRate');
  return rate === undefined ? null : 1 / rate.perReplicaPerSec;
}

/** A figure this close to the given one is the given one. */
const TOLERANCE = 0.02;

/** The signals with demand as learned. Token rates are of what is served: with arrivals known, what arrives counts. */
export function withLearnedWork(
  signals: readonly SignalDemand[],
  of: { readonly input: WorkloadInput; readonly state: WorkInForce | undefined },
): readonly SignalDemand[] {
  const { state } = of;
  if (state === undefined) return signals;
  // As of the last evaluation: a larger reading must never give less.
  const well = of.input.control?.work?.late?.well ?? 1;
  const learned = signals.map((signal) => {
    if (signal.demand === null) return signal;
    if (signal.kind === 'inFlight') return byArrivals(signal, { input: of.input, state });
    if (signal.kind === 'requestRate') {
      const ratio = lengthRatio(state);
      return scaled(signal, { by: ratio / state.serves, ratio, serves: state.serves });
    }
    return signal.kind === 'tokens' ? scaled(signal, { by: 1 / state.serves, ratio: 1, serves: state.serves }) : signal;
  });
  return well === 1 ? learned : learned.map((signal) => inTime(signal, well));
}

/** The demand of a load for replicas that answer in time. */
function inTime(signal: SignalDemand, well: number): SignalDemand {
  if (signal.demand === null || signal.role !== 'load') return signal;
  const note =
    1 - well > TOLERANCE ? `, of which a replica does ${figure(well)} in time (learned from first tokens)` : '';
  return { ...signal, demand: signal.demand / well, because: `${signal.because}${note}` };
}

/** Once it is known what a full replica serves: arrivals over that. What waits is counted as a backlog then, not as load. */
function byArrivals(
  signal: SignalDemand,
  of: { readonly input: WorkloadInput; readonly state: WorkInForce },
): SignalDemand {
  const arrivals = of.input.readings.requestRate;
  const arrived = wholeValue(arrivals);
  if (arrived === null || arrivals.kind === 'missing' || !isFullKnown(of.state)) return signal;
  const { perSec } = of.state.full;
  const ratio = lengthRatio(of.state);
  const byRate = (arrived * ratio) / perSec;
  const byFill = overFull(of.input);
  return {
    ...signal,
    isRate: true,
    demand: Math.max(byRate, byFill),
    because:
      byFill > byRate
        ? `${signal.because}: fuller than wanted`
        : `${figure(arrived)} requests/s over ${figure(perSec / ratio)} that a replica serves as full as wanted (learned)`,
    inputs: [
      ...signal.inputs,
      { signal: 'requestRate', value: arrived, coverage: arrivals.coverageRatio, ageMs: arrivals.ageMs },
    ],
  };
}

/** A server near its limit is for moments fuller than wanted without being short. */
const OVER_FULL = 1.5;

/** Replicas that would hold what is in flight if they were half fuller than wanted. What is learned of longer requests comes late, this does not. */
function overFull({ policy, readings }: WorkloadInput): number {
  const signal = policy.spec.signals.find((each) => each.kind === 'inFlight');
  const inFlight = wholeValue(readings.inFlight);
  return signal === undefined || inFlight === null ? 0 : inFlight / (OVER_FULL * signal.perReplica);
}

function scaled(
  signal: SignalDemand,
  of: { readonly by: number; readonly ratio: number; readonly serves: number },
): SignalDemand {
  if (signal.demand === null) return signal;
  const note = noteOf(of);
  const because = note === '' ? signal.because : `${signal.because}, with ${note} (learned)`;
  return { ...signal, demand: signal.demand * of.by, because };
}

function noteOf({ ratio, serves }: { readonly ratio: number; readonly serves: number }): string {
  const length = Math.abs(ratio - 1) > TOLERANCE ? `requests ${figure(ratio)} times as long as usual` : '';
  if (Math.abs(serves - 1) <= TOLERANCE) return length;
  const speed = `a replica serving ${figure(serves)} of that`;
  return length === '' ? speed : `${length} and ${speed}`;
}
