/** First pure step: readings, snapshot, policy and memory → wanted replicas of one workload, with the trail of reasons. */
import { assert } from '../base/assert.ts';
import type { Writable } from '../base/writable.ts';
import { EMPTY_CONTROL } from './carried-outcome.ts';
import type { DecisionInput } from '../../events/schema/index.ts';
import type { WorkloadControl, WorkloadInput, WorkloadOutcome } from './decide-types.ts';
import { count, duration } from './format.ts';
import type { ForecastState } from './forecast/forecast.ts';
import { easeOf, forecastAfter, isCalibrated, pricedOf, sizeAhead } from './scaling/ahead.ts';
import { sizeSurge } from './scaling/surge.ts';
import { rememberChange } from './scaling/changes.ts';
import { sizeDemand } from './scaling/demand.ts';
import { heardAfter, heardNames } from './signals/heard.ts';
import type { Heard } from './signals/heard.ts';
import { fallbackDue, unknownSince } from './scaling/fallback.ts';
import { GRACE_RULE } from './scaling/grace.ts';
import { holdOf } from './scaling/hold.ts';
import { idleAfter, sizeIdle } from './scaling/idle.ts';
import type { IdleState } from './scaling/idle.ts';
import { leadTimesAfter, withLeadTime } from './scaling/lead-time.ts';
import type { LeadTimeState } from './scaling/lead-time.ts';
import type { Hold } from './scaling/hold.ts';
import { peakWant, rememberWant, stabilizationMs, startsAfresh } from './scaling/stabilise.ts';
import type { Wants } from './scaling/stabilise.ts';
import { riskOf } from './scaling/price.ts';
import { standingReplicas } from './scaling/standing.ts';
import { decreaseAllowance, recentDecreases, rememberDecrease } from './scaling/step-limit.ts';
import { withLearnedWork, workAfter, workInForce, workPerRequest } from './scaling/work.ts';
import type { WorkState } from './scaling/work.ts';
import { seesWork, whyNotZero } from './scaling/zero.ts';
import type { SignalDemand } from './signals/contract.ts';
import { demandsOf } from './signals/index.ts';
import { EMPTY_DRAFT, step } from './trail.ts';
import type { Draft } from './trail.ts';

/**
 * Wanted replicas before allocation: an integer from `replicas.min` to `replicas.max`, or the current count while that is above the
 * maximum and may not be lowered. Growth is immediate. A decrease needs a full evaluation, complete and fresh readings, a warm window and a
 * fresh snapshot, goes no lower than the peak of the stabilization window, and no faster than `maxPerMinute`. Pure: same input, same bytes.
 */
export function decideWorkload(asGiven: WorkloadInput): WorkloadOutcome {
  const leadTimes = leadTimesAfter(asGiven);
  const input = withLeadTime(asGiven, leadTimes);
  const heard = heardAfter(input);
  const { readings, target } = input;
  const work = workAfter(input);
  const given = demandsOf(input.policy.spec.signals, { readings, target, heard: heardNames(heard) });
  const workNow = workInForce(input, work);
  const signals = withLearnedWork(given, { input, state: workNow });
  const perRequest = workPerRequest(input, workNow);
  const forecast = forecastAfter(input, { signals, perRequest });
  const foreseen = isCalibrated(forecast) ? { easeRatio: easeOf(input, { signals, state: forecast }) } : null;
  const { demand, draft: present } = sizeDemand(signals, { risk: riskOf(pricedOf(input, perRequest)), foreseen });
  const ahead = sizeAhead(present, { input, signals, perRequest, state: forecast });
  const sized = sizeSurge(ahead, { input, perRequest });
  const hold = holdOf(input, signals);
  const facts: Facts = {
    heard,
    forecast,
    work,
    input,
    signals,
    hold,
    standing: standingWithin(input, hold),
    unknownSinceMs: unknownSince(input, demand),
  };
  const idle = idleAfter({ input, signals, present });
  const kept = sizeIdle(sized, { input, signals, present, idle, standing: facts.standing });
  const want = withLimits(facts, withLastReplica(facts, kept));
  const wants = wantsAfter(facts, want.replicas);
  const draft = input.policy.spec.mode === 'paused' ? paused(facts, want) : decide(facts, { want, wants });
  const wanted = draft.replicas ?? input.policy.spec.replicas.min;
  assert(Number.isInteger(wanted) && wanted >= 0, `wanted replicas are a whole number, got ${wanted}`);
  return {
    control: controlAfter(facts, { wants, wanted, leadTimes, idle }),
    wanted,
    demand,
    hold: hold?.reason ?? null,
    trail: draft.trail,
    binding: draft.binding,
    inputs: inputsOf(signals),
  };
}

type Facts = {
  readonly heard: Heard;
  readonly forecast: ForecastState | undefined;
  readonly work: WorkState | undefined;
  readonly input: WorkloadInput;
  readonly signals: readonly SignalDemand[];
  readonly hold: Hold | null;
  /** See {@link standingReplicas}; null when nothing is known of the past. */
  readonly standing: number | null;
  readonly unknownSinceMs: number | null;
};

/** A count decided before the maximum was lowered is no reason to grow above it; one that runs already is not dropped blindly. */
function standingWithin(input: WorkloadInput, hold: Hold | null): number | null {
  const standing = standingReplicas(input, hold);
  if (standing === null) return null;
  const running = input.target.kind === 'observed' ? input.target.replicas : standing;
  return Math.min(standing, Math.max(input.policy.spec.replicas.max, running));
}

/** Nothing asked for: one replica stays until zero is proven, and comes back for any work. */
function withLastReplica(facts: Facts, draft: Draft): Draft {
  if (draft.replicas !== 0) return draft;
  const because = whyNotZero(facts.input.policy, { signals: facts.signals, readings: facts.input.readings });
  if (because === null) return draft;
  // A gap is no reason to start what does not run.
  if (facts.standing === 0 && !seesWork(facts.input.readings)) return draft;
  return step(draft, { rule: 'last-replica', to: 1, because });
}

function withLimits(facts: Facts, draft: Draft): Draft {
  const { min, max } = facts.input.policy.spec.replicas;
  if (draft.replicas === null) return draft;
  if (draft.replicas > max) return step(draft, { rule: 'max', to: max, because: `replicas.max is ${max}` });
  if (draft.replicas < min) return step(draft, { rule: 'min', to: min, because: `replicas.min is ${min}` });
  return draft;
}

/** While a gap hides part of the load, the standing count is what the window remembers. */
function wantsAfter(facts: Facts, want: number | null): Wants {
  const { input, standing } = facts;
  const windowMs = stabilizationMs(input.policy);
  const { nowMs } = input;
  const gap = facts.signals.some((signal) => signal.gap !== null);
  const fresh = startsAfresh(input.control, { nowMs, windowMs });
  const before = fresh ? [] : (input.control?.wants ?? []);
  const stood = gap || fresh || want === null ? standing : null;
  const replicas = want === null || stood === null ? (want ?? stood) : Math.max(want, stood);
  return replicas === null ? before : rememberWant(before, { nowMs, replicas, windowMs });
}

function decide(facts: Facts, parts: { readonly want: Draft; readonly wants: Wants }): Draft {
  const { want } = parts;
  const { standing } = facts;
  const lowered = standing !== null && (want.replicas === null || want.replicas < standing);
  const course = !lowered
    ? want
    : facts.hold === null
      ? lower(facts, { ...parts, standing })
      : held(facts, { want, standing });
  return atLeastMin(facts, withFallback(facts, course));
}

/** As the trail calls them. */
const HOLD_RULES = { data: 'hold', leading: 'leading', grace: GRACE_RULE } as const;

function held(facts: Facts, parts: { readonly want: Draft; readonly standing: number }): Draft {
  return step(parts.want, {
    rule: HOLD_RULES[facts.hold?.kind ?? 'data'],
    to: parts.standing,
    because: facts.hold?.reason ?? 'the load is unknown',
  });
}

function lower(facts: Facts, parts: { readonly want: Draft; readonly wants: Wants; readonly standing: number }): Draft {
  const { input } = facts;
  const { want, standing } = parts;
  const peak = peakWant(parts.wants);
  const floor = Math.min(
    standing,
    Math.max(want.replicas ?? standing, Math.min(peak.replicas, input.policy.spec.replicas.max)),
  );
  const stabilised =
    floor === want.replicas
      ? want
      : step(want, {
          rule: 'stabilise',
          to: floor,
          because: `${count(peak.replicas, 'replica')} wanted ${duration(input.nowMs - peak.atMs)} ago, within the window of ${duration(stabilizationMs(input.policy))}`,
        });
  const recent = recentDecreases(input.control?.decreases ?? [], input.nowMs);
  const { maxPerMinute } = input.policy.spec.scaleDown;
  const allowed = decreaseAllowance(maxPerMinute, { replicas: standing, recent });
  if (standing - floor <= allowed) return stabilised;
  return step(stabilised, {
    rule: 'max-per-minute',
    to: standing - allowed,
    because: `${count(allowed, 'replica')} may go now (scaleDown.maxPerMinute ${maxPerMinute})`,
  });
}

function withFallback(facts: Facts, draft: Draft): Draft {
  const due = fallbackDue(facts.input, facts.unknownSinceMs);
  if (due === null || due.replicas <= (draft.replicas ?? 0)) return draft;
  return step(draft, { rule: 'fallback', to: due.replicas, because: due.because });
}

function atLeastMin(facts: Facts, draft: Draft): Draft {
  const { min } = facts.input.policy.spec.replicas;
  if (draft.replicas !== null && draft.replicas >= min) return draft;
  return step(draft, { rule: 'min', to: min, because: `replicas.min is ${min}` });
}

/** Paused: the count that stands, whatever the load. */
function paused(facts: Facts, want: Draft): Draft {
  const { target, policy, control } = facts.input;
  const replicas = target.kind === 'observed' ? target.replicas : (control?.lastWanted ?? policy.spec.replicas.min);
  const draft = want.replicas === null ? EMPTY_DRAFT : want;
  return step(draft, { rule: 'paused', to: replicas, because: 'mode is paused' });
}

function controlAfter(
  facts: Facts,
  parts: {
    readonly wants: Wants;
    readonly wanted: number;
    readonly leadTimes: LeadTimeState | undefined;
    readonly idle: IdleState | undefined;
  },
): WorkloadControl {
  const { nowMs, target, control } = facts.input;
  const before = control ?? EMPTY_CONTROL;
  const recent = recentDecreases(before.decreases, nowMs);
  const fell = facts.standing !== null && parts.wanted < facts.standing ? facts.standing - parts.wanted : 0;
  // Never observed: the number is a guess of the minimum, and the first observation must start from what really runs.
  const isKnown = before.lastWanted !== null || target.kind === 'observed';
  const next: Writable<WorkloadControl> = {
    version: 1,
    wants: isKnown ? parts.wants : [],
    lastWanted: isKnown ? parts.wanted : null,
    lastAtMs: nowMs,
    unknownSinceMs: facts.unknownSinceMs,
    changes: rememberChange(before.changes, { nowMs, from: before.lastWanted ?? facts.standing, to: parts.wanted }),
    decreases: fell > 0 ? rememberDecrease(recent, { nowMs, replicas: fell }) : recent,
    heard: facts.heard,
    lastRecorded: before.lastRecorded,
  };
  // What the load taught. Only full evaluations teach: they come at even times.
  const { forecast, work } = facts.input.kind === 'full' ? facts : before;
  if (forecast !== undefined) next.forecast = forecast;
  if (work !== undefined) next.work = work;
  if (parts.leadTimes !== undefined) next.leadTimes = parts.leadTimes;
  if (parts.idle !== undefined) next.idle = parts.idle;
  return next;
}

/** Each reading once, however many signals use it. */
function inputsOf(signals: readonly SignalDemand[]): WorkloadOutcome['inputs'] {
  const inputs: DecisionInput[] = [];
  for (const signal of signals)
    for (const entry of signal.inputs) if (!isNamed(inputs, entry.signal)) inputs.push(entry);
  return inputs;
}

function isNamed(inputs: readonly DecisionInput[], signal: string): boolean {
  for (const input of inputs) if (input.signal === signal) return true;
  return false;
}
