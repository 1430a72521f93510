/** The memory of one workload's forecast: how the load was, what was expected, how wrong that was. JSON, bounded, pure. */
import { constantAt, shareOf } from '../mean.ts';
import { LEVEL_MS, levelsOf, moved, neededNow } from './levels.ts';
import type { Levels } from './levels.ts';
import { steered } from './miss-ratio.ts';
import { NOTHING_MEASURED, withError } from './errors.ts';
import type { ErrorHistogram } from './errors.ts';
import { boundOf, expectedOf, keptErrors, learned, newMembers, readyBy } from './outlook.ts';
import type { LevelRing, Member, Says } from './outlook.ts';

export type ForecastState = {
  readonly atMs: number;
  /** When the levels were begun: a young mean is over its own age. */
  readonly sinceMs: number;
  readonly levels: Levels;
  /** Mean over six hours, by which errors are weighed [replicas]. */
  readonly mean: number;
  /** Of the demand over 15 s around its mean over a minute, over an hour [replicas²]. */
  readonly variance: number;
  /** The largest need of late, fading by half in a day [replicas]. */
  readonly peak: number;
  /** Levels of the past, an eighth of a horizon apart. */
  readonly ring: LevelRing;
  readonly members: readonly Member[];
  /** By load, the factor at which a bound on it reaches the limit by the peak. */
  readonly loads: ErrorHistogram;
  /** What of them decides, and since when: see {@link adopted}. */
  readonly says: readonly Says[];
  readonly saidMs: number;
  /** Of the last comparison; 0 before the first. */
  readonly comparedMs: number;
  /** Share of requests that may meet too little, as steered so far. */
  readonly missRatio: number;
  /** Comparisons learned from, those that say nearly the same counted in part. */
  readonly measured: number;
};

export type Forecast = {
  /** Expected demand at the horizon [replicas], and the bound that all but `missRatio` of it stay under. */
  readonly expected: number;
  readonly bound: number;
};

/** Nobody looked for so long: the levels start anew. */
const GAP_MS = 600_000;
/** Comparisons: one for each span of a reading, so that none of the load is left out or counted twice. */
const COMPARE_MS = 15_000;
/** Levels are remembered eight times in a horizon, at least 15 s apart, at most {@link RING_MAX} of them. */
const STEPS_PER_HORIZON = 8;
const RING_MAX = 64;
/** Levels younger than this are too rough to be held against what came. */
const YOUNG_MS = 120_000;
const MEAN_MS = 21_600_000;

export type Measured = {
  readonly nowMs: number;
  /** Over the last 15 s, ≥ 0 [replicas]. */
  readonly demand: number;
  /** From asked for to serving, > 0. */
  readonly horizonMs: number;
  /** Wants are held for so long. */
  readonly holdMs: number;
  /** How long a request may wait, ≥ 0. */
  readonly waitMs: number;
  /** Share of requests that may wait longer: 1 − the objective's ratio. */
  readonly sloMissRatio: number;
  /** Replicas were asked for that are not ready. */
  readonly starting: boolean;
  /** 1: who arrives now waits too long; 0: in time; null: not known. */
  readonly missed: number | null;
  readonly limits: { readonly begin: number; readonly min: number; readonly max: number; readonly worth: number };
};

/** Advances the memory to `nowMs` with the demand measured now. */
export function advanceForecast(before: ForecastState | undefined, now: Measured): ForecastState {
  if (before === undefined || now.nowMs - before.atMs > GAP_MS || now.nowMs < before.atMs) return begun(before, now);
  const dtMs = now.nowMs - before.atMs;
  const ageMs = now.nowMs - before.sinceMs;
  const levels = moved(before.levels, { demand: now.demand, dtMs, ageMs });
  const share = shareOf(dtMs, constantAt(MEAN_MS, { dtMs, ageMs }));
  const { says, saidMs } = adopted(before, now);
  const needed = neededNow(levels, now);
  const mean = before.mean + (now.demand - before.mean) * share;
  const isDue = ageMs >= YOUNG_MS && now.nowMs - before.comparedMs >= COMPARE_MS;
  const learns = isDue ? compared(before, { now, levels, mean, needed }) : before;
  return {
    atMs: now.nowMs,
    sinceMs: before.sinceMs,
    levels,
    mean,
    variance: varianceAfter(before, { now, dtMs, ageMs }),
    peak: Math.max(before.peak * 0.5 ** (dtMs / PEAK_HALF_LIFE_MS), needed),
    ring: learns.ring,
    members: learns.members,
    loads: learns.loads,
    says,
    saidMs,
    comparedMs: isDue ? now.nowMs : before.comparedMs,
    missRatio: learns.missRatio,
    measured: learns.measured,
  };
}

/** What a comparison changes. */
type Learned = Pick<ForecastState, 'ring' | 'members' | 'loads' | 'missRatio' | 'measured'>;

/** Remembers the levels, holds the past ones against what is needed now, and learns. */
function compared(
  before: ForecastState,
  of: { readonly now: Measured; readonly levels: Levels; readonly mean: number; readonly needed: number },
): Learned {
  const { now, mean, needed } = of;
  const { horizonMs } = now;
  const ring = ringAfter(before.ring, { now, levels: of.levels });
  const stepMs = Math.min(now.nowMs - before.comparedMs, 4 * COMPARE_MS);
  const missRatio = now.missed === null ? before.missRatio : missRatioAfter(before, { now, mean, stepMs });
  const ready = readyBy(ring, now);
  if (ready === null) {
    return { ring, members: before.members, loads: before.loads, missRatio, measured: before.measured };
  }
  // Comparisons less than an eighth of a horizon apart say nearly the same.
  const news = Math.min(1, (COMPARE_MS * STEPS_PER_HORIZON) / horizonMs);
  const weight = news * weightOf(mean, needed);
  const keepRatio = keptErrors(hoursBegun(before.comparedMs, now.nowMs));
  const limitRatio = (OVER_PEAK * Math.max(before.peak, needed)) / Math.max(1e-9, needed);
  const loads = withError(before.loads, { ratio: limitRatio, weight, keepRatio });
  const members = learned(before.members, {
    met: { needed, weight, ready },
    stepMs,
    keepRatio,
    missRatio: before.missRatio,
    meanLoad: mean,
    worth: now.limits.worth,
    limits: loads,
  });
  const measured = Math.min(1e6, Math.round((before.measured + news) * 100) / 100);
  return { ring, members, loads, missRatio, measured };
}

const HOUR_MS = 3_600_000;

/** 1 when an hour has begun since the last comparison: time that nobody looked at is not forgotten for. */
function hoursBegun(comparedMs: number, nowMs: number): number {
  return comparedMs > 0 && Math.floor(nowMs / HOUR_MS) > Math.floor(comparedMs / HOUR_MS) ? 1 : 0;
}

function missRatioAfter(
  before: ForecastState,
  { now, mean, stepMs }: { readonly now: Measured; readonly mean: number; readonly stepMs: number },
): number {
  return steered(before.missRatio, {
    stepMs,
    horizonMs: now.horizonMs,
    missed: now.missed ?? 0,
    weight: weightOf(mean, now.demand),
    sloMissRatio: now.sloMissRatio,
    limits: now.limits,
  });
}

function ringAfter(ring: LevelRing, of: { readonly now: Measured; readonly levels: Levels }): LevelRing {
  const { nowMs, horizonMs, holdMs } = of.now;
  const stepMs = Math.max(COMPARE_MS, horizonMs / STEPS_PER_HORIZON);
  if (nowMs - (ring.at(-1)?.[0] ?? 0) < stepMs) return ring;
  const reachMs = horizonMs + holdMs + 2 * stepMs;
  // Oldest first: as a rule one of them goes.
  let from = Math.max(0, ring.length + 1 - RING_MAX);
  while (nowMs - (ring[from]?.[0] ?? nowMs) > reachMs) from++;
  return ring.slice(from).concat([[nowMs, of.levels]]);
}

/**
 * What was learned decides from the next evaluation on (so that a larger reading never gives less), once nothing is starting or a horizon after the last time: a surprise is answered
 * at once by the load itself, and replicas that start are no reason for more of them.
 */
function adopted(before: ForecastState, now: Measured): Pick<ForecastState, 'says' | 'saidMs'> {
  const waits = now.starting && now.nowMs - before.saidMs < now.horizonMs;
  if (before.comparedMs < before.saidMs || waits) return before;
  return { says: saysOf(before.members), saidMs: now.nowMs };
}

function saysOf(members: readonly Member[]): readonly Says[] {
  const says: Says[] = [];
  for (const { factor, share } of members) says.push({ factor, share });
  return says;
}

/** An hour of them. */
const VARIANCE_MS = 3_600_000;

function varianceAfter(
  before: ForecastState,
  of: { readonly now: Measured; readonly dtMs: number; readonly ageMs: number },
): number {
  const deviation = of.now.demand - (before.levels[1] ?? 0);
  const share = shareOf(of.dtMs, constantAt(VARIANCE_MS, of));
  const next = before.variance + (deviation * deviation - before.variance) * share;
  return Math.round(next * 1e6) / 1e6;
}

/** A comparison at twice the usual load speaks for twice the requests. */
function weightOf(mean: number, load: number): number {
  return Math.max(0.02, Math.min(50, load / Math.max(0.05, mean)));
}

function begun(before: ForecastState | undefined, { nowMs, demand, limits }: Measured): ForecastState {
  const missRatio = before?.missRatio ?? limits.begin;
  const members = before?.members ?? newMembers(LEVEL_MS.length, missRatio);
  return {
    atMs: nowMs,
    sinceMs: nowMs,
    levels: levelsOf(demand),
    mean: before?.mean ?? demand,
    variance: before?.variance ?? 0,
    peak: Math.max(before?.peak ?? 0, demand),
    ring: [],
    members,
    loads: before?.loads ?? NOTHING_MEASURED,
    says: before?.says ?? saysOf(members),
    saidMs: before?.saidMs ?? nowMs,
    comparedMs: 0,
    missRatio,
    measured: before?.measured ?? 0,
  };
}

/** A tenth of a replica of fading a minute is nothing; a burst of last week is no reason to pay. */
const PEAK_HALF_LIFE_MS = 86_400_000;

/** Readings are means over 15 s and hide some of a burst: the bound may be so much above the largest need of late, not more. */
const OVER_PEAK = 1.5;

/** What a memory says of a horizon ahead. Ratios of a lull know nothing of how high a burst can be: the peak does. */
export function forecastOf(state: ForecastState): Forecast {
  const bound = boundOf(state.says, state.levels);
  return { expected: expectedOf(state.says, state.levels), bound: Math.min(bound, OVER_PEAK * state.peak) };
}
