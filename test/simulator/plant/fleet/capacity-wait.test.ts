import { describe, expect, test } from '@jest/globals';
import { seededRandom } from '../../../../lib/base/random.ts';
import { CUT_SEC, drawCapacityWaitSec } from '../../../../lib/simulator/plant/fleet/capacity-wait.ts';
import type { CapacityWait } from '../../../../lib/simulator/plant/fleet/capacity-wait.ts';

function quantiles(wait: CapacityWait, ratios: readonly number[]): number[] {
  const random = seededRandom(5);
  const drawn = Array.from({ length: 20_000 }, () => drawCapacityWaitSec(random, wait)).toSorted((a, b) => a - b);
  return ratios.map((ratio) => drawn[Math.floor(ratio * (drawn.length - 1))] ?? Number.NaN);
}

describe('drawCapacityWaitSec', () => {
  test('recorded: half at once, and the published quantiles', () => {
    const [p25 = 1, p50 = 1, p75 = 0, p90 = 0, p95 = 0, max = 0] = quantiles(
      { kind: 'recorded', cutSec: null },
      [0.25, 0.5, 0.75, 0.9, 0.95, 1],
    );
    expect(p25).toBe(0);
    expect(p50).toBeLessThan(2);
    expect(p75 / 42).toBeCloseTo(1, 1);
    expect(p90 / 116).toBeCloseTo(1, 1);
    expect(p95 / 370).toBeCloseTo(1, 0);
    expect(max).toBe(9_764);
  });

  test('recorded and cut: nothing above half an hour, the rest the same', () => {
    const [p90, max] = quantiles({ kind: 'recorded', cutSec: CUT_SEC }, [0.9, 1]);
    expect(max).toBe(1_800);
    expect(p90).toBe(quantiles({ kind: 'recorded', cutSec: null }, [0.9])[0]);
  });

  test.each([
    [60, 300],
    [0, 300],
    [30, 30],
  ])('quantiles %d/%d come out', (p50Sec, p95Sec) => {
    const [p50 = -1, p95 = -1] = quantiles({ kind: 'quantiles', p50Sec, p95Sec }, [0.5, 0.95]);
    expect(Math.abs(p50 - p50Sec)).toBeLessThanOrEqual(0.04 * p95Sec);
    expect(p95 / p95Sec).toBeGreaterThan(0.94);
    expect(p95 / p95Sec).toBeLessThan(1.06);
  });

  test('0/0 is no wait', () => {
    expect(quantiles({ kind: 'quantiles', p50Sec: 0, p95Sec: 0 }, [1])).toEqual([0]);
  });
});
