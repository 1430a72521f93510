import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { count, duration, figure, listed, percent } from '../../lib/core/format.ts';

describe('figure', () => {
  test.each([
    [0, '0'],
    [-0, '0'],
    [0.012345, '0.0123'],
    [0.9999, '1'],
    [1, '1'],
    [6.4, '6.4'],
    [-6.404, '-6.4'],
    [9.996, '10'],
    [99.96, '100'],
    [411.5, '412'],
    [999.6, '1000'],
    [24_210.4, '24210'],
    [Number.NaN, 'unknown'],
    [Infinity, 'unknown'],
  ])('%p is written %p', (value, text) => {
    expect(figure(value)).toBe(text);
  });

  test('below 1 it is what toPrecision says, also halfway between two figures', () => {
    const thousandths = fc.nat(20_000).map((n) => n / 20_000);
    fc.assert(
      fc.property(fc.oneof(thousandths, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })), (value) => {
        if (value < 1) expect(figure(value)).toBe(String(Number(value.toPrecision(3))));
      }),
      { numRuns: 2_000 },
    );
  });

  test('is off by half of the third digit at most, and as short as that', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 999, noNaN: true }), (value) => {
        const shown = Number(figure(value));
        expect(Math.abs(shown - value)).toBeLessThanOrEqual(10 ** (Math.floor(Math.log10(value)) - 2) * 0.500001);
        expect(figure(value)).toBe(String(Number(shown.toPrecision(3))));
      }),
      { numRuns: 2_000 },
    );
  });
});

test('count, duration, percent and listed', () => {
  expect([count(1, 'replica'), count(6.4, 'replica')]).toEqual(['1 replica', '6.4 replicas']);
  expect([900, 9_960, 45_000, 720_000, 12_600_000].map(duration)).toEqual(['0.9 s', '10 s', '45 s', '12 min', '3.5 h']);
  expect([percent(0.999), percent(1), percent(0.6)]).toEqual(['99 %', '100 %', '60 %']);
  expect([listed([]), listed(['a']), listed(['a', 'b', 'c'])]).toEqual(['', 'a', 'a, b and c']);
});
