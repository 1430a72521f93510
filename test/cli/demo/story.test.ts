import { expect, test } from '@jest/globals';
import { FIRST_HOUR, HOURS, STOCK_OUT, models } from '../../../lib/cli/demo/scene.ts';
import { chapterAt } from '../../../lib/cli/demo/story.ts';

const hours = Array.from({ length: HOURS * 10 }, (_, index) => FIRST_HOUR + index / 10);

test('there is something to tell at every hour of the day, in two lines of 80 columns', () => {
  for (const hour of hours) {
    expect(chapterAt(hour)).not.toBe('');
    // Each line has four columns of its own, and may end a word early.
    expect(chapterAt(hour).length).toBeLessThanOrEqual(2 * 76 - 16);
  }
});

test('the shortage is told while there is one, and no longer', () => {
  const told = hours.filter((hour) => chapterAt(hour).includes('runs out of machines'));
  expect(told.length).toBeGreaterThan(0);
  expect(told.every((hour) => hour >= STOCK_OUT.fromHour && hour < STOCK_OUT.toHour)).toBe(true);
});

test('every model and group that is named is one of the scene', () => {
  const named = new Set(hours.flatMap((hour) => chapterAt(hour).match(/[a-z0-9]+-[a-z0-9-]+/g) ?? []));
  const known = [...models.map(({ name }) => name), STOCK_OUT.group, 'p5-od'];
  expect([...named].filter((name) => !known.includes(name))).toEqual([]);
});
