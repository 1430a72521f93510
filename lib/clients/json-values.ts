/** JSON of somebody else, read by its shape: what is not as expected is empty, never a guess. */

export type JsonRecord = Readonly<Record<string, unknown>>;

/** The fields of an object; none for anything else. */
export function recordOf(value: unknown): JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

/** The items of a list; none for anything else. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text; empty for anything else. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A count of 0 or more; undefined for anything else. */
export function countOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** Epoch ms of an RFC 3339 text; undefined for anything else. */
export function timeMsOf(value: unknown): number | undefined {
  const ms = Date.parse(textOf(value));
  return Number.isNaN(ms) ? undefined : ms;
}

/** A text or a number of JSON, whole. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g;
/** Integers of so many digits may be above 2^53, where a JavaScript number is no longer exact. */
const LONG_INTEGER = /^-?\d{16,}$/;
const MARK = 'penstock-exact-integer:';
const MARKED = new RegExp(`"${MARK}(-?\\d+)"`, 'g');

/**
 * `JSON.parse` that keeps every integer exact: those of 16 digits and more become marked texts that {@link exactStringify} turns back. For documents that
 * are read, changed in one place and written again. Throws SyntaxError.
 */
export function exactParse(text: string): unknown {
  return JSON.parse(text.replace(TOKEN, (found) => (LONG_INTEGER.test(found) ? `"${MARK}${found}"` : found)));
}

/** The digits of an integer of {@link exactParse}; empty for anything else. */
export function integerTextOf(value: unknown): string {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : '';
  return textOf(value).startsWith(MARK) ? textOf(value).slice(MARK.length) : '';
}

/** The JSON of what {@link exactParse} gave. */
export function exactStringify(value: unknown): string {
  return JSON.stringify(value).replace(MARKED, '$1');
}
