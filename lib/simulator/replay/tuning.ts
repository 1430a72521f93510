/** Settings to try for a peer in hindsight, and which of them was best. */
import type { BaselineFactory, TuningGrid } from '../baselines/contract.ts';
import type { PlantTotals } from '../plant/contract.ts';

/** Every combination of the values of a grid, or of each of several; a grid without entries gives none. */
export function tunings(grid: BaselineFactory['grid']): Readonly<Record<string, number>>[] {
  return isList(grid) ? grid.flatMap(combinationsOf) : combinationsOf(grid);
}

function isList(grid: BaselineFactory['grid']): grid is readonly TuningGrid[] {
  return Array.isArray(grid);
}

function combinationsOf(grid: TuningGrid): Readonly<Record<string, number>>[] {
  const entries = Object.entries(grid);
  if (entries.length === 0) return [];
  let combinations: Record<string, number>[] = [{}];
  for (const [setting, values] of entries) {
    combinations = combinations.flatMap((combination) => values.map((value) => ({ ...combination, [setting]: value })));
  }
  return combinations;
}

/** Without anybody to compare with, misses above this share disqualify a setting as long as another one stays below. */
export const TUNED_MISS_RATIO_MAX = 0.003;

/** Misses of a fluid are fractions: less than this is none. */
const MISSES_MIN = 0.5;

/**
 * The setting with the fewest GPU-hours among those that miss no more than `missRatioMax` of the requests (what the policy to compare with misses); the fewest misses when
 * all miss more. Undefined for none.
 */
export function bestOf<T extends { readonly totals: Pick<PlantTotals, 'sloMissCount' | 'requestCount' | 'gpuHours'> }>(
  outcomes: readonly T[],
  missRatioMax = TUNED_MISS_RATIO_MAX,
): T | undefined {
  const excess = ({ totals }: T): number =>
    Math.max(0, totals.sloMissCount - missRatioMax * totals.requestCount - MISSES_MIN) /
    Math.max(1, totals.requestCount);
  // A stable sort: of equals the first of the grid.
  return outcomes.toSorted(
    (one, other) => excess(one) - excess(other) || one.totals.gpuHours - other.totals.gpuHours,
  )[0];
}

/** Share of the requests that an outcome missed, 0..1; 0 without requests. */
export function missRatioOf({
  totals,
}: {
  readonly totals: Pick<PlantTotals, 'sloMissCount' | 'requestCount'>;
}): number {
  return totals.sloMissCount / Math.max(1, totals.requestCount);
}
