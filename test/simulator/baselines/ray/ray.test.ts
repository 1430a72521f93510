import { describe, expect, test } from '@jest/globals';
import { ray } from '../../../../lib/simulator/baselines/ray/ray.ts';
import { replicasAt, runToyPlant, toyOptions } from '../../../support/toy-plant.ts';

const stepAt = (upMs: number, downMs: number) => (atMs: number) => (atMs < upMs || atMs >= downMs ? 12 : 60);
const quietAt = (fromMs: number, toMs: number) => (atMs: number) => (atMs < fromMs || atMs > toMs ? 12 : 0);

describe('ray', () => {
  test('grows 30 s after the load did, and shrinks 600 s after it fell', () => {
    const tuning = { targetRatio: 0.75, upscalingFactor: 1, downscalingFactor: 1 };
    const run = runToyPlant(ray.create({ ...toyOptions, tuning }), {
      ratePerSec: stepAt(600_000, 2_400_000),
      untilMs: 4_000_000,
    });
    expect(replicasAt(run, 625_000)).toBe(2);
    expect(replicasAt(run, 650_000)).toBeGreaterThanOrEqual(8);
    // Settled at 60 requests over a target of 7.5.
    expect(replicasAt(run, 2_400_000)).toBe(8);
    expect(replicasAt(run, 2_990_000)).toBe(8);
    expect(replicasAt(run, 3_100_000)).toBe(2);
  });

  test('tuned delays and targets win over the recommended ones', () => {
    const tuned = ray.create({ ...toyOptions, tuning: { upscaleDelaySec: 0, targetRatio: 0.5 } });
    const run = runToyPlant(tuned, { ratePerSec: stepAt(600_000, 9e9), untilMs: 3_000_000 });
    expect(replicasAt(run, 610_000)).toBeGreaterThan(2);
    expect(replicasAt(run, 3_000_000)).toBeGreaterThanOrEqual(12);
  });

  test('goes to zero when idle for 600 s, and wakes from it', () => {
    const options = { ...toyOptions, replicas: { min: 0, max: 20 } };
    const run = runToyPlant(ray.create(options), { ratePerSec: quietAt(100_000, 2_000_000), untilMs: 2_400_000 });
    expect(replicasAt(run, 2_000_000)).toBe(0);
    expect(replicasAt(run, 2_030_000)).toBeGreaterThan(0);
  });
});
