import { expect, test } from '@jest/globals';
import { staticFleet } from '../../../lib/simulator/baselines/static.ts';
import { toyOptions, viewOf } from '../../support/toy-plant.ts';

const view = viewOf({ nowMs: 0, pods: [], samples: [] });

test('the static fleet carries the peak of the history, rounded up, within its bounds', () => {
  expect(staticFleet.create({ ...toyOptions, historyPeakPerSec: 61 }).decide(view)).toBe(7);
  expect(staticFleet.create({ ...toyOptions, historyPeakPerSec: 0 }).decide(view)).toBe(1);
  expect(staticFleet.create({ ...toyOptions, historyPeakPerSec: 1000 }).decide(view)).toBe(20);
});

test('tuned headroom scales it', () => {
  const tuned = { ...toyOptions, historyPeakPerSec: 60, tuning: { headroomRatio: 1.25 } };
  expect(staticFleet.create(tuned).decide(view)).toBe(8);
});
