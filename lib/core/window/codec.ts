/**
 * A window as the fields of one hash, small enough to be written with every batch.
 *
 * `m` holds format, hold, first heard and drop count; `a` the applied marks; `b0`..`b14` a minute of buckets each; `s0`..`s7` the sources, spread by a hash
 * of their name. Only fields that changed are written, and a field is never deleted but emptied, so that one write is one command.
 */
import { decodeBefore, fieldsBefore } from './codec-before.ts';
import { decodeGroup, encodeGroup, GROUP_LENGTH, GROUPS } from './codec-ring.ts';
import { decodeSources, encodeSources, SOURCE_FIELDS } from './codec-sources.ts';
import {
  type AppliedMark,
  emptyWindow,
  type LoadWindow,
  newestIndexOf,
  RING_LENGTH,
  type SourceMark,
  type WindowBucket,
} from './load-window.ts';
import { encodeInteger, IntegerReader } from './varint.ts';

/** Changes when a stored window could no longer be read by the code before. */
const FORMAT = 3;
/** See `codec-before.ts`. */
const FORMATS_BEFORE: readonly number[] = [1, 2];

/**
 * Field → text of all fields in which `window` differs from `stored`. Without `stored` all fields are given, empty ones too, so that nothing of what
 * the hash held before shines through; a hash that may hold another format needs {@link EMPTIED_FIELDS} beside them.
 */
export function encodeWindow(window: LoadWindow, stored?: LoadWindow): Record<string, string> {
  const fields: Record<string, string> = { m: encodeMeta(window) };
  if (window.applied !== stored?.applied) fields['a'] = encodeApplied(window.applied);
  for (let group = 0; group < GROUPS; group++) {
    if (hasChanged(window, { group, stored })) fields[`b${group}`] = encodeGroup(window.buckets, group);
  }
  for (const [field, text] of encodeSources(window.sources, stored?.sources)) fields[`s${field}`] = text;
  return fields;
}

/** What windows of formats before leave behind, emptied. */
export const EMPTIED_FIELDS: Readonly<Record<string, string>> = Object.fromEntries(
  fieldsBefore({ groups: GROUPS, sourceFields: SOURCE_FIELDS }).map((name) => [name, '']),
);

function hasChanged(
  window: LoadWindow,
  of: { readonly group: number; readonly stored: LoadWindow | undefined },
): boolean {
  const { stored } = of;
  if (stored === undefined) return true;
  for (let slot = of.group * GROUP_LENGTH; slot < (of.group + 1) * GROUP_LENGTH; slot++) {
    const bucket = window.buckets[slot];
    // A bucket that only fell out of the ring may stay: reading drops it.
    if (bucket !== undefined && bucket !== stored.buckets[slot]) return true;
  }
  return false;
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

// --- reading ------------------------------------------------------------------------------------------------------

export type DecodedWindow =
  /** `isOfBefore`: of an older format, so that all fields must be written anew. */
  | { readonly kind: 'window'; readonly window: LoadWindow; readonly isOfBefore: boolean }
  /** Unreadable: treat it as never heard (which is cold, so nothing shrinks) and write all fields anew. */
  | { readonly kind: 'corrupt'; readonly reason: string }
  /** Written by a newer version: must not be touched by this one. */
  | { readonly kind: 'newer'; readonly format: number };

/** Reads what {@link encodeWindow} wrote, now or before. Fails closed: one field that does not read makes the whole window corrupt. Never throws. */
export function decodeWindow(fields: Readonly<Record<string, string>>): DecodedWindow {
  const meta = new IntegerReader(fields['m'] ?? '');
  const format = meta.next();
  if (meta.isSound && format > FORMAT) return { kind: 'newer', format };
  const [holdUntilMs, firstHeardMs, sourcesDropped] = [meta.next(), meta.next(), meta.next()];
  const isOfBefore = FORMATS_BEFORE.includes(format);
  if (!meta.isSound || !meta.isAtEnd || !(isOfBefore || format === FORMAT)) return corrupt('m');
  const buckets = [...emptyWindow().buckets];
  const sources = new Map<string, SourceMark>();
  const wrong = (isOfBefore ? decodeBefore : decodeToday)(fields, { buckets, sources });
  if (wrong !== undefined) return corrupt(wrong);
  const applied = decodeApplied(fields['a'] ?? '');
  if (applied === undefined) return corrupt('a');
  dropDead(buckets);
  const window = { buckets, sources, applied, holdUntilMs, firstHeardMs, sourcesDropped };
  return { kind: 'window', window, isOfBefore };
}

/** The name of the first field that does not read, else undefined. */
function decodeToday(
  fields: Readonly<Record<string, string>>,
  into: { readonly buckets: (WindowBucket | undefined)[]; readonly sources: Map<string, SourceMark> },
): string | undefined {
  for (let group = 0; group < GROUPS; group++) {
    const text = fields[`b${group}`];
    if (text === undefined || text === '') continue;
    if (!decodeGroup(text, { group, into: into.buckets })) return `b${group}`;
  }
  for (let field = 0; field < SOURCE_FIELDS; field++) {
    if (!decodeSources(fields[`s${field}`] ?? '', into.sources)) return `s${field}`;
  }
  return undefined;
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

function decodeApplied(text: string): Map<string, AppliedMark> | undefined {
  const reader = new IntegerReader(text);
  const applied = new Map<string, AppliedMark>();
  while (!reader.isAtEnd && reader.isSound) {
    const mark = { offset: reader.next(), timestampMs: reader.next() };
    applied.set(reader.until('\n'), mark);
  }
  return reader.isSound ? applied : undefined;
}
