import { describe, expect, test } from '@jest/globals';
import { dynamo } from '../../../../lib/simulator/baselines/dynamo/dynamo.ts';
import { replicasAt, runToyPlant, toyOptions } from '../../../support/toy-plant.ts';

const byThresholds = { ...toyOptions, tuning: { byThresholds: 1 } };

describe('dynamo', () => {
  test('the forecast of the requests is a floor from the first interval of 180 s on', () => {
    const run = runToyPlant(dynamo.create(toyOptions), { ratePerSec: () => 30, untilMs: 600_000 });
    // 30 per second at 0.8 of 10.
    expect(replicasAt(run, 600_000)).toBe(4);
  });

  test('beyond the floor adds one worker while prompts wait, and takes it away when the rest has room', () => {
    const load = { ratePerSec: (atMs: number) => (atMs >= 200_000 && atMs < 260_000 ? 60 : 12), untilMs: 1_200_000 };
    const run = runToyPlant(dynamo.create(toyOptions), load);
    expect(replicasAt(run, 215_000)).toBe(3);
    expect(replicasAt(run, 1_200_000)).toBe(2);
  });

  test('by thresholds adds one worker at a time and waits for it, then takes one every 5 s', () => {
    const load = { ratePerSec: (atMs: number) => (atMs < 600_000 || atMs >= 2_400_000 ? 12 : 60), untilMs: 2_600_000 };
    const run = runToyPlant(dynamo.create(byThresholds), load);
    const growth = run.filter(({ atMs }) => atMs >= 600_000 && atMs < 2_400_000);
    growth.slice(1).forEach((entry, index) => {
      expect(entry.replicas - (growth[index]?.replicas ?? 0)).toBe(1);
      expect(entry.atMs - (growth[index]?.atMs ?? 0)).toBeGreaterThanOrEqual(60_000);
    });
    expect(replicasAt(run, 2_390_000)).toBeGreaterThanOrEqual(8);
    expect(replicasAt(run, 2_460_000)).toBeLessThanOrEqual(3);
  });

  test('never leaves its bounds, and never goes to zero', () => {
    const options = { ...toyOptions, replicas: { min: 0, max: 4 } };
    const run = runToyPlant(dynamo.create(options), {
      ratePerSec: (atMs) => (atMs < 900_000 ? 80 : 0),
      untilMs: 4_000_000,
    });
    expect(Math.max(...run.map(({ replicas }) => replicas))).toBe(4);
    expect(run.at(-1)?.replicas).toBe(1);
  });

  test('a fleet whose memory is unknown is measured by its slots', () => {
    const { kvTokens: _unknown, ...capacity } = toyOptions.capacity;
    const run = runToyPlant(dynamo.create({ ...byThresholds, capacity }), { ratePerSec: () => 60, untilMs: 900_000 });
    expect(run.at(-1)?.replicas).toBeGreaterThan(5);
  });
});
