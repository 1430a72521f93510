/** A minute of buckets as one text: what they have in common is said once, and what nobody reported is not said at all. */
import { zeroAccumulators } from './accumulators.ts';
import { packColumns, unpackColumns } from './columns.ts';
import { type Accumulators, RING_LENGTH, type SourceClass, type WindowBucket } from './load-window.ts';
import { encodeInteger, IntegerReader } from './varint.ts';

/** Buckets of a group: longer ones say less twice, but a group is written whole whenever a bucket of it changes. Divides the ring. */
export const GROUP_LENGTH = 12;
export const GROUPS = RING_LENGTH / GROUP_LENGTH;

type Layout = {
  readonly sums: readonly (keyof Accumulators)[];
  /** Covered times of single parts, stored as what they lack of the covered time: 0 as a rule. */
  readonly covers: readonly (keyof Accumulators)[];
};

/** New names at the end: what is stored says by number which of them it has. */
const POD: Layout = {
  sums: [
    'coveredMs',
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
    'firstTokens',
    'lateTokens',
  ],
  covers: ['inFlightMs', 'queuedMs', 'gpuMs', 'kvCacheMs', 'arrivedMs', 'tokensMs', 'firstTokensMs'],
};
const QUEUE: Layout = {
  sums: ['coveredMs', 'depth', 'work', 'arrived', 'completed', 'oldestAgeMs'],
  covers: ['depthMs', 'workMs', 'arrivedMs'],
};

const CLASSES: readonly { readonly name: SourceClass; readonly char: string; readonly layout: Layout }[] = [
  { name: 'pod', char: 'p', layout: POD },
  { name: 'gateway', char: 'g', layout: POD },
  { name: 'queue', char: 'q', layout: QUEUE },
];

/** Empty when the group has no bucket. `group`: 0 to {@link GROUPS} - 1. */
export function encodeGroup(buckets: readonly (WindowBucket | undefined)[], group: number): string {
  const held: WindowBucket[] = [];
  let slots = 0;
  for (let at = 0; at < GROUP_LENGTH; at++) {
    const bucket = buckets[group * GROUP_LENGTH + at];
    if (bucket === undefined) continue;
    held.push(bucket);
    slots |= 1 << at;
  }
  if (held.length === 0) return '';
  let text = encodeInteger(slots) + packColumns([held.map((bucket) => Math.floor(bucket.index / RING_LENGTH))]);
  for (const { name, char, layout } of CLASSES) {
    const rows: Readonly<Accumulators>[] = [];
    let having = 0;
    for (const [at, { byClass }] of held.entries()) {
      const row = byClass[name];
      if (row === undefined) continue;
      rows.push(row);
      having |= 1 << at;
    }
    if (rows.length > 0) text += char + encodeInteger(having) + encodeRows(rows, layout);
  }
  return text;
}

function encodeRows(rows: readonly Readonly<Accumulators>[], { sums, covers }: Layout): string {
  const columns: (readonly number[])[] = [];
  let [said, silent] = [0, 0];
  for (const [at, name] of sums.entries()) {
    const column = columnOf(rows, name);
    if (isZero(column)) continue;
    columns.push(column);
    said |= 1 << at;
  }
  const covered = columnOf(rows, 'coveredMs');
  for (const [at, name] of covers.entries()) {
    const column = columnOf(rows, name);
    // Nobody reported it: that it lacks all of the covered time need not be said.
    if (isZero(column)) silent |= 1 << at;
    else if (lackOf(column, covered)) {
      columns.push(column);
      said |= 1 << (sums.length + at);
    }
  }
  return encodeInteger(said) + encodeInteger(silent) + packColumns(columns);
}

function columnOf(rows: readonly Readonly<Accumulators>[], name: keyof Accumulators): number[] {
  const column: number[] = [];
  for (const row of rows) column.push(row[name]);
  return column;
}

function isZero(column: readonly number[]): boolean {
  for (const value of column) if (value !== 0) return false;
  return true;
}

/** Makes what is covered of a part into what it lacks of all; true when that is anything. */
function lackOf(column: number[], covered: readonly number[]): boolean {
  let lacks = false;
  for (const [at, value] of column.entries()) {
    const lack = (covered[at] ?? 0) - value;
    column[at] = lack;
    if (lack > 0) lacks = true;
  }
  return lacks;
}

/** Reads what {@link encodeGroup} wrote into the slots of the ring. False when it does not read. */
export function decodeGroup(
  text: string,
  of: { readonly group: number; readonly into: (WindowBucket | undefined)[] },
): boolean {
  const reader = new IntegerReader(text);
  const slots = bitsOf(reader.next(), GROUP_LENGTH);
  if (slots === undefined) return false;
  const [laps] = unpackColumns(reader, { columns: 1, rows: slots.length }) ?? [];
  if (laps === undefined) return false;
  const held = slots.map((at, row): { slot: number; index: number; byClass: Classes } => {
    const slot = of.group * GROUP_LENGTH + at;
    return { slot, index: (laps[row] ?? 0) * RING_LENGTH + slot, byClass: {} };
  });
  while (!reader.isAtEnd) if (!decodeClass(reader, held)) return false;
  for (const { slot, index, byClass } of held) {
    if (!Number.isSafeInteger(index)) return false;
    of.into[slot] = { index, byClass };
  }
  return reader.isSound;
}

type Classes = Partial<Record<SourceClass, Accumulators>>;

function decodeClass(reader: IntegerReader, held: readonly { readonly byClass: Classes }[]): boolean {
  const char = reader.char();
  const known = CLASSES.find((one) => one.char === char);
  const having = bitsOf(reader.next(), held.length);
  if (known === undefined || having === undefined) return false;
  const rows = decodeRows(reader, { layout: known.layout, rows: having.length });
  if (rows === undefined) return false;
  for (const [row, at] of having.entries()) {
    const classes = held[at]?.byClass;
    if (classes === undefined || classes[known.name] !== undefined) return false;
    classes[known.name] = rows[row] ?? zeroAccumulators();
  }
  return true;
}

function decodeRows(
  reader: IntegerReader,
  of: { readonly layout: Layout; readonly rows: number },
): readonly Accumulators[] | undefined {
  const { sums, covers } = of.layout;
  const said = bitsOf(reader.next(), sums.length + covers.length);
  const silent = bitsOf(reader.next(), covers.length);
  if (said === undefined || silent === undefined) return undefined;
  const columns = unpackColumns(reader, { columns: said.length, rows: of.rows });
  if (columns === undefined) return undefined;
  const rows: Accumulators[] = [];
  while (rows.length < of.rows) rows.push(zeroAccumulators());
  const lacks: (readonly number[])[] = [];
  for (const [column, at] of said.entries()) {
    const name = sums[at];
    const values = columns[column] ?? [];
    if (name === undefined) lacks[at - sums.length] = values;
    else for (const [row, into] of rows.entries()) into[name] = values[row] ?? 0;
  }
  for (const [at, name] of covers.entries()) {
    if (silent.includes(at)) continue;
    const lack = lacks[at];
    for (const [row, into] of rows.entries()) {
      const coveredMs = into.coveredMs - (lack?.[row] ?? 0);
      if (coveredMs < 0) return undefined;
      into[name] = coveredMs;
    }
  }
  return rows;
}

/** The positions of the ones in `mask`; undefined when it is no mask of so many bits. */
function bitsOf(mask: number, length: number): readonly number[] | undefined {
  if (!(mask < 2 ** length)) return undefined;
  const positions: number[] = [];
  for (let at = 0; at < length; at++) if ((mask & (1 << at)) !== 0) positions.push(at);
  return positions;
}
