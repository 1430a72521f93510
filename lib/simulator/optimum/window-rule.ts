/**
 * A planner's rule with hindsight, for comparison with published figures that were divided by it: each tick has the whole replicas that cover the mean load within the wait
 * limit before and after it, and each replica is kept through gaps of up to a lead time. It holds no queue back on purpose, so it costs more than the optimum (9 to 12 % on
 * recorded weeks at a limit of 10 s), and is no bound: bursts shorter than its window may miss the limit.
 */
import type { Optimum } from './optimum.ts';
import { costOf, programmeOf } from './programme.ts';
import type { OptimumProblem } from './programme.ts';

/** The rule's schedule and its cost, counted as in `clairvoyantOptimum`. */
export function windowRule(problem: OptimumProblem): Optimum {
  const programme = programmeOf(problem, { groupSize: 1, band: null });
  const reach = Math.floor(problem.waitLimitSec / problem.tickSec + 1e-9);
  const needed = programme.work.map((_, tick) => {
    const near = programme.work.subarray(Math.max(0, tick - reach), tick + reach + 1);
    return Math.ceil(near.reduce((sum, work) => sum + work, 0) / near.length - 1e-9);
  });
  const units = bridged(needed, Math.floor(problem.leadTimeSec / problem.tickSec + 1e-9));
  const cost = costOf(units, programme);
  return {
    replicaSec: cost.ticks * problem.tickSec,
    replicas: Uint16Array.from(units),
    replicaStarts: cost.starts,
    replicasMax: units.reduce((most, count) => Math.max(most, count), 0),
    isExact: false,
  };
}

/** Keeps each level that is needed again after at most `gapTicks` ticks. */
function bridged(needed: Float64Array, gapTicks: number): Uint32Array {
  const units = Uint32Array.from(needed);
  const lastTicks: number[] = [];
  for (const [tick, count] of needed.entries()) {
    for (let level = 0; level < count; level++) {
      const last = lastTicks[level];
      if (last !== undefined && tick - last - 1 <= gapTicks) {
        for (let gap = last + 1; gap < tick; gap++) units[gap] = Math.max(units[gap] ?? 0, level + 1);
      }
      lastTicks[level] = tick;
    }
  }
  return units;
}
