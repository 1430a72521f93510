/** What both engines of the plant are told. */
import type { StartModel } from './contract.ts';
import type { ServiceLevel } from './capacity.ts';

/** Times of a plant are `startMs` + [ms since the start of the trace]. */
export type PlantOptions = {
  readonly level: ServiceLevel;
  readonly start: StartModel;
  /** A request that waits longer for its admission misses the objective [s], > 0. */
  readonly waitLimitSec: number;
  /** Replicas that are ready at the start, whole, ≥ 0. */
  readonly replicas: number;
  /** Draws start times and failures; any integer. */
  readonly seed: number;
  /** When the trace starts [epoch ms]. Default 0. */
  readonly startMs?: number;
  /** Only what happens from here on counts in the totals: requests by their arrival, GPU time by when it runs [ms since the start of the trace]. Default 0. */
  readonly scoreFromMs?: number;
};

/** The usual plant of a comparison: a fixed lead time, no failures, machines at once. leadTimeSec ≥ 0 [s]. */
export function fixedStart(leadTimeSec: number): StartModel {
  return { leadTimeSec, sigma: 0, failedStartRatio: 0, capacityWaitSec: null };
}
