/** "Did you mean": the known word nearest to one that is not known. */

/** Most letters that may differ: `replica` for `replicas` yes, `min` for `max` no. */
const DISTANCE_MAX = 2;

/** The nearest of `known`, or null when none is near. Shorter words must be nearer: at most a third of the letters may differ. */
export function nearest(word: string, known: readonly string[]): string | null {
  const ranked = known
    .map((candidate) => ({ candidate, distance: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance);
  const [best] = ranked;
  const allowed = Math.min(DISTANCE_MAX, Math.ceil(word.length / 3));
  return best !== undefined && best.distance <= allowed ? best.candidate : null;
}

/** Edits (insert, delete, replace, swap of neighbours) from a to b. Source: optimal string alignment, after Damerau 1964. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swaps = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = swaps ? (before[j - 2] ?? 0) + 1 : Infinity;
      next.push(Math.min(replaced, swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
