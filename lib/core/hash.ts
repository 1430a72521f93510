/** A pure 64-bit hash of JSON data, for decision ids: the same inputs give the same bytes in every host. Not for secrets. */

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
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}
