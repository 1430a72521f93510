/**
 * How much work a request is, learned from what is measured: requests that are longer than usual ask for more, and replicas that serve less than was given are counted as less.
 * Given figures (a replica's requests or tokens per second) are the start; nothing is learned from idle samples.
 */
import type { WorkloadControl, WorkloadInput } from '../decide-types.ts';
import { figure } from '../format.ts';
import { COVERAGE_RATIO_MIN } from '../signals/parts.ts';
import type { SignalDemand } from '../signals/contract.ts';
import type { SignalName } from '../types.ts';

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
  /** Since when the ready replicas have been kept busy by a queue, and how many they were; null: they are not. */
  readonly busy: { readonly sinceMs: number; readonly ready: number } | null;
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
const BUSY_MS_MIN = 20_000;
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
    return { atMs: nowMs, sinceMs: nowMs, recent: served, usual: served, serves: 1, did: 0, busy: null };
  const dtMs = nowMs - before.atMs;
  const ageMs = nowMs - before.sinceMs;
  const recentMs = Math.min(RECENT_MS_MAX, Math.max(RECENT_MS, (RECENT_REQUESTS / Math.max(1e-6, served.done)) * 1000));
  const state = {
    ...before,
    atMs: nowMs,
    recent: toward(before.recent, { served, dtMs, constantMs: Math.min(recentMs, Math.max(dtMs, ageMs)) }),
    usual: toward(before.usual, { served, dtMs, constantMs: Math.min(USUAL_MS, Math.max(dtMs, ageMs)) }),
    busy: busyNow(input, { before, served }),
  };
  return { ...state, ...servesNow(input, { state, served, dtMs }) };
}

function servedNow({ readings }: WorkloadInput): Served | null {
  const done = whole(readings.completionRate);
  const input = whole(readings.inputTokenRate);
  const output = whole(readings.outputTokenRate);
  if (done === null) return null;
  return input === null || output === null ? { ...NOTHING, done } : { done, input, output };
}

function whole(reading: WorkloadInput['readings'][SignalName] | undefined): number | null {
  return reading?.kind === 'value' && reading.coverageRatio >= COVERAGE_RATIO_MIN ? reading.value : null;
}

function toward(
  mean: Served,
  by: { readonly served: Served; readonly dtMs: number; readonly constantMs: number },
): Served {
  if (by.dtMs <= 0) return mean;
  const share = 1 - Math.exp(-by.dtMs / by.constantMs);
  const next = (from: number, to: number): number => Math.round((from + (to - from) * share) * 1e6) / 1e6;
  return {
    done: next(mean.done, by.served.done),
    input: next(mean.input, by.served.input),
    output: next(mean.output, by.served.output),
  };
}

/** Set while a queue keeps the same ready replicas busy and nothing starts. */
function busyNow(
  { nowMs, readings, target }: WorkloadInput,
  of: { readonly before: WorkState; readonly served: Served },
): WorkState['busy'] {
  if (target.kind === 'missing' || target.ready === 0 || target.ready !== target.replicas) return null;
  if (readings.queued.kind === 'missing' || readings.queued.value <= of.served.done * QUEUE_SEC_MIN) return null;
  return of.before.busy?.ready === target.ready ? of.before.busy : { sinceMs: nowMs, ready: target.ready };
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
  const { target } = input;
  const perRequest = givenWork(input, state);
  const forgotten = 1 + (state.serves - 1) * Math.exp(-dtMs / FORGET_MS);
  if (perRequest === null || target.kind === 'missing' || target.ready === 0 || target.ready !== target.replicas)
    return { serves: forgotten, did: state.did };
  const does = (of.served.done * perRequest) / target.ready;
  const isBusy = state.busy !== null && input.nowMs - state.busy.sinceMs >= BUSY_MS_MIN;
  const did = state.did + (does - state.did) * (1 - Math.exp(-dtMs / DID_MS));
  const seen = isBusy ? state.serves + (does - state.serves) * (1 - Math.exp(-dtMs / EVIDENCE_MS)) : forgotten;
  const serves = Math.max(SERVES_MIN, Math.min(SERVES_MAX, Math.max(seen, did)));
  return { serves: Math.round(serves * 1e4) / 1e4, did: Math.round(did * 1e4) / 1e4 };
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

/** Work of a request by the policy's figures [replica-seconds]; null when it gives none for requests or tokens. The largest of several. */
function givenWork({ policy }: WorkloadInput, state: Pick<WorkState, 'recent' | 'usual'>): number | null {
  let most: number | null = null;
  for (const signal of policy.spec.signals) {
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
export function workPerRequest(input: WorkloadInput, state: WorkState | undefined): number | null {
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
  of: { readonly input: WorkloadInput; readonly state: WorkState | undefined },
): readonly SignalDemand[] {
  const { state } = of;
  if (state === undefined) return signals;
  return signals.map((signal) => {
    if (signal.demand === null) return signal;
    if (signal.kind === 'requestRate') {
      const ratio = lengthRatio(state);
      return scaled(signal, { by: ratio / state.serves, ratio, serves: state.serves });
    }
    return signal.kind === 'tokens' ? scaled(signal, { by: 1 / state.serves, ratio: 1, serves: state.serves }) : signal;
  });
}

function scaled(
  signal: SignalDemand,
  of: { readonly by: number; readonly ratio: number; readonly serves: number },
): SignalDemand {
  if (signal.demand === null) return signal;
  const notes = [
    Math.abs(of.ratio - 1) > TOLERANCE ? `requests ${figure(of.ratio)} times as long as usual` : '',
    Math.abs(of.serves - 1) > TOLERANCE ? `a replica serving ${figure(of.serves)} of that` : '',
  ].filter((note) => note !== '');
  if (notes.length === 0) return { ...signal, demand: signal.demand * of.by };
  return {
    ...signal,
    demand: signal.demand * of.by,
    because: `${signal.because}, with ${notes.join(' and ')} (learned)`,
  };
}

/** For the control state: only full evaluations teach. */
export function rememberedWork(input: WorkloadInput, state: WorkState | undefined): Pick<WorkloadControl, 'work'> {
  const kept = input.kind === 'full' ? state : input.control?.work;
  return kept === undefined ? {} : { work: kept };
}
