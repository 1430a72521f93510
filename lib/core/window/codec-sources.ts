/**
 * What was heard of sources, spread over fields by a hash of their name. Within a field they are sorted, and each name says only how it differs from the one before: pods of
 * one workload share all but their last characters. Times are said as what they are before the newest of the field.
 */
import type { LoadWindow, SourceMark } from './load-window.ts';
import { encodeInteger, IntegerReader } from './varint.ts';

/** Few, so that names find others like them; not one, so that a batch of few sources does not write all. */
export const SOURCE_FIELDS = 8;

type Sources = LoadWindow['sources'];

/** The texts of the fields in which `sources` differs from `stored`; of all of them without `stored`. */
export function encodeSources(sources: Sources, stored: Sources | undefined): ReadonlyMap<number, string> {
  if (sources === stored) return new Map();
  const names = new Map<number, string[]>(changedFields(sources, stored).map((field) => [field, []]));
  for (const name of sources.keys()) names.get(sourceFieldOf(name))?.push(name);
  return new Map([...names].map(([field, of]) => [field, encodeField(sources, of.toSorted())]));
}

function changedFields(sources: Sources, stored: Sources | undefined): readonly number[] {
  if (stored === undefined) return Array.from({ length: SOURCE_FIELDS }, (_, field) => field);
  const changed = new Set<number>();
  for (const [name, mark] of sources) if (stored.get(name) !== mark) changed.add(sourceFieldOf(name));
  for (const name of stored.keys()) if (!sources.has(name)) changed.add(sourceFieldOf(name));
  return [...changed];
}

/** What an entry may leave out because it is as in the one before. */
type Before = { readonly name: string; readonly shared: number; readonly intervalMs: number };
const FIRST: Before = { name: '', shared: 0, intervalMs: 0 };

function encodeField(sources: Sources, sorted: readonly string[]): string {
  if (sorted.length === 0) return '';
  let newestMs = 0;
  for (const name of sorted) newestMs = Math.max(newestMs, sources.get(name)?.lastEndMs ?? 0);
  let [text, before] = [encodeInteger(newestMs), FIRST];
  for (const name of sorted) {
    const mark = sources.get(name);
    if (mark === undefined) continue;
    const shared = sharedLength(before.name, name);
    text += encodeEntry(mark, { before, shared, newestMs });
    text += `${name.slice(shared)}\n`;
    before = { name, shared, intervalMs: mark.intervalMs };
  }
  return text;
}

/** Powers of 2, or of 3 for what is unknown, false or true: added up into one number below 32, which is one character. */
const SAME_SHARED = 1;
const SAME_INTERVAL = 2;
const WHOLE_IN_FLIGHT = 4;
const READY = 8;

function encodeEntry(
  mark: SourceMark,
  of: { readonly before: Before; readonly shared: number; readonly newestMs: number },
): string {
  const { before, shared } = of;
  const isWhole = mark.inFlightMilli >= 0 && mark.inFlightMilli % 1_000 === 0;
  const isSameShared = shared === before.shared;
  const isSameInterval = mark.intervalMs === before.intervalMs;
  const ready = mark.ready === null ? 0 : mark.ready ? 2 : 1;
  const kind =
    (isSameShared ? SAME_SHARED : 0) +
    (isSameInterval ? SAME_INTERVAL : 0) +
    (isWhole ? WHOLE_IN_FLIGHT : 0) +
    READY * ready;
  // Last seen is at or after the last end as a rule; the sign is kept in the lowest bit in case it is not.
  const gapMs = mark.lastSeenMs - mark.lastEndMs;
  return [
    encodeInteger(kind),
    encodeInteger(of.newestMs - mark.lastEndMs),
    encodeInteger(gapMs < 0 ? -2 * gapMs - 1 : 2 * gapMs),
    encodeInteger(isWhole ? mark.inFlightMilli / 1_000 : mark.inFlightMilli + 1),
    isSameInterval ? '' : encodeInteger(mark.intervalMs),
    isSameShared ? '' : encodeInteger(shared),
  ].join('');
}

/** Characters two names begin with, never half a character of two units. */
function sharedLength(one: string, other: string): number {
  const most = Math.min(one.length, other.length);
  let length = 0;
  while (length < most && one.charCodeAt(length) === other.charCodeAt(length)) length++;
  const last = length === 0 ? 0 : other.charCodeAt(length - 1);
  return last >= 0xd800 && last < 0xdc00 ? length - 1 : length;
}

/** FNV-1a, 32 bits, over UTF-16 units (public domain, Fowler–Noll–Vo), folded to the number of fields. */
function sourceFieldOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return ((hash >>> 0) ^ (hash >>> 16)) & (SOURCE_FIELDS - 1);
}

/** Reads a field. False when it does not read. */
export function decodeSources(text: string, into: Map<string, SourceMark>): boolean {
  if (text === '') return true;
  const reader = new IntegerReader(text);
  const newestMs = reader.next();
  let before = FIRST;
  while (!reader.isAtEnd && reader.isSound) {
    const entry = decodeEntry(reader, { before, newestMs });
    if (entry === undefined) return false;
    into.set(entry.before.name, entry.mark);
    ({ before } = entry);
  }
  return reader.isSound;
}

function decodeEntry(
  reader: IntegerReader,
  of: { readonly before: Before; readonly newestMs: number },
): { readonly mark: SourceMark; readonly before: Before } | undefined {
  const kind = reader.next();
  const lastEndMs = of.newestMs - reader.next();
  const gap = reader.next();
  const inFlight = reader.next();
  const intervalMs = (kind & SAME_INTERVAL) === 0 ? reader.next() : of.before.intervalMs;
  const shared = (kind & SAME_SHARED) === 0 ? reader.next() : of.before.shared;
  const lastSeenMs = lastEndMs + (gap % 2 === 1 ? -(gap + 1) / 2 : gap / 2);
  const inFlightMilli = (kind & WHOLE_IN_FLIGHT) === 0 ? inFlight - 1 : inFlight * 1_000;
  const ready = Math.floor(kind / READY);
  if (!(ready <= 2) || !(shared <= of.before.name.length) || !(lastEndMs >= 0)) return undefined;
  if (!Number.isSafeInteger(lastSeenMs) || !Number.isSafeInteger(inFlightMilli)) return undefined;
  const name = of.before.name.slice(0, shared) + reader.until('\n');
  const mark = { lastEndMs, intervalMs, inFlightMilli, lastSeenMs, ready: ready === 0 ? null : ready === 2 };
  return { mark, before: { name, shared, intervalMs } };
}
