/**
 * A window as the fields of one hash, small enough to be written with every batch.
 *
 * `m` holds format, hold, first heard and drop count; `a` the applied marks; `b0`..`b179` one bucket each; `s0`..`s31` the sources, spread by a hash
 * of their name. Only fields that changed are written, and a field is never deleted but emptied, so that one write is one command.
 */
import { zeroAccumulators } from './accumulators.ts';
import {
  type Accumulators,
  type AppliedMark,
  emptyWindow,
  type LoadWindow,
  newestIndexOf,
  RING_LENGTH,
  type SourceClass,
  type SourceMark,
  type WindowBucket,
} from './load-window.ts';
import { encodeInteger, IntegerReader } from './varint.ts';

/** Changes when a stored window could no longer be read by the code before. 2 may have {@link FIRST_TOKENS_CHAR}. */
const FORMAT = 2;
const FORMATS_READ: readonly number[] = [1, 2];

/** Fields the sources are spread over: with 40 sources about one a field, with 512 still short fields. */
const SOURCE_FIELDS = 32;

/** Order of the numbers of a bucket. Covered times of single gauges are stored as what they lack of the covered time: 0 as a rule. */
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

const CLASS_CHARS: Readonly<Record<SourceClass, string>> = { pod: 'p', gateway: 'g', queue: 'q' };
/** Behind a class that reported first tokens: how many, how many of them late, and what their covered time lacks. Others pay nothing for it. */
const FIRST_TOKENS_CHAR = 't';
const CLASS_OF_CHAR: Readonly<Record<string, SourceClass>> = { p: 'pod', g: 'gateway', q: 'queue' };

/**
 * Field → text of all fields in which `window` differs from `stored`. Without `stored` all fields are given, empty ones too, so that nothing of what
 * the hash held before shines through.
 */
export function encodeWindow(window: LoadWindow, stored?: LoadWindow): Record<string, string> {
  const fields: Record<string, string> = { m: encodeMeta(window) };
  if (window.applied !== stored?.applied) fields['a'] = encodeApplied(window.applied);
  for (let slot = 0; slot < RING_LENGTH; slot++) {
    const bucket = window.buckets[slot];
    // A bucket that only fell out of the ring may stay: reading drops it.
    if (stored !== undefined && (bucket === stored.buckets[slot] || bucket === undefined)) continue;
    fields[`b${slot}`] = bucket === undefined ? '' : encodeBucket(bucket);
  }
  encodeSources(window.sources, stored?.sources, fields);
  return fields;
}

function encodeMeta(window: LoadWindow): string {
  const numbers = [FORMAT, window.holdUntilMs, window.firstHeardMs, window.sourcesDropped];
  return numbers.map(encodeInteger).join('');
}

function encodeApplied(applied: ReadonlyMap<string, AppliedMark>): string {
  let text = '';
  for (const [key, mark] of applied) text += `${encodeInteger(mark.offset)}${encodeInteger(mark.timestampMs)}${key}\n`;
  return text;
}

function encodeBucket(bucket: WindowBucket): string {
  let text = encodeInteger(Math.floor(bucket.index / RING_LENGTH));
  for (const sourceClass of ['pod', 'gateway', 'queue'] as const) {
    const accumulators = bucket.byClass[sourceClass];
    if (accumulators === undefined) continue;
    const { sums, covers } = LAYOUTS[sourceClass];
    text += CLASS_CHARS[sourceClass] + encodeInteger(accumulators.coveredMs);
    for (const name of sums) text += encodeInteger(accumulators[name]);
    for (const name of covers) text += encodeInteger(accumulators.coveredMs - accumulators[name]);
    if (accumulators.firstTokensMs > 0) text += encodeFirstTokens(accumulators);
  }
  return text;
}

function encodeFirstTokens(of: Readonly<Accumulators>): string {
  const numbers = [of.firstTokens, of.lateTokens, of.coveredMs - of.firstTokensMs];
  return FIRST_TOKENS_CHAR + numbers.map(encodeInteger).join('');
}

function encodeSources(
  sources: LoadWindow['sources'],
  stored: LoadWindow['sources'] | undefined,
  fields: Record<string, string>,
): void {
  if (sources === stored) return;
  const changed = changedSourceFields(sources, stored);
  const texts = new Map<number, string>(changed.map((field) => [field, '']));
  for (const [name, mark] of sources) {
    const field = sourceFieldOf(name);
    const text = texts.get(field);
    if (text !== undefined) texts.set(field, text + encodeSource(name, mark));
  }
  for (const [field, text] of texts) fields[`s${field}`] = text;
}

function changedSourceFields(sources: LoadWindow['sources'], stored: LoadWindow['sources'] | undefined): number[] {
  if (stored === undefined) return Array.from({ length: SOURCE_FIELDS }, (_, field) => field);
  const changed = new Set<number>();
  for (const [name, mark] of sources) if (stored.get(name) !== mark) changed.add(sourceFieldOf(name));
  for (const name of stored.keys()) if (!sources.has(name)) changed.add(sourceFieldOf(name));
  return [...changed];
}

function encodeSource(name: string, mark: SourceMark): string {
  // Last seen is at or after the last end as a rule; the sign is kept in the lowest bit in case it is not.
  const gapMs = mark.lastSeenMs - mark.lastEndMs;
  const ready = mark.ready === null ? 0 : mark.ready ? 2 : 1;
  const numbers = [
    mark.lastEndMs,
    gapMs < 0 ? -2 * gapMs - 1 : 2 * gapMs,
    mark.intervalMs,
    mark.inFlightMilli + 1,
    ready,
  ];
  return `${numbers.map(encodeInteger).join('')}${name}\n`;
}

/** FNV-1a, 32 bits, over UTF-16 units (public domain, Fowler–Noll–Vo), folded to the number of fields. */
function sourceFieldOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return ((hash >>> 0) ^ (hash >>> 16)) & (SOURCE_FIELDS - 1);
}

// --- reading ------------------------------------------------------------------------------------------------------

export type DecodedWindow =
  | { readonly kind: 'window'; readonly window: LoadWindow }
  /** Unreadable: treat it as never heard (which is cold, so nothing shrinks) and write all fields anew. */
  | { readonly kind: 'corrupt'; readonly reason: string }
  /** Written by a newer version: must not be touched by this one. */
  | { readonly kind: 'newer'; readonly format: number };

/** Reads what {@link encodeWindow} wrote. Fails closed: one field that does not read makes the whole window corrupt. Never throws. */
export function decodeWindow(fields: Readonly<Record<string, string>>): DecodedWindow {
  const meta = new IntegerReader(fields['m'] ?? '');
  const format = meta.next();
  if (meta.isSound && format > FORMAT) return { kind: 'newer', format };
  const [holdUntilMs, firstHeardMs, sourcesDropped] = [meta.next(), meta.next(), meta.next()];
  if (!meta.isSound || !meta.isAtEnd || !FORMATS_READ.includes(format)) return corrupt('m');
  const buckets = [...emptyWindow().buckets];
  for (let slot = 0; slot < RING_LENGTH; slot++) {
    const text = fields[`b${slot}`];
    if (text === undefined || text === '') continue;
    const bucket = decodeBucket(text, slot);
    if (bucket === undefined) return corrupt(`b${slot}`);
    buckets[slot] = bucket;
  }
  const applied = decodeApplied(fields['a'] ?? '');
  if (applied === undefined) return corrupt('a');
  const sources = new Map<string, SourceMark>();
  for (let field = 0; field < SOURCE_FIELDS; field++) {
    if (!decodeSources(fields[`s${field}`] ?? '', sources)) return corrupt(`s${field}`);
  }
  dropDead(buckets);
  return { kind: 'window', window: { buckets, sources, applied, holdUntilMs, firstHeardMs, sourcesDropped } };
}

function corrupt(field: string): DecodedWindow {
  return { kind: 'corrupt', reason: `field "${field}" does not read` };
}

function dropDead(buckets: (WindowBucket | undefined)[]): void {
  const oldestIndex = newestIndexOf({ buckets }) - RING_LENGTH + 1;
  for (const [slot, bucket] of buckets.entries()) {
    if (bucket !== undefined && bucket.index < oldestIndex) buckets[slot] = undefined;
  }
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

function decodeApplied(text: string): Map<string, AppliedMark> | undefined {
  const reader = new IntegerReader(text);
  const applied = new Map<string, AppliedMark>();
  while (!reader.isAtEnd && reader.isSound) {
    const mark = { offset: reader.next(), timestampMs: reader.next() };
    applied.set(reader.until('\n'), mark);
  }
  return reader.isSound ? applied : undefined;
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
