/**
 * Rows of the dynamic programme of the optimum: for each number of units (replicas, or groups of them), the least work that can be waiting for each cost so far. Costs are
 * whole unit-ticks, so the rows are exact. A row is non-increasing: more cost never means more waiting work.
 */

// Bound once: these run hundreds of millions of times, and a look-up of a global is not free everywhere.
const { max, min } = Math;
/** Of what cannot be had. */
const UNREACHABLE = Infinity;

/** Entry i: least waiting work [unit-ticks] at a cost of `base + i` or less. Empty: this number of units cannot be had. */
export type CostRow = { base: number; length: number; values: Float64Array };

/** An empty row. */
export function emptyRow(): CostRow {
  return { base: 0, length: 0, values: new Float64Array(64) };
}

/** What waits in the cheapest case; -Infinity for an empty row. */
export function mostWaiting(row: CostRow): number {
  return row.length === 0 ? -Infinity : (row.values[0] ?? -Infinity);
}

/** Whether `other` at `extraCost` more is nowhere worse than `row`. */
export function isDominated(row: CostRow, other: CostRow, extraCost: number): boolean {
  if (row.length === 0) return true;
  if (other.length === 0) return false;
  const shift = row.base - other.base - extraCost;
  if (shift < 0) return false;
  for (let index = 0; index < row.length; index++) {
    const theirs = other.values[min(index + shift, other.length - 1)] ?? UNREACHABLE;
    if (theirs > (row.values[index] ?? 0)) return false;
  }
  return true;
}

/** `into` becomes the better of itself and `other` at `extraCost` more, entry by entry. `scratch` is overwritten. */
export function improve(
  into: CostRow,
  other: CostRow,
  by: { readonly extraCost: number; readonly scratch: CostRow },
): void {
  if (other.length === 0) return;
  const otherBase = other.base + by.extraCost;
  const otherLast = other.values[other.length - 1] ?? 0;
  if (into.length === 0) {
    ensure(into, other.length);
    into.values.set(other.values.subarray(0, other.length));
    into.length = other.length;
    into.base = otherBase;
    return;
  }
  const intoLast = into.values[into.length - 1] ?? 0;
  // Costs more from the start than all that `into` offers, and waits no less: nothing to gain.
  if (otherBase >= into.base + into.length - 1 && otherLast >= intoLast) return;
  merge(into, { base: otherBase, length: other.length, values: other.values }, by.scratch);
}

function merge(into: CostRow, other: CostRow, scratch: CostRow): void {
  const base = min(into.base, other.base);
  const end = max(into.base + into.length, other.base + other.length);
  ensure(scratch, end - base);
  const best = scratch.values;
  let length = 0;
  const floor = min(into.values[into.length - 1] ?? 0, other.values[other.length - 1] ?? 0);
  for (let cost = base; cost < end; cost++) {
    const mine = cost < into.base ? UNREACHABLE : (into.values[min(cost - into.base, into.length - 1)] ?? 0);
    const theirs = cost < other.base ? UNREACHABLE : (other.values[min(cost - other.base, other.length - 1)] ?? 0);
    const value = mine < theirs ? mine : theirs;
    best[length++] = value;
    // What follows is all the same.
    if (value <= floor) break;
  }
  scratch.values = into.values;
  into.values = best;
  into.base = base;
  into.length = length;
}

/** One tick with `units`: `work` arrives, `units` is served and paid for, and at most `limit` may be left waiting [unit-ticks]. */
export function serveTick(
  row: CostRow,
  tick: { readonly units: number; readonly work: number; readonly limit: number },
): void {
  if (row.length === 0) return;
  const { values } = row;
  const net = tick.work - tick.units;
  let length = 0;
  let dropped = 0;
  for (let index = 0; index < row.length; index++) {
    const left = max(0, (values[index] ?? 0) + net);
    if (left > tick.limit) {
      dropped++;
      continue;
    }
    values[length++] = left;
    if (left === 0) break;
  }
  row.base += tick.units + dropped;
  row.length = length;
}

function ensure(row: CostRow, length: number): void {
  if (row.values.length < length) row.values = new Float64Array(length * 2);
}
