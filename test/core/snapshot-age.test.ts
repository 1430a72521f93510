import { expect, test } from '@jest/globals';
import { snapshotAgeMs } from '../../lib/core/snapshot-age.ts';
import { T0 } from './builders.ts';

test('snapshotAgeMs counts from what is proven, where that is earlier than the look, and is never negative', () => {
  expect(snapshotAgeMs({ atMs: T0 - 2_000 }, T0)).toBe(2_000);
  expect(snapshotAgeMs({ atMs: T0 - 2_000, asOfMs: T0 - 40_000 }, T0)).toBe(40_000);
  expect(snapshotAgeMs({ atMs: T0 - 2_000, asOfMs: T0 }, T0)).toBe(2_000);
  expect(snapshotAgeMs({ atMs: T0 + 5_000 }, T0)).toBe(0);
});
