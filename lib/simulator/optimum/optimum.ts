/**
 * The clairvoyant optimum: the least GPU time that admits all work of a trace within the SLO wait, by one who knows the whole trace.
 *
 * A schedule is a whole number of ready replicas for each tick. It costs a replica-tick per replica and tick, and one lead time per start (a replica is paid for while it
 * starts; that makes a gap shorter than the lead time cheaper to bridge than to leave: the break-even). Work waits first in first out in a fluid queue, as in the `fluid`
 * plant; all of it must be admitted within the limit. Arrivals and service are straight lines within a tick, so it is enough to look at the end of each tick: what waits
 * then must have arrived within the limit.
 *
 * Solved exactly by dynamic programming over (replicas, cost so far) → least waiting work. No schedule that changes at ticks and misses nothing costs less. What it does not
 * charge, so that it stays a bound: starts of what runs in the first tick, the part of a start before the first tick, drains. Work that arrives so late that its limit lies
 * behind the end need not be admitted.
 */
import { assert } from '../../base/assert.ts';
import { copyOf, emptyRow, improve, serveTick, waitingAt } from './cost-rows.ts';
import type { CostRow } from './cost-rows.ts';

export type OptimumProblem = {
  /** Work that arrives in each tick, evenly [replica-seconds]. */
  readonly workReplicaSec: Float64Array;
  readonly tickSec: number;
  /** Longest wait for admission [s]. */
  readonly waitLimitSec: number;
  /** What a start costs in GPU time; a part of a tick counts as none [s]. */
  readonly leadTimeSec: number;
  /** Largest number of replicas to consider. Default: the least constant number that serves everything. */
  readonly replicasMax?: number;
};

export type Optimum = {
  /** GPU time with starts [replica-seconds]. */
  readonly replicaSec: number;
  /** Ready replicas of each tick. */
  readonly replicas: Uint16Array;
  readonly replicaStarts: number;
  readonly replicasMax: number;
};

/** Sums of fractions are not exact: so much may wait beyond the limit [replica-ticks]. */
const TOLERANCE = 1e-9;

type Programme = {
  readonly work: Float64Array;
  /** What may wait at the end of each tick. */
  readonly limit: Float64Array;
  readonly replicasMax: number;
  /** Cost of a start in each tick [ticks]: not more than the time since the beginning. */
  readonly startTicks: (tick: number) => number;
};

/** The least schedule. Costs O(ticks · replicas · spread of costs): a week of 5 s ticks takes seconds. */
export function clairvoyantOptimum(problem: OptimumProblem): Optimum {
  const programme = programmeOf(problem);
  const replicas = schedule(programme);
  const cost = costOf(replicas, programme);
  return {
    replicaSec: cost.ticks * problem.tickSec,
    replicas,
    replicaStarts: cost.starts,
    replicasMax: replicas.reduce((most, count) => Math.max(most, count), 0),
  };
}

function programmeOf(problem: OptimumProblem): Programme {
  const { tickSec } = problem;
  assert(tickSec > 0 && problem.leadTimeSec >= 0 && problem.waitLimitSec >= 0, 'times of the optimum are not negative');
  const work = problem.workReplicaSec.map((sec) => sec / tickSec);
  const limit = waitingLimits(work, problem.waitLimitSec / tickSec);
  const leadTicks = Math.floor(problem.leadTimeSec / tickSec + TOLERANCE);
  return {
    work,
    limit,
    replicasMax: problem.replicasMax ?? leastConstant(work, limit),
    startTicks: (tick) => Math.min(leadTicks, tick),
  };
}

/** Work that may wait at the end of each tick: what arrived within the last `waitTicks`. */
function waitingLimits(work: Float64Array, waitTicks: number): Float64Array {
  const whole = Math.floor(waitTicks + TOLERANCE);
  const part = Math.max(0, waitTicks - whole);
  return work.map((_, tick) => {
    let sum = TOLERANCE + part * (work[tick - whole] ?? 0);
    for (let back = 0; back < whole; back++) sum += work[tick - back] ?? 0;
    return sum;
  });
}

/** Least constant number of replicas that keeps every limit; more of them at once never pay. */
function leastConstant(work: Float64Array, limit: Float64Array): number {
  let [tooFew, enough] = [-1, Math.ceil(work.reduce((most, each) => Math.max(most, each), 0))];
  while (enough - tooFew > 1) {
    const middle = Math.floor((tooFew + enough) / 2);
    if (isEnough(middle, { work, limit })) enough = middle;
    else tooFew = middle;
  }
  return enough;
}

function isEnough(replicas: number, of: { readonly work: Float64Array; readonly limit: Float64Array }): boolean {
  let waiting = 0;
  return of.work.every((work, tick) => {
    waiting = Math.max(0, waiting + work - replicas);
    return waiting <= (of.limit[tick] ?? 0);
  });
}

/** Forward with a copy of the rows at every block, then backward block by block, each computed once more with all its rows kept. */
function schedule(programme: Programme): Uint16Array {
  const ticks = programme.work.length;
  const replicas = new Uint16Array(ticks);
  if (ticks === 0) return replicas;
  const block = Math.ceil(Math.sqrt(ticks));
  const starts: CostRow[][] = [];
  let rows = firstRows(programme);
  for (let tick = 0; tick < ticks; tick++) {
    if (tick % block === 0) starts.push(rows.map(copyOf));
    rows = advance(rows, { programme, tick });
  }
  let state = cheapest(rows);
  for (let index = starts.length - 1; index >= 0; index--) {
    const from = index * block;
    const kept = keepRows(starts[index] ?? [], { programme, from, to: Math.min(ticks, from + block) });
    for (let tick = Math.min(ticks, from + block) - 1; tick >= from; tick--) {
      replicas[tick] = state.replicas;
      state = before(state, { rows: kept[tick - from] ?? [], startTicks: programme.startTicks(tick) });
    }
  }
  return replicas;
}

/** Before the first tick any number may be running, nothing waits and nothing has been paid. */
function firstRows({ replicasMax }: Programme): CostRow[] {
  return Array.from({ length: replicasMax + 1 }, () => ({ ...emptyRow(), length: 1 }));
}

/** Rows before each tick of a block. */
function keepRows(
  first: readonly CostRow[],
  span: { readonly programme: Programme; readonly from: number; readonly to: number },
): CostRow[][] {
  const kept: CostRow[][] = [];
  let rows = first.map(copyOf);
  for (let tick = span.from; tick < span.to; tick++) {
    kept.push(rows.map(copyOf));
    rows = advance(rows, { programme: span.programme, tick });
  }
  return kept;
}

const scratch = emptyRow();

/** One tick: first fewer replicas (free) or more (at the cost of their starts), then the work. */
function advance(rows: CostRow[], at: { readonly programme: Programme; readonly tick: number }): CostRow[] {
  const { programme, tick } = at;
  const extraCost = programme.startTicks(tick);
  for (let replicas = rows.length - 2; replicas >= 0; replicas--) {
    improve(rowOf(rows, replicas), rowOf(rows, replicas + 1), { extraCost: 0, scratch });
  }
  for (let replicas = 1; replicas < rows.length; replicas++) {
    improve(rowOf(rows, replicas), rowOf(rows, replicas - 1), { extraCost, scratch });
  }
  const work = programme.work[tick] ?? 0;
  const limit = programme.limit[tick] ?? 0;
  for (const [replicas, row] of rows.entries()) serveTick(row, { replicas, work, limit });
  return rows;
}

type State = { readonly replicas: number; readonly cost: number };

function cheapest(rows: readonly CostRow[]): State {
  let best: State = { replicas: 0, cost: Infinity };
  for (const [replicas, row] of rows.entries()) {
    if (row.length > 0 && row.base < best.cost) best = { replicas, cost: row.base };
  }
  assert(best.cost < Infinity, 'some schedule serves everything');
  return best;
}

/** Where the best way into `state` came from: the rows before its tick, less what the tick and the starts cost. */
function before(state: State, from: { readonly rows: readonly CostRow[]; readonly startTicks: number }): State {
  const paid = state.cost - state.replicas;
  let best: State = { replicas: state.replicas, cost: paid };
  let least = waitingAt(rowOf(from.rows, state.replicas), paid);
  for (const [replicas, row] of from.rows.entries()) {
    const cost = paid - Math.max(0, state.replicas - replicas) * from.startTicks;
    const waiting = waitingAt(row, cost);
    if (waiting < least) {
      least = waiting;
      best = { replicas, cost };
    }
  }
  return best;
}

function costOf(replicas: Uint16Array, programme: Programme): { readonly ticks: number; readonly starts: number } {
  let [ticks, starts] = [0, 0];
  for (const [tick, count] of replicas.entries()) {
    const started = tick === 0 ? 0 : Math.max(0, count - (replicas[tick - 1] ?? 0));
    ticks += count + started * programme.startTicks(tick);
    starts += started;
  }
  return { ticks, starts };
}

function rowOf(rows: readonly CostRow[], replicas: number): CostRow {
  const row = rows[replicas];
  assert(row !== undefined, `there is a row for ${replicas} replicas`);
  return row;
}
