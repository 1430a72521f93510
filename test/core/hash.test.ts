/** Published vectors of FNV-1a 64, and canonical JSON. */
import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { canonicalJson, fnv1a64Hex, jsonHashHex } from '../../lib/core/hash.ts';

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

const key = fc.oneof(fc.string(), fc.nat().map(String), fc.constantFrom('__proto__', 'toJSON', ''));
const anything = fc.anything({
  key,
  withDate: true,
  withNullPrototype: true,
  withSparseArray: true,
  withBoxedValues: true,
});

test('canonicalJson is the text JSON.stringify gives for sorted records, whatever is in them', () => {
  fc.assert(
    fc.property(anything, (value) => expect(canonicalJson(value)).toBe(JSON.stringify(value, sorted) ?? 'null')),
    { numRuns: 2_000 },
  );
});

test('jsonHashHex keeps its bytes: ids of old decisions stay theirs', () => {
  expect(jsonHashHex(null)).toBe('1e7ee0eacb64ce91');
  expect(jsonHashHex({ at: 1_763_920_800_000, load: [0.5, -0, 3], text: 'vier', none: null, off: false })).toBe(
    '393e107cad33126f',
  );
});

test('jsonHashHex is the same for the same JSON, however it was built', () => {
  fc.assert(
    fc.property(anything, (value) => expect(jsonHashHex(value)).toBe(jsonHashHex(JSON.parse(canonicalJson(value))))),
    { numRuns: 500 },
  );
});

test('jsonHashHex differs where the JSON differs', () => {
  fc.assert(
    fc.property(anything, anything, (one, other) => {
      expect(jsonHashHex(one) === jsonHashHex(other)).toBe(canonicalJson(one) === canonicalJson(other));
    }),
    { numRuns: 500 },
  );
  const values: unknown[] = [
    [],
    {},
    '',
    [[]],
    [null],
    [null, null],
    { a: null },
    '0',
    0,
    [0],
    [-1],
    [1],
    ['a', 'b'],
    ['ab', ''],
  ];
  for (let index = 0; index < 2_000; index++) {
    values.push([index + 0.5, -index - 0.5], [-index - 0.5, index + 0.5], index * 2 ** 33, `r${index}`, [index, 7]);
  }
  expect(new Set(values.map(jsonHashHex)).size).toBe(new Set(values.map(canonicalJson)).size);
});
