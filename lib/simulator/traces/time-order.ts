/** Puts rows that are a little late back into the order of time. */
import { problem } from './csv.ts';

/** Loggers write a request when it ends, so lines are out of order by as much as requests last; more is a file that was put together wrongly [ms]. */
const LATE_MS_MAX = 60_000;
/** Rows kept for that, whatever their times [rows]. */
const PENDING_ROWS_MAX = 200_000;

export type TimeOrder<Row> = {
  /** Takes a row, or says what is wrong with its time. */
  push(row: Row): string | null;
  /** Rows that nothing allowed can precede any more, in order; equal times keep the order of the file. */
  ready(): Row[];
  /** All that is left. */
  rest(): Row[];
};

/** An order that tolerates rows up to `lateMsMax` behind the newest one (0: each must be as late as the one before, or later). */
export function timeOrder<Row extends { readonly timeMs: number }>(lateMsMax: number = LATE_MS_MAX): TimeOrder<Row> {
  let pending: Row[] = [];
  let newestMs = -Infinity;
  let givenMs = -Infinity;
  const give = (count: number): Row[] => {
    const rows = pending.slice(0, count);
    pending = pending.slice(count);
    givenMs = rows.at(-1)?.timeMs ?? givenMs;
    return rows;
  };
  return {
    push: (row) => {
      if (row.timeMs < newestMs - lateMsMax || row.timeMs < givenMs) {
        return problem(
          `a time at most ${lateMsMax / 1000} s before the newest line's`,
          `${newestMs - row.timeMs} ms before`,
        );
      }
      if (row.timeMs >= newestMs) pending.push(row);
      else pending.splice(indexAfter(pending, row.timeMs), 0, row);
      newestMs = Math.max(newestMs, row.timeMs);
      return null;
    },
    ready: () => give(Math.max(indexAfter(pending, newestMs - lateMsMax), pending.length - PENDING_ROWS_MAX)),
    rest: () => give(pending.length),
  };
}

/** Index of the first row later than `timeMs`, by halving. */
function indexAfter(rows: readonly { readonly timeMs: number }[], timeMs: number): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows[middle]?.timeMs ?? Infinity) <= timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
