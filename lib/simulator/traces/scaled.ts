/** More or less of a recorded trace. */
import type { Random } from '../../base/random.ts';
import type { TraceRequest } from '../plant/contract.ts';
import { inBatches } from './batches.ts';
import type { RequestBatches } from './contract.ts';

/** Copies come with their original: a burst stays a burst [ms]. */
const COPY_SPREAD_MS = 1_000;

type Scaling = { readonly scale: number; readonly random: Random };

/**
 * `scale` times the requests, in order of time. Below 1 each is kept with that chance; above it each comes floor(scale) times, and once more with the
 * chance of the rest. Copies have the lengths of their original and random times from there to the next recorded request, at most
 * {@link COPY_SPREAD_MS} later: every burst and every pause stays where it was.
 */
export async function* scaled(batches: RequestBatches, scaling: Scaling): AsyncGenerator<TraceRequest[]> {
  let previous: TraceRequest | null = null;
  for await (const batch of batches) {
    const [first] = batch;
    if (first === undefined) continue;
    yield* inBatches(copiesOf(previous === null ? batch : [previous, ...batch], scaling));
    previous = batch.at(-1) ?? null;
  }
  if (previous !== null) yield* inBatches(copies(previous, { ...scaling, untilMs: Infinity }));
}

/** Copies of all but the last request, whose successor is not known yet. */
function* copiesOf(requests: readonly TraceRequest[], scaling: Scaling): Generator<TraceRequest> {
  for (let at = 0; at + 1 < requests.length; at++) {
    const [request, next] = [requests[at], requests[at + 1]];
    if (request !== undefined && next !== undefined) {
      yield* copies(request, { ...scaling, untilMs: next.arrivalMs });
    }
  }
}

function copies(request: TraceRequest, { scale, random, untilMs }: Scaling & { untilMs: number }): TraceRequest[] {
  const whole = Math.floor(scale);
  const count = whole + (random() < scale - whole ? 1 : 0);
  const spreadMs = Math.min(untilMs - request.arrivalMs, COPY_SPREAD_MS);
  const made: TraceRequest[] = [];
  for (let copy = 0; copy < count; copy++) {
    made.push(copy === 0 ? request : { ...request, arrivalMs: request.arrivalMs + spreadMs * random() });
  }
  return made.length > 2 ? made.toSorted((a, b) => a.arrivalMs - b.arrivalMs) : made;
}
