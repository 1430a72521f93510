import { describe, expect, test } from '@jest/globals';
import { wva } from '../../../../lib/simulator/baselines/wva/wva.ts';
import { replicasAt, runToyPlant, toyOptions } from '../../../support/toy-plant.ts';

const load = {
  ratePerSec: (atMs: number) => (atMs < 600_000 || atMs >= 2_400_000 ? 12 : 60),
  untilMs: 3_600_000,
};

/** As WVA has them by default: here a replica's slots are few and fill evenly. */
const options = {
  ...toyOptions,
  tuning: { scaleUpThreshold: 0.85, scaleDownBoundary: 0.7, downStabilizationSec: 240 },
};

describe('wva', () => {
  test('its wish reaches the Deployment after a scrape and a sync, at most twofold in 15 s', () => {
    const run = runToyPlant(wva.create(options), load);
    expect(replicasAt(run, 600_000)).toBe(2);
    const first = run.find(({ atMs }) => atMs > 600_000);
    expect(first?.atMs).toBeLessThanOrEqual(670_000);
    expect(first?.replicas).toBeLessThanOrEqual(4);
    expect(replicasAt(run, 700_000)).toBeGreaterThanOrEqual(6);
  });

  test('settles above the load and shrinks 240 s after it fell', () => {
    const run = runToyPlant(wva.create(options), load);
    expect(replicasAt(run, 2_390_000)).toBeGreaterThanOrEqual(6);
    expect(replicasAt(run, 2_630_000)).toBe(replicasAt(run, 2_390_000));
    expect(replicasAt(run, 2_760_000)).toBeLessThanOrEqual(3);
  });

  test('the seed moves the phases of its stages, and nothing else is random', () => {
    const runs = [1, 2, 3, 4, 5].map((seed) => runToyPlant(wva.create({ ...options, seed }), load));
    expect(runToyPlant(wva.create({ ...options, seed: 1 }), load)).toEqual(runs[0]);
    const starts = runs.map((run) => run.find(({ atMs }) => atMs > 600_000)?.atMs);
    expect(new Set(starts).size).toBeGreaterThan(1);
  });
});
