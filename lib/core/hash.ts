/** Pure 64-bit hashes of JSON data: the same inputs give the same bytes in every host. Not for secrets. */

/** Canonical JSON: keys sorted at every depth, so that the order in which an object was built does not matter. What JSON does not have is as in `JSON.stringify`. */
export function canonicalJson(value: unknown): string {
  return textOf(value) ?? 'null';
}

/** Undefined: left out of an object, null in a list. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value === 0 ? 0 : value) : 'null';
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return listText(value);
  return isPlain(value) ? recordText(value) : JSON.stringify(value, sortedKeys);
}

function listText(list: readonly unknown[]): string {
  let text = '[';
  for (let index = 0; index < list.length; index++) {
    text += `${index === 0 ? '' : ','}${textOf(list[index]) ?? 'null'}`;
  }
  return `${text}]`;
}

function recordText(record: Readonly<Record<string, unknown>>): string {
  let text = '{';
  for (const key of keysOf(record)) {
    const inner = textOf(record[key]);
    if (inner !== undefined) text += `${text.length === 1 ? '' : ','}${JSON.stringify(key)}:${inner}`;
  }
  return `${text}}`;
}

/** By code unit, as `Array.prototype.sort` has it; but keys that are array indexes come first and by value, as in every object of JavaScript. */
function keysOf(record: Readonly<Record<string, unknown>>): readonly string[] {
  const keys = Object.keys(record).toSorted();
  return keys.some(startsWithDigit) ? Object.keys(Object.fromEntries(keys.map((key) => [key, 0]))) : keys;
}

function startsWithDigit(key: string): boolean {
  const unit = key.charCodeAt(0);
  return unit >= 48 && unit <= 57;
}

/** False for what has a text of its own (`toJSON`) or is no record, such as a boxed number. */
function isPlain(value: object): value is Readonly<Record<string, unknown>> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && !('toJSON' in value);
}

function sortedKeys(_key: string, inner: unknown): unknown {
  return isRecord(inner) ? sortedRecord(inner) : inner;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sortedRecord(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/**
 * FNV-1a, 64 bits, as 16 hex digits, over the UTF-16 code units (high byte only where it is not zero, so ASCII text hashes as its bytes).
 * The product with the prime 2^40 + 0x1b3 is made of two 32-bit halves; every intermediate stays below 2^42. Source: Fowler, Noll, Vo; RFC 9923.
 */
export function fnv1a64Hex(text: string): string {
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    for (let byte = unit & 0xff, rest = unit >>> 8; ; byte = rest, rest = 0) {
      low = (low ^ byte) >>> 0;
      const product = low * 0x1b3;
      high = (Math.imul(high, 0x1b3) + Math.floor(product / 2 ** 32) + (low << 8)) >>> 0;
      low = product >>> 0;
      if (rest === 0) break;
    }
  }
  return hex(high) + hex(low);
}

/**
 * Hash of JSON data, 16 hex digits, for decision ids: equal for values of the same {@link canonicalJson}, without writing that text, which takes five times as long. Numbers
 * go in as their bits. Two lanes of the body of MurmurHash3 (Austin Appleby, public domain) with different seeds, each word tagged with what it begins.
 */
export function jsonHashHex(value: unknown): string {
  // As small integers: a field that once held more is boxed at every write.
  const lanes: Lanes = { high: 0x1747b28c, low: 0x2f0b4a27, words: 0 };
  mixValue(lanes, value);
  const high = finished(lanes.high ^ lanes.words);
  const low = finished(lanes.low ^ Math.imul(lanes.words, 0x9e3779b1) ^ high);
  return hex(high) + hex(low);
}

type Lanes = { high: number; low: number; words: number };

/** What comes next: no two values can have the same words. */
const TAG = { null: 1, false: 2, true: 3, integer: 4, number: 5, text: 6, list: 7, record: 8, end: 9 } as const;

const BITS = new DataView(new ArrayBuffer(8));

function mixValue(lanes: Lanes, value: unknown): void {
  if (typeof value === 'number') mixNumber(lanes, value);
  else if (typeof value === 'string') mixText(lanes, value);
  else if (typeof value === 'boolean') mixWord(lanes, value ? TAG.true : TAG.false);
  else if (typeof value !== 'object' || value === null) mixWord(lanes, TAG.null);
  else if (Array.isArray(value)) mixList(lanes, value);
  else if (isPlain(value)) mixRecord(lanes, value);
  else mixOwnText(lanes, value);
}

function mixNumber(lanes: Lanes, value: number): void {
  if (!Number.isFinite(value)) return mixWord(lanes, TAG.null);
  // -0 is an integer here, and its word that of 0.
  if ((value | 0) === value) {
    mixWord(lanes, TAG.integer);
    return mixWord(lanes, value);
  }
  BITS.setFloat64(0, value, true);
  mixWord(lanes, TAG.number);
  mixWord(lanes, BITS.getInt32(0, true));
  mixWord(lanes, BITS.getInt32(4, true));
}

/** Two code units in a word. */
function mixText(lanes: Lanes, text: string): void {
  mixWord(lanes, TAG.text);
  mixWord(lanes, text.length);
  for (let index = 0; index < text.length; index += 2) {
    const second = index + 1 < text.length ? text.charCodeAt(index + 1) : 0;
    mixWord(lanes, text.charCodeAt(index) | (second << 16));
  }
}

function mixList(lanes: Lanes, list: readonly unknown[]): void {
  mixWord(lanes, TAG.list);
  mixWord(lanes, list.length);
  for (let index = 0; index < list.length; index++) mixValue(lanes, list[index]);
}

function mixRecord(lanes: Lanes, record: Readonly<Record<string, unknown>>): void {
  mixWord(lanes, TAG.record);
  for (const key of Object.keys(record).toSorted()) {
    const inner = record[key];
    if (isAbsent(inner)) continue;
    mixText(lanes, key);
    mixValue(lanes, inner);
  }
  mixWord(lanes, TAG.end);
}

/** What JSON leaves out of an object. */
function isAbsent(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) {
    return value === undefined || typeof value === 'function' || typeof value === 'symbol';
  }
  return !Array.isArray(value) && !isPlain(value) && textOf(value) === undefined;
}

/** A value with a text of its own: the data that the text stands for. A record from a text is plain, even one with a key `toJSON`. */
function mixOwnText(lanes: Lanes, value: object): void {
  const data: unknown = JSON.parse(canonicalJson(value));
  if (isRecord(data)) mixRecord(lanes, data);
  else mixValue(lanes, data);
}

function mixWord(lanes: Lanes, word: number): void {
  const one = Math.imul(word, 0xcc9e2d51);
  const high = lanes.high ^ Math.imul((one << 15) | (one >>> 17), 0x1b873593);
  lanes.high = (Math.imul((high << 13) | (high >>> 19), 5) + 0xe6546b64) | 0;
  const other = Math.imul(word, 0x239b961b);
  const low = lanes.low ^ Math.imul((other << 16) | (other >>> 16), 0xab0e9789);
  lanes.low = (Math.imul((low << 19) | (low >>> 13), 5) + 0x561ccd1b) | 0;
  lanes.words++;
}

/** MurmurHash3's last step: every bit moves every other. */
function finished(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}
