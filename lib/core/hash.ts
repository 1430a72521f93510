/** A pure 64-bit hash of JSON data, for decision ids: the same inputs give the same bytes in every host. Not for secrets. */

/** Canonical JSON: keys sorted at every depth, so that the order in which an object was built does not matter. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => (isRecord(inner) ? sortedRecord(inner) : inner)) ?? 'null';
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
