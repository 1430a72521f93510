/** The programme that the optimum solves: whole units of replicas per tick, in ticks and units. */
import { assert } from '../../base/assert.ts';

export type OptimumProblem = {
  /** Work that arrives in each tick, evenly [replica-seconds]. */
  readonly workReplicaSec: Float64Array;
  readonly tickSec: number;
  /** Longest wait for admission [s]. */
  readonly waitLimitSec: number;
  /** Work that must be done by the end of each tick, where that is known of each request [replica-seconds]; left out: what arrived `waitLimitSec` before. */
  readonly dueReplicaSec?: Float64Array;
  /** What a start costs in GPU time; a part of a tick counts as none [s]. */
  readonly leadTimeSec: number;
};

/** Least and most units to consider in each tick. */
export type Band = { readonly lowest: Uint32Array; readonly highest: Uint32Array };

/** Units may be single replicas or groups of them. */
export type Programme = {
  /** Work that arrives in each tick [unit-ticks]. */
  readonly work: Float64Array;
  /** What may wait at the end of each tick [unit-ticks]. */
  readonly limit: Float64Array;
  /** Most units that can ever be busy in one tick: more never pay. */
  readonly unitsMax: number;
  /** Cost of a start in each tick [ticks]: not more than the time since the beginning. */
  readonly startTicks: (tick: number) => number;
  /** Null: all of them. */
  readonly band: Band | null;
};

/** Sums of fractions are not exact: so much may wait beyond the limit [replica-ticks]. */
const TOLERANCE = 1e-9;

/** The programme in units of `groupSize` replicas. */
export function programmeOf(
  problem: OptimumProblem,
  by: { readonly groupSize: number; readonly band: Band | null },
): Programme {
  const { tickSec } = problem;
  assert(tickSec > 0 && problem.leadTimeSec >= 0 && problem.waitLimitSec >= 0, 'times of the optimum are not negative');
  const work = problem.workReplicaSec.map((sec) => sec / tickSec / by.groupSize);
  const limit =
    problem.dueReplicaSec === undefined
      ? waitingLimits(work, problem.waitLimitSec / tickSec)
      : openAfter(
          work,
          problem.dueReplicaSec.map((sec) => sec / tickSec / by.groupSize),
        );
  const leadTicks = Math.floor(problem.leadTimeSec / tickSec + TOLERANCE);
  return {
    work,
    limit,
    unitsMax: work.reduce((most, each, tick) => Math.max(most, Math.ceil(each + (limit[tick - 1] ?? 0))), 0),
    startTicks: (tick) => Math.min(leadTicks, tick),
    band: by.band,
  };
}

/** Work that may wait at the end of each tick: what arrived within the last `waitTicks`. */
function waitingLimits(work: Float64Array, waitTicks: number): Float64Array {
  const whole = Math.floor(waitTicks + TOLERANCE);
  const part = Math.max(0, waitTicks - whole);
  return work.map((_, tick) => {
    let sum = TOLERANCE + part * (work[tick - whole] ?? 0);
    for (let back = 0; back < whole; back++) sum += work[tick - back] ?? 0;
    return sum;
  });
}

/** Work that may wait at the end of each tick: what has arrived and is not due yet. */
function openAfter(work: Float64Array, due: Float64Array): Float64Array {
  let open = 0;
  return work.map((arrived, tick) => {
    open += arrived - (due[tick] ?? 0);
    return TOLERANCE + Math.max(0, open);
  });
}

/** What a schedule costs: ticks of units with their starts. */
export function costOf(units: Uint32Array, programme: Programme): { readonly ticks: number; readonly starts: number } {
  let [ticks, starts] = [0, 0];
  for (const [tick, count] of units.entries()) {
    const started = tick === 0 ? 0 : Math.max(0, count - (units[tick - 1] ?? 0));
    ticks += count + started * programme.startTicks(tick);
    starts += started;
  }
  return { ticks, starts };
}
