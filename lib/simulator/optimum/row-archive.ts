/** Rows of many ticks, kept back to back in one growing array: millions of small arrays would cost more than the programme itself. */
import type { CostRow } from './cost-rows.ts';

// Bound once: these run hundreds of millions of times, and a look-up of a global is not free everywhere.
const { max, min } = Math;
/** Of what cannot be had. */
const UNREACHABLE = Infinity;

export type RowArchive = {
  /** Forgets all, keeps the memory. */
  clear(): void;
  /** Appends the rows of the next tick. */
  save(rows: readonly CostRow[]): void;
  /** Overwrites `rows` with those of a saved tick. */
  restore(tick: number, rows: readonly CostRow[]): void;
  /** Least waiting work of `units` at that cost in a saved tick; Infinity where it cannot be had. */
  waitingAt(tick: number, at: { readonly units: number; readonly cost: number }): number;
};

/** For ticks of `rowCount` rows each. */
export function createRowArchive(rowCount: number): RowArchive {
  let values = new Float64Array(1024);
  let used = 0;
  // Per row: base, length, offset into the values.
  let bases = new Float64Array(rowCount);
  let lengths = new Int32Array(rowCount);
  let offsets = new Float64Array(rowCount);
  let saved = 0;

  const reserve = (extraValues: number): void => {
    if (values.length < used + extraValues) values = wider(values, used + extraValues);
    if (bases.length > saved) return;
    bases = wider(bases, saved + rowCount);
    offsets = wider(offsets, saved + rowCount);
    const longer = new Int32Array(bases.length);
    longer.set(lengths);
    lengths = longer;
  };

  return {
    clear: () => {
      used = 0;
      saved = 0;
    },
    save: (rows) => {
      reserve(rows.reduce((sum, row) => sum + row.length, 0));
      for (const row of rows) {
        for (let index = 0; index < row.length; index++) values[used + index] = row.values[index] ?? 0;
        bases[saved] = row.base;
        lengths[saved] = row.length;
        offsets[saved++] = used;
        used += row.length;
      }
    },
    restore: (tick, rows) => {
      for (const [units, row] of rows.entries()) {
        const at = tick * rowCount + units;
        const offset = offsets[at] ?? 0;
        row.base = bases[at] ?? 0;
        row.length = lengths[at] ?? 0;
        if (row.values.length < row.length) row.values = new Float64Array(row.length * 2);
        row.values.set(values.subarray(offset, offset + row.length));
      }
    },
    waitingAt: (tick, { units, cost }) => {
      const at = tick * rowCount + units;
      const length = lengths[at] ?? 0;
      const index = cost - (bases[at] ?? 0);
      if (length === 0 || index < 0) return UNREACHABLE;
      return values[(offsets[at] ?? 0) + min(index, length - 1)] ?? UNREACHABLE;
    },
  };
}

function wider(array: Float64Array, atLeast: number): Float64Array<ArrayBuffer> {
  const longer = new Float64Array(max(atLeast, array.length * 2));
  longer.set(array);
  return longer;
}
