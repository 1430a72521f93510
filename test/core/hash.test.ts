/** Published vectors of FNV-1a 64, and canonical JSON. */
import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { canonicalJson, fnv1a64Hex } from '../../lib/core/hash.ts';

const sorted = (_key: string, inner: unknown): unknown =>
  typeof inner === 'object' && inner !== null && !Array.isArray(inner)
    ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
    : inner;

test('fnv1a64Hex gives the published values', () => {
  expect(fnv1a64Hex('')).toBe('cbf29ce484222325');
  expect(fnv1a64Hex('a')).toBe('af63dc4c8601ec8c');
  expect(fnv1a64Hex('foobar')).toBe('85944171f73967e8');
});

test('canonicalJson does not depend on the order of keys, and does on the order of lists', () => {
  expect(canonicalJson({ b: 1, a: { d: [1, { z: 1, y: 2 }], c: null } })).toBe(
    '{"a":{"c":null,"d":[1,{"y":2,"z":1}]},"b":1}',
  );
  expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]));
});

test('canonicalJson is the text JSON.stringify gives for sorted records, whatever is in them', () => {
  const key = fc.oneof(fc.string(), fc.nat().map(String), fc.constantFrom('__proto__', 'toJSON', ''));
  const anything = fc.anything({
    key,
    withDate: true,
    withNullPrototype: true,
    withSparseArray: true,
    withBoxedValues: true,
  });
  fc.assert(
    fc.property(anything, (value) => expect(canonicalJson(value)).toBe(JSON.stringify(value, sorted) ?? 'null')),
    { numRuns: 2_000 },
  );
});
