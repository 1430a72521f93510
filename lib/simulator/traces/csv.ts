/** Cells, headers and numbers of CSV lines. */
import { show } from '../../../events/show.ts';

/** Cells of one line, trimmed. Quotes as in RFC 4180, but no line ends inside them. */
export function cellsOf(line: string): string[] {
  if (!line.includes('"')) return line.split(',').map((cell) => cell.trim());
  return Array.from(line.matchAll(/(?:^|,)(?:\s*"((?:[^"]|"")*)"\s*(?=,|$)|([^,]*))/g), (match) =>
    match[1] === undefined ? (match[2] ?? '').trim() : match[1].replaceAll('""', '"'),
  );
}

/** Index of the first column with one of these names (lower case), -1 when there is none. */
export function columnIndex(header: readonly string[], names: readonly string[]): number {
  const lower = header.map((name) => name.toLowerCase());
  for (const name of names) {
    const index = lower.indexOf(name);
    if (index >= 0) return index;
  }
  return -1;
}

const PLAIN_NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** A decimal number, NaN for anything else (empty, hexadecimal, infinite). */
export function numberOf(text: string): number {
  return PLAIN_NUMBER.test(text) ? Number(text) : NaN;
}

/** A hundred million tokens: above any context window by far. */
const TOKENS_MAX = 1e8;

/** A whole number of tokens from 0 to {@link TOKENS_MAX} ("374.0", as data frames write it, too); NaN for anything else. */
export function tokensOf(text: string): number {
  const value = numberOf(text);
  return Number.isInteger(value) && value >= 0 && value <= TOKENS_MAX ? value : NaN;
}

/** `expected …, current value is …`, with the value escaped and cut. */
export function problem(expected: string, found: unknown): string {
  return `expected ${expected}, current value is ${show(found)}`;
}
