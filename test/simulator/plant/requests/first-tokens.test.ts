/** What a model server says of its first tokens. */
import { expect, test } from '@jest/globals';
import {
  createFirstTokens,
  FIRST_TOKEN_BOUNDS_MS,
  firstTokensOfBoth,
} from '../../../../lib/simulator/plant/requests/first-tokens.ts';
import { OVERHEAD_MS } from '../../../../lib/simulator/plant/requests/first-tokens.ts';

const countOf = (ttftMs: number, counts: readonly number[]): number =>
  counts[FIRST_TOKEN_BOUNDS_MS.findIndex((bound) => ttftMs <= bound)] ?? 0;

test('each first token is counted once, with the overhead, up to its bound and at it', () => {
  const tokens = createFirstTokens();
  for (const ms of [100 - OVERHEAD_MS, 101 - OVERHEAD_MS, 9_999_999]) tokens.add({ arrivalMs: 1_000 }, 1_000 + ms);
  const { bounds, counts } = tokens.take();
  expect(counts).toHaveLength(bounds.length + 1);
  expect([countOf(100, counts), countOf(101, counts), counts.at(-1)]).toEqual([1, 1, 1]);
  expect(tokens.take().counts.every((count) => count === 0)).toBe(true);
});

test('those of the parts of a tick add up', () => {
  const tokens = createFirstTokens();
  tokens.add({ arrivalMs: 0 }, 5);
  const [one, none] = [tokens.take(), tokens.take()];
  expect(firstTokensOfBoth(one, one)?.counts.reduce((sum, count) => sum + count)).toBe(2);
  expect(firstTokensOfBoth(none, one)).toEqual(one);
  expect(firstTokensOfBoth(undefined, one)).toBe(one);
  expect(firstTokensOfBoth(undefined, undefined)).toBeUndefined();
});
