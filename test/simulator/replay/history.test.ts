/** What scalers may see of the past. */
import { describe, expect, test } from '@jest/globals';
import { createFluidPlant } from '../../../lib/simulator/plant/fluid/fluid.ts';
import { fixedStart } from '../../../lib/simulator/plant/plant-options.ts';
import { HISTORY_MS, plantView, sampleHistory } from '../../../lib/simulator/replay/history.ts';
import type { History } from '../../../lib/simulator/replay/history.ts';
import { TICK_MS, groundOfLoad, sampleAt } from './support.ts';

/** Samples that end at 5 s, 10 s, … */
function historyOf(count: number): History {
  const history = sampleHistory(TICK_MS);
  for (let tick = 1; tick <= count; tick++) history.add(sampleAt(tick * TICK_MS, { queued: tick }));
  return history;
}

const ends = (history: History, fromMs: number, toMs: number): number[] =>
  history.samplesBetween(fromMs, toMs).map((sample) => sample.atMs);

describe('sampleAt', () => {
  test('is the newest sample that had ended by then', () => {
    const history = historyOf(4);
    expect(history.sampleAt(20_000)?.queued).toBe(4);
    expect(history.sampleAt(19_999)?.queued).toBe(3);
    expect(history.sampleAt(10_001)?.queued).toBe(2);
    expect(history.sampleAt(5_000)?.queued).toBe(1);
    expect(history.sampleAt(1e9)?.queued).toBe(4);
  });

  test('is undefined before the first sample ended', () => {
    expect(sampleHistory(TICK_MS).sampleAt(20_000)).toBeUndefined();
    expect(historyOf(4).sampleAt(4_999)).toBeUndefined();
    expect(historyOf(4).sampleAt(-60_000)).toBeUndefined();
  });

  test('reaches back as far as the history is long, and no sample is taken for a newer one', () => {
    const ticks = (3 * HISTORY_MS) / TICK_MS;
    const history = historyOf(ticks);
    const nowMs = ticks * TICK_MS;
    expect(history.sampleAt(nowMs - HISTORY_MS)?.atMs).toBe(nowMs - HISTORY_MS);
    expect(history.sampleAt(nowMs - HISTORY_MS - TICK_MS)).toBeUndefined();
  });
});

describe('samplesBetween', () => {
  test('leaves out what ended at the start and has what ended at the end, oldest first', () => {
    expect(ends(historyOf(4), 5_000, 15_000)).toEqual([10_000, 15_000]);
    expect(ends(historyOf(4), 4_999, 14_999)).toEqual([5_000, 10_000]);
  });

  test('has only what there is: from the first sample to the newest', () => {
    expect(ends(historyOf(2), -60_000, 60_000)).toEqual([5_000, 10_000]);
    expect(ends(historyOf(2), -60_000, 0)).toEqual([]);
    expect(ends(historyOf(2), 10_000, 10_000)).toEqual([]);
    expect(ends(sampleHistory(TICK_MS), 0, 60_000)).toEqual([]);
  });
});

test('plantView shows the plant as it is, and the history with the delay of who looks', () => {
  const ground = groundOfLoad([1]);
  const plant = createFluidPlant({
    level: ground.level,
    start: fixedStart(60),
    waitLimitSec: 10,
    replicas: 2,
    seed: 1,
    arrivals: [],
  });
  const history = historyOf(2);
  plant.scale(3);
  plant.advanceTo(10_000);
  const view = plantView(plant, history)(10_000);

  expect(view).toMatchObject({ nowMs: 10_000, specReplicas: 3, readyReplicas: 2 });
  expect(view.pods.map((pod) => pod.readyMs)).toEqual([0, 0, null]);
  expect(view.sampleAt(view.nowMs - 1_000)?.atMs).toBe(5_000);
  expect(view.samplesBetween(0, view.nowMs)).toHaveLength(2);
});
