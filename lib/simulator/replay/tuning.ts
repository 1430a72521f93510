/** Settings to try for a peer in hindsight, and which of them was best. */
import type { PlantTotals } from '../plant/contract.ts';

/** Every combination of the grid's values; a grid without entries gives none. */
export function tunings(grid: Readonly<Record<string, readonly number[]>>): Readonly<Record<string, number>>[] {
  const entries = Object.entries(grid);
  if (entries.length === 0) return [];
  let combinations: Record<string, number>[] = [{}];
  for (const [setting, values] of entries) {
    combinations = combinations.flatMap((combination) => values.map((value) => ({ ...combination, [setting]: value })));
  }
  return combinations;
}

/** Misses above this share disqualify a setting as long as another one stays below. */
export const TUNED_MISS_RATIO_MAX = 0.003;

/** The setting with the fewest GPU-hours among those that miss no more than {@link TUNED_MISS_RATIO_MAX}; the fewest misses when all do. Undefined for none. */
export function bestOf<T extends { readonly totals: Pick<PlantTotals, 'sloMissCount' | 'requestCount' | 'gpuHours'> }>(
  outcomes: readonly T[],
): T | undefined {
  // A stable sort: of equals the first of the grid.
  return outcomes.toSorted(
    (one, other) => excess(one) - excess(other) || one.totals.gpuHours - other.totals.gpuHours,
  )[0];
}

function excess({ totals }: Parameters<typeof bestOf>[0][number]): number {
  return Math.max(0, totals.sloMissCount / Math.max(1, totals.requestCount) - TUNED_MISS_RATIO_MAX);
}
