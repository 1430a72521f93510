/**
 * The clairvoyant optimum: the least GPU time that admits all work of a trace within the SLO wait, by one who knows the whole trace.
 *
 * A schedule is a whole number of ready replicas for each tick. It costs a replica-tick per replica and tick, and one lead time per start (a replica is paid for while it
 * starts; that makes a gap shorter than the lead time cheaper to bridge than to leave: the break-even). Work waits first in first out in a fluid queue, as in the `fluid`
 * plant; all of it must be admitted within the limit. Arrivals and service are straight lines within a tick, so it is enough to look at the end of each tick: what waits
 * then must have arrived within the limit.
 *
 * Solved exactly by dynamic programming over (replicas, cost so far) → least waiting work, up to some 40 replicas at the peak. No schedule that changes at ticks and misses nothing costs less. What it does not
 * charge, so that it stays a bound: starts of what runs in the first tick, the part of a start before the first tick, drains. Work that arrives so late that its limit lies
 * behind the end need not be admitted.
 *
 * Larger fleets are solved in groups of replicas first, then finer and finer within a band around the last schedule: still a schedule that misses nothing, and on traces that can
 * be solved both ways the same to the last digit so far (`isExact` says which it was).
 */
import { leastSchedule } from './least-schedule.ts';
import { costOf, programmeOf } from './programme.ts';
import type { Band, OptimumProblem } from './programme.ts';

export type { OptimumProblem } from './programme.ts';

export type Optimum = {
  /** GPU time with starts [replica-seconds]. */
  readonly replicaSec: number;
  /** Ready replicas of each tick; at most 65,535. */
  readonly replicas: Uint16Array;
  readonly replicaStarts: number;
  readonly replicasMax: number;
  /** Whether no schedule costs less; else there may be slightly cheaper ones. */
  readonly isExact: boolean;
};

export type OptimumEffort = {
  /** Most units that are solved without a band. Time and memory grow with more than its square. Default {@link EXACT_UNITS_MAX}. */
  readonly exactUnitsMax?: number;
};

/** Three times a peak of 40 replicas (what may wait within 10 s comes on top of a tick's own work): a week of 5 s ticks then takes 5 s and 150 MB. */
const EXACT_UNITS_MAX = 128;
/** Groups are split until rounding to whole ones costs less than about 0.1 %. */
const FINEST_UNITS = 1024;
/** Half of the band around twice the coarser schedule [units]: two coarse units. */
const BAND_UNITS = 4;
/** The finer schedule may change as many ticks earlier or later. */
const BAND_TICKS = 3;

/** The least schedule. A week of 5 s ticks takes seconds. */
export function clairvoyantOptimum(problem: OptimumProblem, effort: OptimumEffort = {}): Optimum {
  const { unitsMax } = programmeOf(problem, { groupSize: 1, band: null });
  let groupSize = 1;
  while (unitsMax / groupSize > (effort.exactUnitsMax ?? EXACT_UNITS_MAX)) groupSize *= 2;
  const isExact = groupSize === 1;
  let programme = programmeOf(problem, { groupSize, band: null });
  let units = leastSchedule(programme);
  for (; groupSize > Math.max(1, unitsMax / FINEST_UNITS);) {
    groupSize /= 2;
    programme = programmeOf(problem, { groupSize, band: bandAround(units) });
    units = leastSchedule(programme);
  }
  const cost = costOf(units, programme);
  return {
    replicaSec: cost.ticks * groupSize * problem.tickSec,
    replicas: Uint16Array.from(units, (count) => count * groupSize),
    replicaStarts: cost.starts * groupSize,
    replicasMax: units.reduce((most, count) => Math.max(most, count), 0) * groupSize,
    isExact,
  };
}

/** Units of half the size to consider: near twice the coarse schedule, at that tick or a few earlier or later. */
function bandAround(coarse: Uint32Array): Band {
  const near = (tick: number): Uint32Array => coarse.subarray(Math.max(0, tick - BAND_TICKS), tick + BAND_TICKS + 1);
  return {
    lowest: coarse.map((_, tick) => Math.max(0, 2 * Math.min(...near(tick)) - BAND_UNITS)),
    highest: coarse.map((_, tick) => 2 * Math.max(...near(tick)) + BAND_UNITS),
  };
}
