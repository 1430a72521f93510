/** The requests of a trace whose lines are requests. */
import type { TraceRequest } from '../plant/contract.ts';
import type { ReadCounts, RequestFormat, RequestRow, TraceOptions, TraceSource } from './contract.ts';
import { type Cut, cutOf, nothingLeft } from './cut.ts';
import { type MutableCounts, noCounts, rowsOf } from './rows.ts';

/** Reads `source` anew for every pass, line by line: memory does not grow with the file. */
export function requestReader(
  source: TraceSource,
  { format, options }: { format: RequestFormat; options: TraceOptions },
): { batches(): AsyncGenerator<TraceRequest[]>; counts(): ReadCounts } {
  let counts = noCounts();
  return {
    batches: () => {
      counts = noCounts();
      return batchesOfPass(source, { format, options, counts });
    },
    counts: () => ({ ...counts }),
  };
}

async function* batchesOfPass(
  source: TraceSource,
  pass: { format: RequestFormat; options: TraceOptions; counts: MutableCounts },
): AsyncGenerator<TraceRequest[]> {
  const { counts, options } = pass;
  let cut: Cut | null = null;
  let seen = 0;
  for await (const rows of rowsOf<RequestRow>(source, pass)) {
    const batch: TraceRequest[] = [];
    for (const row of rows) {
      seen++;
      cut ??= cutOf(options, { name: source.name, firstMs: row.timeMs });
      if (row.timeMs >= cut.toMs) break;
      if (row.timeMs >= cut.fromMs) batch.push(requestOf(row, cut.baseMs));
    }
    counts.rows += batch.length;
    yield batch;
    // Nothing that is still to come lies before the end of the cut.
    if (cut !== null && (rows.at(-1)?.timeMs ?? -Infinity) >= cut.toMs) break;
  }
  if (counts.rows === 0) throw nothingLeft(source.name, seen);
}

function requestOf({ timeMs, inputTokens, outputTokens, execSec }: RequestRow, baseMs: number): TraceRequest {
  const arrivalMs = timeMs - baseMs;
  return execSec === undefined
    ? { arrivalMs, inputTokens, outputTokens }
    : { arrivalMs, inputTokens, outputTokens, execSec };
}
