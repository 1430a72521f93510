/** Batches of bounded size. */
import type { TraceRequest } from '../plant/contract.ts';

/** So that memory does not grow with a scale [requests]. */
const BATCH_SIZE = 4_096;

/** The same requests, {@link BATCH_SIZE} at a time; the last batch may be shorter. */
export async function* inBatches(requests: Iterable<TraceRequest>): AsyncGenerator<TraceRequest[]> {
  let batch: TraceRequest[] = [];
  for (const request of requests) {
    if (batch.push(request) < BATCH_SIZE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
