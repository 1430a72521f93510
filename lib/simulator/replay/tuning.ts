/** Settings to try for a peer in hindsight. */

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
