/** Values of strangers in messages of ours. */

/** Longest part of a payload that a reason repeats [characters]. */
const SHOWN_LENGTH_MAX = 80;

/** A value as it may appear in a reason: at most {@link SHOWN_LENGTH_MAX} printable ASCII characters, everything else escaped. Never an object's content. */
export function show(value: unknown): string {
  if (value === undefined) return 'missing';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value === 'symbol' || typeof value === 'function') return `a ${typeof value}`;
  const text = typeof value === 'string' ? JSON.stringify(value.slice(0, SHOWN_LENGTH_MAX)) : `${value as number}`;
  const escaped = text.replaceAll(
    /[^\u0020-\u007e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return escaped.length <= SHOWN_LENGTH_MAX ? escaped : `${escaped.slice(0, SHOWN_LENGTH_MAX - 3)}...`;
}
