import { describe, expect, test } from '@jest/globals';
import { makeLinearWindow } from '../../../../lib/simulator/baselines/knative/windows-linear.ts';
import { makeWeightedWindow } from '../../../../lib/simulator/baselines/knative/windows-weighted.ts';
import { expectNear, testVectors } from '../../../support/vectors.ts';

type Config = {
  readonly aggregationAlgorithm: 'linear' | 'weightedExponential';
  readonly clockStartUnixMs: number;
  readonly granularityMs: number;
  readonly windowMs: number;
};
type Input =
  | { readonly op: 'record'; readonly sampleTMs: number; readonly value: number }
  | { readonly op: 'resize'; readonly windowMs: number }
  | { readonly op: 'average' };
type Expected = { readonly windowAverage: number | null; readonly isEmpty: boolean | null };

testVectors<Config, Input, Expected>('knativeWindows', ({ config, steps }) => {
  const isLinear = config.aggregationAlgorithm === 'linear';
  const lengths = { windowMs: config.windowMs, bucketMs: config.granularityMs };
  const window = isLinear ? makeLinearWindow(lengths) : makeWeightedWindow(lengths);
  for (const { tMs, input, expect: expected } of steps) {
    const nowMs = config.clockStartUnixMs + tMs;
    if (input.op === 'record') window.record(input.value, config.clockStartUnixMs + input.sampleTMs);
    else if (input.op === 'resize') window.resize(input.windowMs, nowMs);
    else {
      const where = `average at ${tMs} ms`;
      expectNear(window.average(nowMs), expected.windowAverage, { where, ratio: isLinear ? 1e-5 : 1e-9 });
      expect({ tMs, isEmpty: window.isEmpty(nowMs) }).toEqual({ tMs, isEmpty: expected.isEmpty });
    }
  }
});

describe('makeLinearWindow', () => {
  test('averages what a young window has, counts gaps as 0 and leaves out silence at its end', () => {
    const window = makeLinearWindow({ windowMs: 6000, bucketMs: 1000 });
    window.record(10, 1000);
    window.record(20, 2000);
    expect(window.average(2000)).toBe(15);
    window.record(30, 4000);
    expect(window.average(4000)).toBe(15);
    expect(window.average(9000)).toBe(30);
  });

  test('is a valid 0 after exactly one window of silence, and empty after more', () => {
    const window = makeLinearWindow({ windowMs: 6000, bucketMs: 1000 });
    expect(window.isEmpty(0)).toBe(true);
    window.record(10, 1000);
    expect([window.average(7000), window.isEmpty(7000), window.isEmpty(8000)]).toEqual([0, false, true]);
  });

  test('adds late values to their bucket and drops those before the window', () => {
    const window = makeLinearWindow({ windowMs: 6000, bucketMs: 1000 });
    window.record(10, 10_000);
    window.record(20, 9000);
    window.record(99, 4000);
    expect(window.average(10_000)).toBe(15);
  });
});

test('makeWeightedWindow weighs newer buckets more', () => {
  const window = makeWeightedWindow({ windowMs: 60_000, bucketMs: 1000 });
  window.record(10, 1000);
  window.record(20, 2000);
  expect(window.average(2000)).toBeCloseTo(20 * 0.2 + 10 * 0.16, 12);
});
