import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { OBSERVATIONS_MAX, memoryMetrics } from '../../lib/base/metrics.ts';

describe('memoryMetrics', () => {
  test('sums a counter over all series that contain the labels', () => {
    const metrics = memoryMetrics();
    metrics.count('steps_total', 2, { kind: 'target', outcome: 'done' });
    metrics.count('steps_total', 1, { outcome: 'dead', kind: 'target' });
    metrics.count('steps_total', 1, { kind: 'alert', outcome: 'done' });
    metrics.count('steps_total');
    expect(metrics.counter('steps_total')).toBe(5);
    expect(metrics.counter('steps_total', { kind: 'target' })).toBe(3);
    expect(metrics.counter('steps_total', { kind: 'target', outcome: 'dead' })).toBe(1);
    expect(metrics.counter('steps_total', { kind: 'nodeGroup' })).toBe(0);
    expect(metrics.counter('never_counted_total')).toBe(0);
  });

  test('takes the same labels in another order for the same series', () => {
    const metrics = memoryMetrics();
    metrics.gauge('depth', 4, { a: '1', b: '2' });
    metrics.gauge('depth', 7, { b: '2', a: '1' });
    expect(metrics.series().get('depth')).toEqual([{ labels: { a: '1', b: '2' }, value: 7 }]);
  });

  test('has no quantile of what was never observed', () => {
    expect(memoryMetrics().quantile('wait_ms', 0.5)).toBeUndefined();
  });

  test('gives the nearest rank: 50 of 1 to 100 for the half, 99 for 0.99, the ends for 0 and 1', () => {
    const metrics = memoryMetrics();
    for (let value = 100; value >= 1; value--) metrics.observe('wait_ms', value);
    expect([0, 0.5, 0.99, 1].map((ratio) => metrics.quantile('wait_ms', ratio))).toEqual([1, 50, 99, 100]);
  });

  test('a quantile is an observed value with at least that share at or below it, and fewer below the one before', () => {
    const values = fc.array(fc.integer({ min: -1_000, max: 1_000 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(values, fc.double({ min: 0.01, max: 1, noNaN: true }), (observed, ratio) => {
        const metrics = memoryMetrics();
        for (const value of observed) metrics.observe('x', value);
        const quantile = metrics.quantile('x', ratio) ?? Number.NaN;
        const atOrBelow = observed.filter((value) => value <= quantile).length;
        const below = observed.filter((value) => value < quantile).length;
        expect(observed).toContain(quantile);
        expect(atOrBelow).toBeGreaterThanOrEqual(Math.ceil(ratio * observed.length));
        expect(below).toBeLessThan(Math.ceil(ratio * observed.length));
      }),
    );
  });

  test('keeps the newest observations, at most its bound', () => {
    const metrics = memoryMetrics();
    for (let value = 0; value < OBSERVATIONS_MAX + 10; value++) metrics.observe('wait_ms', value);
    expect(metrics.quantile('wait_ms', 0)).toBe(10);
    expect(metrics.quantile('wait_ms', 1)).toBe(OBSERVATIONS_MAX + 9);
  });
});
