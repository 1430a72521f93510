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
 * Hash of JSON data, 16 hex digits, for decision ids: equal for values of the same {@link canonicalJson}, without writing that text, which takes ten times as long. Numbers
 * go in as their bits. Two lanes of the body of MurmurHash3 (Austin Appleby, public domain) with different seeds, each word tagged with what it begins.
 */
export function jsonHashHex(value: unknown): string {
  const data: WordList = { words: BUFFER.words, length: 0 };
  // A `toJSON` may hash something itself.
  BUFFER.words = NONE;
  addValue(data, value);
  BUFFER.words = data.words.length > KEPT_WORDS_MAX ? new Int32Array(FIRST_WORDS) : data.words;
  return hashOf(data.words, data.length);
}

/** Both lanes over all words, in variables of their own: a tenth of the time it takes where each word is mixed as it is met. */
function hashOf(words: Int32Array, length: number): string {
  let high = 0x1747b28c;
  let low = 0x2f0b4a27;
  for (let index = 0; index < length; index++) {
    const word = words[index] ?? 0;
    const one = Math.imul(word, 0xcc9e2d51);
    high ^= Math.imul((one << 15) | (one >>> 17), 0x1b873593);
    high = (Math.imul((high << 13) | (high >>> 19), 5) + 0xe6546b64) | 0;
    const other = Math.imul(word, 0x239b961b);
    low ^= Math.imul((other << 16) | (other >>> 16), 0xab0e9789);
    low = (Math.imul((low << 19) | (low >>> 13), 5) + 0x561ccd1b) | 0;
  }
  const first = finished(high ^ length);
  return hex(first) + hex(finished(low ^ Math.imul(length, 0x9e3779b1) ^ first));
}

/** Words of the data that is hashed, in the order of the canonical text. */
type WordList = { words: Int32Array; length: number };

/** Words kept from hash to hash: a decision with full memory has two thousand. */
const FIRST_WORDS = 4_096;
const KEPT_WORDS_MAX = 1_048_576;

const NONE = new Int32Array(0);
const BUFFER: { words: Int32Array } = { words: new Int32Array(FIRST_WORDS) };

/** What comes next: no two values can have the same words. */
const TAG = { null: 1, false: 2, true: 3, integer: 4, number: 5, text: 6, list: 7, record: 8, end: 9 } as const;

const BITS = new DataView(new ArrayBuffer(8));

function add(data: WordList, word: number): void {
  if (data.length === data.words.length) reserve(data, 1);
  data.words[data.length++] = word;
}

function reserve(data: WordList, more: number): void {
  if (data.length + more <= data.words.length) return;
  const larger = new Int32Array(2 * (data.length + more));
  larger.set(data.words);
  data.words = larger;
}

function addValue(data: WordList, value: unknown): void {
  if (typeof value === 'number') addNumber(data, value);
  else if (typeof value === 'string') addText(data, value);
  else if (typeof value === 'boolean') add(data, value ? TAG.true : TAG.false);
  else if (typeof value !== 'object' || value === null) add(data, TAG.null);
  else if (Array.isArray(value)) addList(data, value);
  else if (isPlain(value)) addRecord(data, value);
  else addOwnText(data, value);
}

function addNumber(data: WordList, value: number): void {
  if (!Number.isFinite(value)) return add(data, TAG.null);
  // -0 is an integer here, and its word that of 0.
  if ((value | 0) === value) {
    add(data, TAG.integer);
    return add(data, value);
  }
  BITS.setFloat64(0, value, true);
  add(data, TAG.number);
  add(data, BITS.getInt32(0, true));
  add(data, BITS.getInt32(4, true));
}

/** Two code units in a word. */
function addText(data: WordList, text: string): void {
  const { length } = text;
  reserve(data, 2 + ((length + 1) >> 1));
  const { words } = data;
  let at = data.length;
  words[at++] = TAG.text;
  words[at++] = length;
  const even = length & ~1;
  for (let index = 0; index < even; index += 2) {
    words[at++] = text.charCodeAt(index) | (text.charCodeAt(index + 1) << 16);
  }
  if (even < length) words[at++] = text.charCodeAt(even);
  data.length = at;
}

function addList(data: WordList, list: readonly unknown[]): void {
  add(data, TAG.list);
  add(data, list.length);
  for (let index = 0; index < list.length; index++) addValue(data, list[index]);
}

/** Without what JSON leaves out of an object. */
function addRecord(data: WordList, record: Readonly<Record<string, unknown>>): void {
  add(data, TAG.record);
  const keys = Object.keys(record);
  const values = Object.values(record);
  const { order, texts } = shapeOf(keys);
  for (let index = 0; index < order.length; index++) {
    const inner = values[order[index] ?? 0];
    const text = texts[index] ?? [];
    if (typeof inner !== 'object' || inner === null) {
      if (inner === undefined || typeof inner === 'function' || typeof inner === 'symbol') continue;
      addWords(data, text);
      addValue(data, inner);
    } else if (Array.isArray(inner)) {
      addWords(data, text);
      addList(data, inner);
    } else if (isPlain(inner)) {
      addWords(data, text);
      addRecord(data, inner);
    } else if (textOf(inner) !== undefined) {
      addWords(data, text);
      addOwnText(data, inner);
    }
  }
  add(data, TAG.end);
}

function addWords(data: WordList, more: readonly number[]): void {
  reserve(data, more.length);
  const { words, length } = data;
  for (let index = 0; index < more.length; index++) words[length + index] = more[index] ?? 0;
  data.length = length + more.length;
}

/** Keys of a record as they come, where each is in the sorted order, and the words of each in that order. */
type Shape = {
  readonly keys: readonly string[];
  readonly order: readonly number[];
  readonly texts: readonly (readonly number[])[];
};

/**
 * Records of a few shapes are hashed over and over, and sorting their keys would take longer than all the rest. By first key; records with names of workloads as keys have
 * shapes without end, so it is emptied when it is full.
 */
const SHAPES = new Map<string, Shape[]>();
const FIRST_KEYS_MAX = 512;
const SHAPES_EACH_MAX = 16;
/** Longer ones are maps, which hardly ever come again. */
const SHAPE_KEYS_MAX = 64;

const NO_SHAPES: Shape[] = [];

function shapeOf(keys: readonly string[]): Shape {
  const first = keys[0] ?? '';
  const known = SHAPES.get(first) ?? NO_SHAPES;
  // No closure: one for every record would be most of what a hash leaves behind.
  for (const shape of known) if (areSame(shape.keys, keys)) return shape;
  const shape = newShape(keys);
  if (keys.length > SHAPE_KEYS_MAX) return shape;
  if (known.length > 0 && known.length < SHAPES_EACH_MAX) known.push(shape);
  else {
    if (SHAPES.size >= FIRST_KEYS_MAX) SHAPES.clear();
    SHAPES.set(first, [shape]);
  }
  return shape;
}

function newShape(keys: readonly string[]): Shape {
  const order = keys.map((_, index) => index).toSorted((a, b) => ((keys[a] ?? '') < (keys[b] ?? '') ? -1 : 1));
  const texts = order.map((index) => {
    const data: WordList = { words: new Int32Array(16), length: 0 };
    addText(data, keys[index] ?? '');
    return [...data.words.subarray(0, data.length)];
  });
  return { keys, order, texts };
}

function areSame(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}

/** A value with a text of its own: the data that the text stands for. A record from a text is plain, even one with a key `toJSON`. */
function addOwnText(data: WordList, value: object): void {
  const own: unknown = JSON.parse(canonicalJson(value));
  if (isRecord(own)) addRecord(data, own);
  else addValue(data, own);
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
  return `${bytesText(word >>> 16)}${bytesText(word & 0xffff)}`;
}

/** `00` to `ff`. */
const BYTE_TEXTS: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function bytesText(bytes: number): string {
  return `${BYTE_TEXTS[bytes >>> 8] ?? ''}${BYTE_TEXTS[bytes & 0xff] ?? ''}`;
}
