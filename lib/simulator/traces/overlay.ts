/** Copies of a recorded trace at once: a larger service of the same kind, whose users do not move in step. */
import { ConfigError } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { TraceRequest } from '../plant/contract.ts';
import type { RequestBatches, RequestTrace } from './contract.ts';

/** Each copy reads the file at the same time as the others [copies]. */
const OVERLAY_MAX = 100;
const HOUR_MS = 3_600_000;

/**
 * The trace and `copies` - 1 more of it, each shifted by its own random number of whole hours; what a shift moves beyond the end comes at the beginning.
 * In order of time. Throws ConfigError for a number of copies out of range. The trace is read once more before, for its length.
 */
export function overlaid(
  trace: RequestTrace,
  { copies, random }: { readonly copies: number; readonly random: Random },
): RequestBatches {
  if (!(Number.isInteger(copies) && copies >= 1 && copies <= OVERLAY_MAX)) {
    throw new ConfigError(
      `Cannot overlay trace "${trace.name}": expected 1 to ${OVERLAY_MAX} copies, current value is ${copies}`,
    );
  }
  return copies === 1 ? trace.batches() : overlaidPasses(trace, { copies, random });
}

async function* overlaidPasses(
  trace: RequestTrace,
  { copies, random }: { copies: number; random: Random },
): AsyncGenerator<TraceRequest[]> {
  let lastMs = 0;
  for await (const batch of trace.batches()) lastMs = batch.at(-1)?.arrivalMs ?? lastMs;
  // Whole hours around, so that a shifted copy keeps its hours.
  const hours = Math.floor(lastMs / HOUR_MS) + 1;
  const shifts = Array.from({ length: copies }, (_, copy) => (copy === 0 ? 0 : Math.floor(random() * hours)));
  const streams = shifts.map((shift) => rotated(trace, { byMs: shift * HOUR_MS, lengthMs: hours * HOUR_MS }));
  try {
    yield* merged(streams);
  } finally {
    // Closes the files when the reader stops early.
    await Promise.all(streams.map((stream) => stream.return(undefined)));
  }
}

/** The last `byMs` of the trace, then the rest of it. */
async function* rotated(
  trace: RequestTrace,
  { byMs, lengthMs }: { byMs: number; lengthMs: number },
): AsyncGenerator<TraceRequest[]> {
  const turnMs = lengthMs - byMs;
  if (byMs > 0) {
    for await (const batch of trace.batches()) {
      yield batch.filter(({ arrivalMs }) => arrivalMs >= turnMs).map((request) => moved(request, -turnMs));
    }
  }
  for await (const batch of trace.batches()) {
    yield batch.filter(({ arrivalMs }) => arrivalMs < turnMs).map((request) => moved(request, byMs));
    if ((batch.at(-1)?.arrivalMs ?? 0) >= turnMs) return;
  }
}

function moved(request: TraceRequest, byMs: number): TraceRequest {
  return { ...request, arrivalMs: request.arrivalMs + byMs };
}

/** What was read of a stream and not given yet. */
type Head = { readonly stream: AsyncGenerator<TraceRequest[]>; batch: readonly TraceRequest[]; at: number };

/** Ordered streams as one; equal times in the order of the streams. Gives what can be ordered with what was read, then reads on. */
async function* merged(streams: readonly AsyncGenerator<TraceRequest[]>[]): AsyncGenerator<TraceRequest[]> {
  let heads: readonly Head[] = streams.map((stream) => ({ stream, batch: [], at: 0 }));
  for (;;) {
    const going = await Promise.all(heads.map(refilled));
    heads = heads.filter((_, index) => going[index] === true);
    if (heads.length === 0) return;
    // Up to here every stream is known.
    const knownMs = Math.min(...heads.map(({ batch }) => batch.at(-1)?.arrivalMs ?? Infinity));
    const ready = heads.flatMap((head) => takenUntil(head, knownMs));
    yield ready.toSorted((a, b) => a.arrivalMs - b.arrivalMs);
  }
}

/** Reads on when all was given. False at the end of the stream. */
async function refilled(head: Head): Promise<boolean> {
  while (head.at >= head.batch.length) {
    const next = await head.stream.next();
    if (next.done === true) return false;
    [head.batch, head.at] = [next.value, 0];
  }
  return true;
}

function takenUntil(head: Head, knownMs: number): readonly TraceRequest[] {
  const from = head.at;
  while ((head.batch[head.at]?.arrivalMs ?? Infinity) <= knownMs) head.at++;
  return head.batch.slice(from, head.at);
}
