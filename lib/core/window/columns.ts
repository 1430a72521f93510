/**
 * Columns of whole numbers as printable text: of each column its least value, and for every row how far it is above, in as many bits as the column needs
 * (frame of reference). Figures of neighbouring buckets resemble each other, so that most of their digits are said once.
 */
import { ALPHABET, DIGITS, encodeInteger } from './varint.ts';
import type { IntegerReader } from './varint.ts';

/** Bits of a character. */
const CHAR_BITS = 6;
/** A number below 2^53 is written in parts that 32-bit arithmetic holds beside what is left of a character. */
const LOW_BITS = 24;
const LOW = 2 ** LOW_BITS;
const WIDTH_MAX = 53;

/** The text of columns of equal length; numbers from 0 to 2^53 - 1. */
export function packColumns(columns: readonly (readonly number[])[]): string {
  let head = '';
  const bits = new BitWriter();
  for (const column of columns) {
    let [min, max] = [Number.MAX_SAFE_INTEGER, 0];
    for (const value of column) {
      if (value < min) min = value;
      if (value > max) max = value;
    }
    const width = widthOf(max - min);
    head += encodeInteger(width) + encodeInteger(min);
    if (width > 0) for (const value of column) bits.put(value - min, width);
  }
  return head + bits.text();
}

/** Reads what {@link packColumns} wrote; undefined when it does not read. */
export function unpackColumns(
  reader: IntegerReader,
  of: { readonly columns: number; readonly rows: number },
): readonly (readonly number[])[] | undefined {
  const heads: { readonly width: number; readonly min: number }[] = [];
  let all = 0;
  for (let column = 0; column < of.columns; column++) {
    const head = { width: reader.next(), min: reader.next() };
    // NaN fails as well.
    if (!(head.width <= WIDTH_MAX)) return undefined;
    all += head.width * of.rows;
    heads.push(head);
  }
  const bits = new BitReader(reader.take(Math.ceil(all / CHAR_BITS)));
  const columns: (readonly number[])[] = [];
  let most = 0;
  for (const { width, min } of heads) {
    const column: number[] = [];
    while (column.length < of.rows) {
      const value = min + bits.take(width);
      if (value > most) most = value;
      column.push(value);
    }
    columns.push(column);
  }
  return reader.isSound && bits.isSound && most <= Number.MAX_SAFE_INTEGER ? columns : undefined;
}

/** Bits of a whole number: 0 for 0, 53 for 2^53 - 1. */
function widthOf(value: number): number {
  return value < LOW ? 32 - Math.clz32(value) : LOW_BITS + 32 - Math.clz32(Math.floor(value / LOW));
}

/** The text of 12 bits. */
const PAIRS: readonly string[] = Array.from(
  { length: 4096 },
  (_, bits) => `${ALPHABET[bits & 63]}${ALPHABET[bits >> CHAR_BITS]}`,
);

/** Least significant bits first. */
class BitWriter {
  #text = '';
  #bits = 0;
  #used = 0;

  put(value: number, width: number): void {
    let [rest, left] = [value, width];
    while (left > LOW_BITS) {
      this.#putLow(rest % LOW, LOW_BITS);
      rest = Math.floor(rest / LOW);
      left -= LOW_BITS;
    }
    this.#putLow(rest, left);
  }

  #putLow(value: number, width: number): void {
    let bits = this.#bits | (value << this.#used);
    let used = this.#used + width;
    for (; used >= 2 * CHAR_BITS; used -= 2 * CHAR_BITS) {
      this.#text += PAIRS[bits & 4095];
      bits >>>= 2 * CHAR_BITS;
    }
    if (used >= CHAR_BITS) {
      this.#text += ALPHABET[bits & 63];
      bits >>>= CHAR_BITS;
      used -= CHAR_BITS;
    }
    this.#bits = bits;
    this.#used = used;
  }

  text(): string {
    return this.#used === 0 ? this.#text : this.#text + ALPHABET[this.#bits];
  }
}

/** A foreign character or the end gives NaN or nonsense, and fails {@link BitReader.isSound}. */
class BitReader {
  readonly #text: string;
  #at = 0;
  #bits = 0;
  #left = 0;
  #sound = true;

  constructor(text: string) {
    this.#text = text;
  }

  take(width: number): number {
    let [value, factor, left] = [0, 1, width];
    for (; left > LOW_BITS; left -= LOW_BITS, factor *= LOW) value += this.#takeLow(LOW_BITS) * factor;
    return value + this.#takeLow(left) * factor;
  }

  #takeLow(width: number): number {
    let [bits, left] = [this.#bits, this.#left];
    for (; left < width; left += CHAR_BITS) {
      const digit = DIGITS[this.#text.charCodeAt(this.#at++)] ?? -1;
      if (digit < 0) this.#sound = false;
      bits |= (digit & 63) << left;
    }
    this.#bits = bits >>> width;
    this.#left = left - width;
    return bits & ((1 << width) - 1);
  }

  get isSound(): boolean {
    return this.#sound;
  }
}
