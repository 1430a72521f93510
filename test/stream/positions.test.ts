import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { choosePosition } from '../../lib/stream/positions.ts';

const range = { low: 10, high: 20 };

describe('choosePosition', () => {
  test('takes the wish before the commit, and the commit before the lookback', () => {
    expect(choosePosition({ wanted: 12, committed: 15, range, lookback: 18 }).offset).toBe(12);
    expect(choosePosition({ wanted: undefined, committed: 15, range, lookback: 18 }).offset).toBe(15);
    expect(choosePosition({ wanted: undefined, committed: undefined, range, lookback: 18 })).toEqual({
      offset: 18,
      skipped: null,
    });
  });

  test('an owner that forgot begins at the lookback, or at a commit before it', () => {
    const wanted = 'lookback';
    expect(choosePosition({ wanted, committed: undefined, range, lookback: 13 })).toEqual({
      offset: 13,
      skipped: null,
    });
    expect(choosePosition({ wanted, committed: 18, range, lookback: 13 })).toEqual({ offset: 13, skipped: null });
    expect(choosePosition({ wanted, committed: 11, range, lookback: 13 })).toEqual({ offset: 11, skipped: null });
    expect(choosePosition({ wanted, committed: 25, range, lookback: 13 })).toEqual({ offset: 13, skipped: null });
    expect(choosePosition({ wanted, committed: 4, range, lookback: 13 })).toEqual({
      offset: 10,
      skipped: { fromOffset: 4, toOffset: 9, reason: 'expired' },
    });
  });

  test('the end itself is a place to begin', () => {
    expect(choosePosition({ wanted: 20, committed: undefined, range, lookback: 10 })).toEqual({
      offset: 20,
      skipped: null,
    });
  });

  test('says what expired', () => {
    expect(choosePosition({ wanted: 4, committed: 15, range, lookback: 18 })).toEqual({
      offset: 10,
      skipped: { fromOffset: 4, toOffset: 9, reason: 'expired' },
    });
  });

  test('reads the lookback when the log ends earlier than expected', () => {
    expect(choosePosition({ wanted: undefined, committed: 25, range, lookback: 13 })).toEqual({
      offset: 13,
      skipped: { fromOffset: 20, toOffset: 24, reason: 'vanished' },
    });
  });

  test('always begins inside the log', () => {
    const offset = fc.integer({ min: 0, max: 100 });
    fc.assert(
      fc.property(fc.option(offset), fc.option(offset), offset, offset, offset, (wanted, committed, a, b, c) => {
        const [low = 0, lookback = 0, high = 0] = [a, b, c].toSorted((x, y) => x - y);
        const inputs = {
          wanted: wanted ?? undefined,
          committed: committed ?? undefined,
          range: { low, high },
          lookback,
        };
        const position = choosePosition(inputs);
        expect(position.offset).toBeGreaterThanOrEqual(low);
        expect(position.offset).toBeLessThanOrEqual(high);
        const begin = wanted ?? committed ?? lookback;
        expect(position.skipped === null).toBe(begin >= low && begin <= high);
      }),
    );
  });
});
