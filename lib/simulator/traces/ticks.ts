/** Arrivals per tick, as columns: what the fluid engine takes for weeks. */
import { ConfigError } from '../../base/errors.ts';
import type { ArrivalTick, TraceRequest } from '../plant/contract.ts';

/** Ticks from 0 on, without gaps; columns of length `count`. Meanings and units as in {@link ArrivalTick}. */
export type TickColumns = {
  readonly tickMs: number;
  readonly count: number;
  readonly requests: Float64Array;
  readonly workReplicaSec: Float64Array;
  readonly inputTokens: Float64Array;
  readonly outputTokens: Float64Array;
};

/** Work of one request [replica-seconds] at the service level. */
export type WorkOf = (request: Pick<TraceRequest, 'inputTokens' | 'outputTokens' | 'execSec'>) => number;

export type TickOptions = {
  readonly tickMs: number;
  readonly workOf: WorkOf;
  /** Ticks go on to here, empty, when the last request comes earlier [ms]. */
  readonly endMs?: number;
};

/** Three years of ticks of 5 s, 640 MB of columns [ticks]. */
const TICKS_MAX = 20_000_000;

/** Adds up requests of any order of time, from 0 on, by the tick they arrive in; one by one or in batches. Memory grows with the ticks only. */
export async function ticksOf(
  requests: AsyncIterable<TraceRequest | readonly TraceRequest[]>,
  { tickMs, workOf, endMs = 0 }: TickOptions,
): Promise<TickColumns> {
  const sums = tickSums(tickMs);
  const add = (request: TraceRequest): void => {
    sums.add(request.arrivalMs, {
      requests: 1,
      workReplicaSec: workOf(request),
      inputTokens: request.inputTokens,
      outputTokens: request.outputTokens,
    });
  };
  for await (const some of requests) {
    if ('arrivalMs' in some) add(some);
    else for (const request of some) add(request);
  }
  return sums.columns(endMs);
}

/** One row of the columns. */
export function tickAt(columns: TickColumns, index: number): ArrivalTick {
  return {
    startMs: index * columns.tickMs,
    requests: columns.requests[index] ?? 0,
    workReplicaSec: columns.workReplicaSec[index] ?? 0,
    inputTokens: columns.inputTokens[index] ?? 0,
    outputTokens: columns.outputTokens[index] ?? 0,
  };
}

export type TickSums = {
  add(atMs: number, load: Omit<ArrivalTick, 'startMs'>): void;
  /** What was added; at least up to `endMs`. */
  columns(endMs: number): TickColumns;
};

/** Columns that grow. Throws ConfigError above {@link TICKS_MAX} ticks. */
export function tickSums(tickMs: number): TickSums {
  const WIDTH = 4;
  let cells = new Float64Array(WIDTH * 1024);
  let count = 0;
  const reserve = (ticks: number): void => {
    if (ticks > TICKS_MAX) {
      throw new ConfigError(
        `Cannot replay so long a trace: expected at most ${TICKS_MAX} ticks, current value is ${ticks}`,
      );
    }
    if (ticks * WIDTH > cells.length) {
      const grown = new Float64Array(Math.max(ticks * WIDTH, cells.length * 2));
      grown.set(cells);
      cells = grown;
    }
    count = Math.max(count, ticks);
  };
  const column = (index: number): Float64Array =>
    Float64Array.from({ length: count }, (_, at) => cells[at * WIDTH + index] ?? 0);
  return {
    add: (atMs, { requests, workReplicaSec, inputTokens, outputTokens }) => {
      const tick = Math.floor(atMs / tickMs);
      if (tick >= count) reserve(tick + 1);
      const at = tick * WIDTH;
      cells[at] = (cells[at] ?? 0) + requests;
      cells[at + 1] = (cells[at + 1] ?? 0) + workReplicaSec;
      cells[at + 2] = (cells[at + 2] ?? 0) + inputTokens;
      cells[at + 3] = (cells[at + 3] ?? 0) + outputTokens;
    },
    columns: (endMs) => {
      reserve(Math.ceil(endMs / tickMs));
      return {
        tickMs,
        count,
        requests: column(0),
        workReplicaSec: column(1),
        inputTokens: column(2),
        outputTokens: column(3),
      };
    },
  };
}
