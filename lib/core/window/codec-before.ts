/** Reading windows of formats 1 and 2, which had a field for each bucket and whole names. They are written anew with the next batch; this file goes when nobody has them any more. */
import { zeroAccumulators } from './accumulators.ts';
import { type Accumulators, RING_LENGTH, type SourceClass, type SourceMark, type WindowBucket } from './load-window.ts';
import { IntegerReader } from './varint.ts';

const SOURCE_FIELDS = 32;

/** Order of the numbers of a bucket. Covered times of single gauges are stored as what they lack of the covered time. */
const POD_FIELDS = [
  'inFlight',
  'queued',
  'gpuRatio',
  'kvCacheRatio',
  'arrived',
  'completed',
  'failed',
  'cancelled',
  'inputTokens',
  'outputTokens',
] as const;
const POD_COVER_FIELDS = ['inFlightMs', 'queuedMs', 'gpuMs', 'kvCacheMs', 'arrivedMs', 'tokensMs'] as const;
const QUEUE_FIELDS = ['depth', 'work', 'arrived', 'completed', 'oldestAgeMs'] as const;
const QUEUE_COVER_FIELDS = ['depthMs', 'workMs', 'arrivedMs'] as const;

type Layout = {
  readonly sums: readonly (keyof Accumulators)[];
  readonly covers: readonly (keyof Accumulators)[];
};

const LAYOUTS: Readonly<Record<SourceClass, Layout>> = {
  pod: { sums: POD_FIELDS, covers: POD_COVER_FIELDS },
  gateway: { sums: POD_FIELDS, covers: POD_COVER_FIELDS },
  queue: { sums: QUEUE_FIELDS, covers: QUEUE_COVER_FIELDS },
};

/** Behind a class that reported first tokens (format 2): how many, how many of them late, and what their covered time lacks. */
const FIRST_TOKENS_CHAR = 't';
const CLASS_OF_CHAR: Readonly<Record<string, SourceClass>> = { p: 'pod', g: 'gateway', q: 'queue' };

/** Fields those formats had and today's has not: emptied when such a window is written anew, because nothing may be deleted. */
export function fieldsBefore(today: { readonly groups: number; readonly sourceFields: number }): readonly string[] {
  const buckets = Array.from({ length: RING_LENGTH }, (_, slot) => `b${slot}`).slice(today.groups);
  const sources = Array.from({ length: SOURCE_FIELDS }, (_, field) => `s${field}`).slice(today.sourceFields);
  return [...buckets, ...sources];
}

/** Reads buckets and sources into what is given; the name of the first field that does not read, else undefined. */
export function decodeBefore(
  fields: Readonly<Record<string, string>>,
  into: { readonly buckets: (WindowBucket | undefined)[]; readonly sources: Map<string, SourceMark> },
): string | undefined {
  for (let slot = 0; slot < RING_LENGTH; slot++) {
    const text = fields[`b${slot}`];
    if (text === undefined || text === '') continue;
    const bucket = decodeBucket(text, slot);
    if (bucket === undefined) return `b${slot}`;
    into.buckets[slot] = bucket;
  }
  for (let field = 0; field < SOURCE_FIELDS; field++) {
    if (!decodeSources(fields[`s${field}`] ?? '', into.sources)) return `s${field}`;
  }
  return undefined;
}

function decodeBucket(text: string, slot: number): WindowBucket | undefined {
  const reader = new IntegerReader(text);
  const index = reader.next() * RING_LENGTH + slot;
  const byClass: Partial<Record<SourceClass, Accumulators>> = {};
  let last: Accumulators | undefined;
  while (!reader.isAtEnd && reader.isSound) {
    const char = reader.char();
    if (char === FIRST_TOKENS_CHAR && last !== undefined) {
      [last.firstTokens, last.lateTokens] = [reader.next(), reader.next()];
      last.firstTokensMs = last.coveredMs - reader.next();
      if (!(last.firstTokensMs >= 0)) return undefined;
      continue;
    }
    const sourceClass = CLASS_OF_CHAR[char];
    if (sourceClass === undefined || byClass[sourceClass] !== undefined) return undefined;
    const accumulators = zeroAccumulators();
    const { sums, covers } = LAYOUTS[sourceClass];
    accumulators.coveredMs = reader.next();
    for (const name of sums) accumulators[name] = reader.next();
    for (const name of covers) accumulators[name] = accumulators.coveredMs - reader.next();
    if (covers.some((name) => !(accumulators[name] >= 0))) return undefined;
    byClass[sourceClass] = accumulators;
    last = accumulators;
  }
  return reader.isSound && Number.isSafeInteger(index) ? { index, byClass } : undefined;
}

function decodeSources(text: string, into: Map<string, SourceMark>): boolean {
  const reader = new IntegerReader(text);
  while (!reader.isAtEnd && reader.isSound) {
    const [lastEndMs, gap, intervalMs] = [reader.next(), reader.next(), reader.next()];
    const [inFlight, ready] = [reader.next(), reader.next()];
    const lastSeenMs = lastEndMs + (gap % 2 === 1 ? -(gap + 1) / 2 : gap / 2);
    if (!(ready <= 2)) return false;
    into.set(reader.until('\n'), {
      lastEndMs,
      intervalMs,
      inFlightMilli: inFlight - 1,
      lastSeenMs,
      ready: ready === 0 ? null : ready === 2,
    });
  }
  return reader.isSound;
}
