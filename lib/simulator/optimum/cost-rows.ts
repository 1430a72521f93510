/**
 * Rows of the dynamic programme of the optimum: for each number of replicas, the least work that can be waiting for each cost so far. Costs are whole replica-ticks, so the
 * rows are exact. A row is non-increasing: more cost never means more waiting work.
 */

/** Entry i: least waiting work [replica-ticks] at a cost of `base + i` or less. Empty: this number of replicas cannot be had. */
export type CostRow = { base: number; length: number; values: Float64Array };

/** An empty row. */
export function emptyRow(): CostRow {
  return { base: 0, length: 0, values: new Float64Array(64) };
}

/** A row as it is now. */
export function copyOf(row: CostRow): CostRow {
  return { base: row.base, length: row.length, values: row.values.slice(0, row.length) };
}

/** Least waiting work at that cost; Infinity where it cannot be had. */
export function waitingAt(row: CostRow, cost: number): number {
  const index = cost - row.base;
  if (row.length === 0 || index < 0) return Infinity;
  return row.values[Math.min(index, row.length - 1)] ?? Infinity;
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
  const base = Math.min(into.base, other.base);
  const end = Math.max(into.base + into.length, other.base + other.length);
  ensure(scratch, end - base);
  const best = scratch.values;
  let length = 0;
  const floor = Math.min(into.values[into.length - 1] ?? 0, other.values[other.length - 1] ?? 0);
  for (let cost = base; cost < end; cost++) {
    const mine = cost < into.base ? Infinity : (into.values[Math.min(cost - into.base, into.length - 1)] ?? 0);
    const theirs = cost < other.base ? Infinity : (other.values[Math.min(cost - other.base, other.length - 1)] ?? 0);
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

/** One tick with `replicas`: `work` arrives, `replicas` is served and paid for, and at most `limit` may be left waiting [replica-ticks]. */
export function serveTick(
  row: CostRow,
  tick: { readonly replicas: number; readonly work: number; readonly limit: number },
): void {
  if (row.length === 0) return;
  const { values } = row;
  const net = tick.work - tick.replicas;
  let length = 0;
  let dropped = 0;
  for (let index = 0; index < row.length; index++) {
    const left = Math.max(0, (values[index] ?? 0) + net);
    if (left > tick.limit) {
      dropped++;
      continue;
    }
    values[length++] = left;
    if (left === 0) break;
  }
  row.base += tick.replicas + dropped;
  row.length = length;
}

function ensure(row: CostRow, length: number): void {
  if (row.values.length < length) row.values = new Float64Array(length * 2);
}
