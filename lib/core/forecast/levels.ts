/** What the demand has been, over five spans: means that follow it fast and slowly. Each of them is a forecast: "it stays so". */
import { constantAt, shareOf } from '../mean.ts';

/**
 * Time constants of the means [ms]. Twenty seconds is what a reading allows; an hour knows nothing but the usual. Between them, factors of three to five: which of them
 * forecasts best is measured (`outlook.ts`), because a service of millions of users wants a short one and on-off traffic a long one.
 */
export const LEVEL_MS = [20_000, 60_000, 300_000, 900_000, 3_600_000] as const;

/** Over what the demand itself is read [ms]: the span of rates in `window/readings.ts`. */
const DEMAND_MS = 15_000;

/** One mean per {@link LEVEL_MS} [replicas]. */
export type Levels = readonly number[];

/** The means of a demand that has never been another: rounded as they are kept, so that the same demand does not move them. */
export function levelsOf(demand: number): Levels {
  return LEVEL_MS.map(() => rounded(demand));
}

/** Moves the means by `dtMs` ≥ 0 towards `demand`. A mean that is younger (`ageMs`) than its constant is over its own age. */
export function moved(
  levels: Levels,
  by: { readonly demand: number; readonly dtMs: number; readonly ageMs: number },
): Levels {
  if (by.dtMs <= 0) return levels;
  const next: number[] = [];
  for (const mean of levels) {
    const constantMs = constantAt(LEVEL_MS[next.length] ?? 0, by);
    next.push(rounded(mean + (by.demand - mean) * shareOf(by.dtMs, constantMs)));
  }
  return next;
}

/** Six decimals of a replica: the state stays small. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

/**
 * Replicas that keep every wait within `waitMs` for the load of the last seconds and minutes: work E that arrives in a time d is served within the wait by
 * E / (d + wait). A short peak needs less than its height, because its end may wait; what has lasted for minutes needs all of it. An exponential mean stands for twice
 * its time constant. Source: network calculus, arrival envelope against a rate with a delay bound.
 */
export function neededNow(levels: Levels, now: { readonly demand: number; readonly waitMs: number }): number {
  const [, minute = 0, minutes = 0] = levels;
  const minuteMs = 2 * LEVEL_MS[1];
  return Math.max(
    (now.demand * DEMAND_MS) / (DEMAND_MS + now.waitMs),
    (minute * minuteMs) / (minuteMs + now.waitMs),
    minutes,
  );
}
