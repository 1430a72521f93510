/** Just enough of DER (X.690) to write a certificate. Every function returns one complete value. */

const TAG = { boolean: 1, integer: 2, bits: 3, octets: 4, oid: 6, utf8: 12, time: 23, sequence: 0x30, set: 0x31 };

/** Lengths from here on are written as a count of bytes and the bytes. */
const SHORT_LENGTH_MAX = 0x7f;

/** SEQUENCE of complete values. */
export const sequence = (...items: readonly Buffer[]): Buffer => value(TAG.sequence, Buffer.concat(items));

/** SET of complete values (callers pass one, so there is no order to keep). */
export const set = (...items: readonly Buffer[]): Buffer => value(TAG.set, Buffer.concat(items));

/** INTEGER from big-endian bytes; the first bit must be 0, or it would be negative. */
export const integer = (bytes: Buffer): Buffer => value(TAG.integer, bytes);

/** BOOLEAN. */
export const bool = (on: boolean): Buffer => value(TAG.boolean, Buffer.of(on ? 0xff : 0));

/** BIT STRING whose last `unusedBits` bits don't count. */
export const bitString = (bytes: Buffer, unusedBits: number): Buffer =>
  value(TAG.bits, Buffer.concat([Buffer.of(unusedBits), bytes]));

/** OCTET STRING. */
export const octets = (bytes: Buffer): Buffer => value(TAG.octets, bytes);

/** UTF8String. */
export const utf8 = (text: string): Buffer => value(TAG.utf8, Buffer.from(text));

/** UTCTime, whole seconds: two digits of the year, right until 2049 [epoch ms]. */
export const time = (epochMs: number): Buffer =>
  value(TAG.time, Buffer.from(`${new Date(epochMs).toISOString().replace(/\D/g, '').slice(2, 14)}Z`));

/** Context-specific value `[number]`; `constructed` when it wraps a complete value. */
export const context = (number: number, content: Buffer, constructed = false): Buffer =>
  value((constructed ? 0xa0 : 0x80) | number, content);

/** OBJECT IDENTIFIER from its dotted form: the first two arcs share a byte, the others are base 128, high bits first. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const digits = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
    bytes.push(...digits);
  }
  return value(TAG.oid, Buffer.from(bytes));
}

function value(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.of(tag), length(content.length), content]);
}

function length(byteCount: number): Buffer {
  if (byteCount <= SHORT_LENGTH_MAX) return Buffer.of(byteCount);
  const hex = byteCount.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return Buffer.concat([Buffer.of(0x80 | bytes.length), bytes]);
}
