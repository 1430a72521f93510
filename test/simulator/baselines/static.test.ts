import { expect, test } from '@jest/globals';
import { aibrix } from '../../../lib/simulator/baselines/aibrix.ts';
import { dynamo } from '../../../lib/simulator/baselines/dynamo.ts';
import { ray } from '../../../lib/simulator/baselines/ray.ts';
import { staticFleet } from '../../../lib/simulator/baselines/static.ts';
import { wva } from '../../../lib/simulator/baselines/wva.ts';
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

test.each([aibrix, dynamo, ray, staticFleet, wva])(
  '$name takes every value of its grid, and no other name',
  (factory) => {
    for (const [setting, values] of Object.entries(factory.grid)) {
      for (const value of values)
        expect(() => factory.create({ ...toyOptions, tuning: { [setting]: value } })).not.toThrow();
    }
    expect(() => factory.create({ ...toyOptions, tuning: { unheardOf: 1 } })).toThrow(/unheardOf/);
  },
);
