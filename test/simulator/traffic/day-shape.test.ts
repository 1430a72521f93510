import { describe, expect, test } from '@jest/globals';
import { batchDay, burstDay, officeDay } from '../../../lib/simulator/traffic/day-shape.ts';
import type { DayShape } from '../../../lib/simulator/traffic/day-shape.ts';

const STEP_HOURS = 0.01;
const HOURS = Array.from({ length: 24 / STEP_HOURS }, (_, index) => index * STEP_HOURS);

const SHAPES: readonly (readonly [string, DayShape])[] = [
  ['officeDay', officeDay(40)],
  ['burstDay', burstDay({ basePerSec: 2, burstFactor: 5, fromHour: 13, hours: 3 })],
  ['batchDay', batchDay(8)],
];

/** Hour of the largest value between two hours. */
function peakHour(shape: DayShape, fromHour: number, toHour: number): number {
  const between = HOURS.filter((hour) => hour >= fromHour && hour < toHour);
  return between.reduce((best, hour) => (shape(hour) > shape(best) ? hour : best), fromHour);
}

describe.each(SHAPES)('%s', (_name, shape) => {
  const values = HOURS.map(shape);
  const top = Math.max(...values);

  test('is never negative, and finite', () => {
    expect(values.every((value) => value >= 0 && Number.isFinite(value))).toBe(true);
  });

  test('has no jumps: in 36 s of the day it moves by less than a tenth of its peak, also over midnight', () => {
    const moves = values.map((value, index) => Math.abs(value - (values[(index + 1) % values.length] ?? 0)));
    expect(Math.max(...moves)).toBeLessThan(top / 10);
  });
});

describe('officeDay', () => {
  const shape = officeDay(40);

  test('peaks in the afternoon at what it was asked for, within a percent', () => {
    expect(peakHour(shape, 0, 24)).toBeCloseTo(15.5, 0);
    expect(shape(peakHour(shape, 0, 24)) / 40).toBeCloseTo(1, 1);
    expect(Math.abs(shape(peakHour(shape, 0, 24)) / 40 - 1)).toBeLessThan(0.01);
  });

  test('is quiet at night, and dips at lunch between two peaks', () => {
    expect(shape(3)).toBeLessThan(0.15 * 40);
    const morning = peakHour(shape, 8, 12);
    expect(shape(13)).toBeLessThan(0.85 * shape(morning));
    expect(shape(13)).toBeLessThan(0.85 * shape(15.5));
  });

  test('grows with its peak in proportion', () => {
    for (const hour of [0, 7, 13, 15.5, 23.9]) expect(officeDay(80)(hour)).toBeCloseTo(2 * shape(hour), 9);
  });
});

describe('burstDay', () => {
  const options = { basePerSec: 2, burstFactor: 5, fromHour: 13, hours: 3 };
  const shape = burstDay(options);
  const calm = burstDay({ ...options, burstFactor: 1 });

  test('is so many times its calm course inside the burst, and its calm course outside', () => {
    for (const hour of HOURS) {
      const factor = shape(hour) / calm(hour);
      if (hour < 13 || hour >= 16) expect(factor).toBeCloseTo(1, 9);
      else if (hour > 13.2 && hour < 15.8) expect(factor).toBeCloseTo(5, 9);
      else expect(factor).toBeLessThanOrEqual(5 + 1e-9);
    }
  });

  test('comes suddenly: from calm to five times as much in ten minutes of the day', () => {
    expect(shape(13 + 1 / 6) / shape(13)).toBeGreaterThan(4.9);
  });

  test('stays near its base without the burst', () => {
    const values = HOURS.map(calm);
    expect(Math.min(...values)).toBeGreaterThan(0.79 * 2);
    expect(Math.max(...values)).toBeLessThan(1.16 * 2);
  });
});

describe('batchDay', () => {
  const shape = batchDay(8);

  test('has two runs, the second one smaller, and nothing at all in between', () => {
    expect([shape(6), shape(18)].map((value) => Math.round(value * 10) / 10)).toEqual([8, 5.6]);
    for (const hour of [0, 4.99, 8.5, 12, 16.99, 19.5, 23.9]) expect(shape(hour)).toBe(0);
  });
});
