/** Requests of a replay as columns: 32 bytes each instead of some 100, and memory that worker threads share. */
import { ConfigError } from '../../base/errors.ts';
import type { TraceRequest } from '../plant/contract.ts';
import type { RequestBatches } from '../traces/contract.ts';

/** Columns of equal length, in time order; meanings and units as in {@link TraceRequest}. `execSec` is NaN where a request says none. */
export type RequestColumns = {
  readonly arrivalMs: Float64Array;
  readonly inputTokens: Float64Array;
  readonly outputTokens: Float64Array;
  readonly execSec: Float64Array;
};

/** 160 MB of columns, and a few microseconds each per policy. */
const REQUESTS_MAX = 5_000_000;

/** Throws ConfigError above {@link REQUESTS_MAX} requests. */
export async function requestColumnsOf(batches: RequestBatches, name: string): Promise<RequestColumns> {
  const rows: Record<keyof RequestColumns, number[]> = {
    arrivalMs: [],
    inputTokens: [],
    outputTokens: [],
    execSec: [],
  };
  for await (const batch of batches) {
    for (const request of batch) {
      rows.arrivalMs.push(request.arrivalMs);
      rows.inputTokens.push(request.inputTokens);
      rows.outputTokens.push(request.outputTokens);
      rows.execSec.push(request.execSec ?? Number.NaN);
    }
    if (rows.arrivalMs.length > REQUESTS_MAX) {
      throw new ConfigError(
        `Cannot replay "${name}" request by request: expected at most ${REQUESTS_MAX} requests; use --engine fluid, or --from and --to`,
      );
    }
  }
  return {
    arrivalMs: shared(rows.arrivalMs),
    inputTokens: shared(rows.inputTokens),
    outputTokens: shared(rows.outputTokens),
    execSec: shared(rows.execSec),
  };
}

/** The requests again, one at a time. */
export function* requestsIn(columns: RequestColumns): Generator<TraceRequest> {
  for (let index = 0; index < columns.arrivalMs.length; index++) {
    const execSec = columns.execSec[index] ?? Number.NaN;
    yield {
      arrivalMs: columns.arrivalMs[index] ?? 0,
      inputTokens: columns.inputTokens[index] ?? 0,
      outputTokens: columns.outputTokens[index] ?? 0,
      ...(Number.isNaN(execSec) ? {} : { execSec }),
    };
  }
}

function shared(values: readonly number[]): Float64Array {
  const column = new Float64Array(new SharedArrayBuffer(values.length * Float64Array.BYTES_PER_ELEMENT));
  column.set(values);
  return column;
}
