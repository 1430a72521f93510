/** The dynamic programme of the optimum: (units, cost so far) → least waiting work, forward; then the schedule, backward. */
import { assert } from '../../base/assert.ts';
import { emptyRow, improve, isDominated, mostWaiting, serveTick } from './cost-rows.ts';
import type { CostRow } from './cost-rows.ts';
import type { Programme } from './programme.ts';
import { createRowArchive } from './row-archive.ts';
import type { RowArchive } from './row-archive.ts';

// Bound once: these run hundreds of millions of times, and a look-up of a global is not free everywhere.
const { max, min } = Math;
/** Of what cannot be had. */
const UNREACHABLE = Infinity;

/** Forward with a copy of the rows at every block, then backward block by block, each computed once more with all its rows kept. */
export function leastSchedule(programme: Programme): Uint32Array {
  const ticks = programme.work.length;
  const units = new Uint32Array(ticks);
  if (ticks === 0) return units;
  const block = Math.ceil(Math.sqrt(ticks));
  const rows = firstRows(programme);
  const starts = createRowArchive(rows.length);
  for (let tick = 0; tick < ticks; tick++) {
    if (tick % block === 0) starts.save(rows);
    advance(rows, { programme, tick });
  }
  let state = cheapest(rows);
  const kept = createRowArchive(rows.length);
  for (let from = Math.floor((ticks - 1) / block) * block; from >= 0; from -= block) {
    const to = min(ticks, from + block);
    starts.restore(from / block, rows);
    kept.clear();
    for (let tick = from; tick < to; tick++) {
      kept.save(rows);
      advance(rows, { programme, tick });
    }
    for (let tick = to - 1; tick >= from; tick--) {
      units[tick] = state.units;
      state = before(state, { kept, tick: tick - from, programme, startTicks: programme.startTicks(tick) });
    }
  }
  return units;
}

/** Before the first tick any number may be running, nothing waits and nothing has been paid. */
function firstRows({ unitsMax }: Programme): CostRow[] {
  return Array.from({ length: unitsMax + 1 }, () => ({ ...emptyRow(), length: 1 }));
}

const scratch = emptyRow();

/** One tick: first fewer units (free) or more (at the cost of their starts), then the work. Changes `rows`. */
function advance(rows: readonly CostRow[], at: { readonly programme: Programme; readonly tick: number }): void {
  const { programme, tick } = at;
  const extraCost = programme.startTicks(tick);
  const work = programme.work[tick] ?? 0;
  const limit = programme.limit[tick] ?? 0;
  const lowest = programme.band?.lowest[tick] ?? 0;
  const highest = min(programme.unitsMax, programme.band?.highest[tick] ?? programme.unitsMax);
  const had = { first: rows.findIndex(isHeld), last: rows.findLastIndex(isHeld) };
  for (let units = had.last - 1; units >= lowest; units--) {
    improve(rowOf(rows, units), rowOf(rows, units + 1), { extraCost: 0, scratch });
  }
  let top = min(had.last, highest);
  for (let units = max(1, min(had.first + 1, lowest)); units <= highest; units++) {
    const [row, fewer] = [rowOf(rows, units), rowOf(rows, units - 1)];
    // One more that has nothing to do in its first tick can as well start later; and one that was kept so long that a start is cheaper can go.
    const isIdle = units > lowest && mostWaiting(fewer) + work <= units - 1;
    if (!isIdle) improve(row, fewer, { extraCost, scratch });
    else if (isDominated(row, fewer, extraCost)) row.length = 0;
    if (isHeld(row)) top = max(top, units);
    else if (units > top) break;
  }
  for (let units = max(0, had.first); units < lowest; units++) rowOf(rows, units).length = 0;
  for (let units = top + 1; units <= had.last; units++) rowOf(rows, units).length = 0;
  for (let units = lowest; units <= top; units++) serveTick(rowOf(rows, units), { units, work, limit });
}

function isHeld(row: CostRow): boolean {
  return row.length > 0;
}

type State = { readonly units: number; readonly cost: number };

function cheapest(rows: readonly CostRow[]): State {
  let best: State = { units: 0, cost: UNREACHABLE };
  for (const [units, row] of rows.entries()) {
    if (row.length > 0 && row.base < best.cost) best = { units, cost: row.base };
  }
  assert(best.cost < UNREACHABLE, 'some schedule serves everything');
  return best;
}

/** Where the best way into `state` came from: the rows before its tick, less what the tick and the starts cost. */
function before(
  state: State,
  from: {
    readonly kept: RowArchive;
    readonly tick: number;
    readonly programme: Programme;
    readonly startTicks: number;
  },
): State {
  const paid = state.cost - state.units;
  let best: State = { units: state.units, cost: paid };
  let least = from.kept.waitingAt(from.tick, best);
  for (let units = 0; units <= from.programme.unitsMax; units++) {
    const cost = paid - max(0, state.units - units) * from.startTicks;
    const waiting = from.kept.waitingAt(from.tick, { units, cost });
    if (waiting < least) {
      least = waiting;
      best = { units, cost };
    }
  }
  return best;
}

function rowOf(rows: readonly CostRow[], units: number): CostRow {
  const row = rows[units];
  assert(row !== undefined, `there is a row for ${units} units`);
  return row;
}
