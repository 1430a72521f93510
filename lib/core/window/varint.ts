/** Whole numbers as short printable text: base 32 digits in base 64 characters, least significant first, bit 6 says that more follow. */

/** Characters of six bits, by their value. */
export const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Character code → digit; -1 for characters that are none. */
export const DIGITS = Int8Array.from({ length: 128 }, (_, code) => ALPHABET.indexOf(String.fromCharCode(code)));

/** The two characters of every 10 bits with more to follow: a table, because a stored window is some 4,000 numbers. */
const PAIRS: readonly string[] = Array.from(
  { length: 1024 },
  (_, bits) => `${ALPHABET[32 + (bits & 31)]}${ALPHABET[32 + (bits >> 5)]}`,
);

/** The text of the last 10 bits. */
const LAST: readonly string[] = Array.from({ length: 1024 }, (_, bits) =>
  bits < 32 ? `${ALPHABET[bits]}` : `${ALPHABET[32 + (bits & 31)]}${ALPHABET[bits >> 5]}`,
);

const INT32_MAX = 2 ** 31 - 1;

/** The text of a whole number from 0 to 2^53 - 1: one character per 5 bits. */
export function encodeInteger(value: number): string {
  let text = '';
  let rest = value;
  while (rest > INT32_MAX) {
    text += PAIRS[rest % 1024];
    rest = Math.floor(rest / 1024);
  }
  let bits = rest | 0;
  while (bits >= 1024) {
    text += PAIRS[bits & 1023];
    bits >>= 10;
  }
  return text + LAST[bits];
}

/** Reads numbers one after the other. Every read past the end, of a foreign character or of a number above 2^53 - 1 gives NaN, which then fails {@link IntegerReader.isSound}. */
export class IntegerReader {
  readonly #text: string;
  #at: number;
  #sound = true;

  constructor(text: string, at = 0) {
    this.#text = text;
    this.#at = at;
  }

  next(): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 50; factor *= 32) {
      const digit = DIGITS[this.#text.charCodeAt(this.#at++)] ?? -1;
      if (digit < 0) return this.#fail();
      value += (digit & 31) * factor;
      if (digit < 32) return value <= Number.MAX_SAFE_INTEGER ? value : this.#fail();
    }
    return this.#fail();
  }

  #fail(): number {
    this.#sound = false;
    return Number.NaN;
  }

  /** One character as it stands; empty at the end. */
  char(): string {
    return this.#text.charAt(this.#at++);
  }

  /** So many characters as they stand; fewer make it unsound. */
  take(length: number): string {
    const part = this.#text.slice(this.#at, this.#at + length);
    this.#at += length;
    if (part.length < length) this.#sound = false;
    return part;
  }

  /** Everything up to `end` (exclusive), which is skipped. */
  until(end: string): string {
    const stop = this.#text.indexOf(end, this.#at);
    if (stop < 0) {
      this.#sound = false;
      return '';
    }
    const part = this.#text.slice(this.#at, stop);
    this.#at = stop + end.length;
    return part;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  get isSound(): boolean {
    return this.#sound;
  }
}
