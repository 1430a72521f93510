import { describe, expect, test } from '@jest/globals';
import { parseMetrics, quantileOf, sumOf } from '../../../lib/cli/demo/processes/controller-client.ts';
import { prometheusMetrics } from '../../../lib/hosts/process/prometheus-metrics.ts';

async function linesOf(metrics: ReturnType<typeof prometheusMetrics>, name: string): Promise<string[]> {
  const text = await metrics.text();
  return text.split('\n').filter((line) => line.includes(name));
}

describe('prometheusMetrics', () => {
  test('counts, with a prefix and labels', async () => {
    const metrics = prometheusMetrics();
    metrics.count('steps_total', 2, { kind: 'target' });
    metrics.count('steps_total', 1, { kind: 'alert' });
    metrics.count('steps_total', 1, { kind: 'target' });
    expect(await linesOf(metrics, 'penstock_steps_total')).toEqual([
      '# HELP penstock_steps_total steps total',
      '# TYPE penstock_steps_total counter',
      'penstock_steps_total{kind="target"} 3',
      'penstock_steps_total{kind="alert"} 1',
    ]);
  });

  test('sets gauges', async () => {
    const metrics = prometheusMetrics();
    metrics.gauge('depth', 4);
    metrics.gauge('depth', 7);
    expect(await linesOf(metrics, 'penstock_depth ')).toContain('penstock_depth 7');
  });

  test('takes labels that came later for what they are not, and keeps the count', async () => {
    const metrics = prometheusMetrics();
    metrics.count('steps_total', 1, { kind: 'target' });
    metrics.count('steps_total', 1, { kind: 'target', lane: 'actions' });
    metrics.count('steps_total', 1);
    expect((await linesOf(metrics, 'penstock_steps_total{')).toSorted()).toEqual([
      'penstock_steps_total{kind=""} 1',
      'penstock_steps_total{kind="target"} 2',
    ]);
  });

  test('escapes label values', async () => {
    const metrics = prometheusMetrics();
    metrics.count('x_total', 1, { reason: 'a "quote"\nand a line' });
    expect(await linesOf(metrics, 'penstock_x_total{')).toEqual([
      String.raw`penstock_x_total{reason="a \"quote\"\nand a line"} 1`,
    ]);
  });

  test('a counter that is counted by zero shows as zero', async () => {
    const metrics = prometheusMetrics();
    metrics.count('x_total', 0);
    expect(await linesOf(metrics, 'penstock_x_total 0')).toHaveLength(1);
  });

  test.each([Number.NaN, Infinity, -1])('a count by %d is left out rather than thrown into the loop', async (by) => {
    const metrics = prometheusMetrics();
    metrics.count('x_total', 5);
    expect(() => metrics.count('x_total', by)).not.toThrow();
    expect(await linesOf(metrics, 'penstock_x_total 5')).toHaveLength(1);
  });

  test('observations that are no number are left out', async () => {
    const metrics = prometheusMetrics();
    metrics.observe('wait_ms', 5);
    expect(() => metrics.observe('wait_ms', Number.NaN)).not.toThrow();
    expect(await linesOf(metrics, 'penstock_wait_ms_sum 5')).toHaveLength(1);
  });

  test('a reader finds sums and quantiles again', async () => {
    const metrics = prometheusMetrics();
    for (let ms = 1; ms <= 100; ms++) metrics.observe('event_to_patch_ms', ms);
    metrics.count('decisions_total', 3, { pool: 'a' });
    metrics.count('decisions_total', 4, { pool: 'b' });
    const read = parseMetrics(await metrics.text());
    expect(sumOf(read, 'penstock_decisions_total')).toBe(7);
    expect(sumOf(read, 'penstock_event_to_patch_ms_count')).toBe(100);
    expect(quantileOf(read, 'penstock_event_to_patch_ms', 0.5)).toBeCloseTo(50, -1);
    expect(quantileOf(read, 'penstock_event_to_patch_ms', 0.99)).toBeCloseTo(99, -1);
    expect(quantileOf(read, 'penstock_never_observed_ms', 0.5)).toBeUndefined();
  });

  test('two of them share nothing', async () => {
    const [one, two] = [prometheusMetrics(), prometheusMetrics()];
    one.count('x_total');
    expect(await linesOf(two, 'penstock_x_total')).toEqual([]);
  });

  test('reports the process itself, too', async () => {
    expect(await linesOf(prometheusMetrics(), 'process_resident_memory_bytes ')).not.toEqual([]);
  });
});
