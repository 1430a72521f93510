import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { FRACTION_DIGITS, renderJson } from '../../../lib/simulator/report/json.ts';
import type { ReplayReport } from '../../../lib/simulator/report/types.ts';
import { sampleFigures, sampleReplay, sampleReport } from './sample.ts';

/** The same content, with the keys of every object put in the other way round. */
function reversed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toReversed();
  return Object.fromEntries(entries.map(([key, item]) => [key, reversed(item)]));
}

/** A figure of this value can be read back, but for the digits that are rounded away. */
function keepsAll(value: number): boolean {
  const text = renderJson(sampleReport({ penstock: sampleFigures({ gpuHours: value }) }));
  const back = (JSON.parse(text) as ReplayReport).policies['penstock']?.gpuHours ?? Number.NaN;
  return Number.isInteger(value)
    ? back === value
    : Math.abs(back - value) <= Math.abs(value) * 0.5000001 * 10 ** (1 - FRACTION_DIGITS);
}

describe('renderJson', () => {
  test('gives the same bytes for the same report, whatever the order of its keys', () => {
    const { report } = sampleReplay({ points: 200 });
    expect(renderJson(reversed(report) as ReplayReport)).toBe(renderJson(report));
    expect(renderJson(sampleReplay({ points: 200, seed: 2 }).report)).not.toBe(renderJson(report));
  });

  test('has what is read first at the top, and the yardsticks last', () => {
    const written = JSON.parse(renderJson(sampleReplay({ points: 200 }).report)) as ReplayReport;
    expect(Object.keys(written)).toEqual(['trace', 'settings', 'seed', 'versions', 'repeat', 'policies']);
    const names = Object.keys(written.policies);
    expect([names[0], names.at(-1)]).toEqual(['penstock', 'optimum']);
    expect(names.slice(1, -1)).toEqual(names.slice(1, -1).toSorted());
  });

  test('keeps whole numbers and rounds fractions to the stated significant digits', () => {
    fc.assert(fc.property(fc.oneof(fc.maxSafeInteger(), fc.double({ min: 1e-6, max: 1e9, noNaN: true })), keepsAll));
  });

  test('one miss in a hundred million still shows in the ratio', () => {
    const text = renderJson(sampleReport({ penstock: sampleFigures({ sloAttainmentRatio: 1 - 1e-8 }) }));
    expect(text).toContain('"sloAttainmentRatio": 0.99999999,');
  });

  test('writes null for what JSON has no number for, and leaves out what there is not', () => {
    const text = renderJson(
      sampleReport({
        penstock: sampleFigures({ ratioToOptimum: Number.NaN, waitSec: { p50: 0, p99: 1, max: Infinity } }),
      }),
    );
    const own = (JSON.parse(text) as { policies: { penstock: Record<string, unknown> } }).policies.penstock;
    expect(own).toMatchObject({ ratioToOptimum: null, waitSec: { max: null } });
    expect(own).not.toHaveProperty('ttftMs');
    expect(text.endsWith('}\n')).toBe(true);
  });
});
