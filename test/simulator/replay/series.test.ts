import { expect, test } from '@jest/globals';
import type { Prepared } from '../../../lib/simulator/replay/prepare.ts';
import { prepare } from '../../../lib/simulator/replay/prepare.ts';
import { seriesOf } from '../../../lib/simulator/replay/series.ts';
import { runOptions, waveCsv, withFiles } from './support.ts';

const prepared = (minutes: number, warmupSec: number): Promise<Prepared> =>
  withFiles({ 'wave.csv': waveCsv(minutes) }, (path) => prepare(runOptions(path('wave.csv'), { warmupSec })));

test('seriesOf leaves the warm-up out and begins where it ends', async () => {
  const ground = await prepared(10, 60);
  const ready = Float64Array.from({ length: 120 }, (_, tick) => tick);
  const series = seriesOf(ground, { penstock: { ready, misses: new Float64Array(120).fill(1) } });

  expect(series).toMatchObject({ fromSec: 60, stepSec: 5 });
  expect(series.load).toHaveLength(108);
  expect(series.policies['penstock']?.ready[0]).toBe(12);
  expect(series.policies['penstock']?.misses.reduce((sum, misses) => sum + misses, 0)).toBe(108);
});

test('seriesOf thins a long run out: means of levels, sums of misses, and nothing is lost at the end', async () => {
  const ground = await prepared(400, 0);
  const { count } = ground.ticks;
  const series = seriesOf(ground, {
    hpa: { ready: Float64Array.from({ length: count }, (_, tick) => tick), misses: new Float64Array(count).fill(1) },
  });

  expect(count).toBe(4_800);
  expect(series.stepSec).toBe(15);
  expect(series.load).toHaveLength(1_600);
  expect(series.policies['hpa']?.ready.slice(0, 2)).toEqual([1, 4]);
  expect(series.policies['hpa']?.misses.reduce((sum, misses) => sum + misses, 0)).toBe(4_800);
  const work = ground.ticks.workReplicaSec.reduce((sum, each) => sum + each, 0);
  expect(series.load.reduce((sum, load) => sum + load * 15, 0)).toBeCloseTo(work, -1);
});
