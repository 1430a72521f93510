/** Published vectors of FNV-1a 64, and canonical JSON. */
import { expect, test } from '@jest/globals';
import { canonicalJson, fnv1a64Hex } from '../../lib/core/hash.ts';

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
