import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { createAgenda } from '../../../../lib/simulator/world/state/agenda.ts';

test('createAgenda gives events by time, and in planning order at the same time', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (times) => {
      const agenda = createAgenda();
      const ran: number[] = [];
      times.forEach((atMs, index) => agenda.plan(atMs, () => void ran.push(index)));
      for (let due = agenda.takeDue(20); due !== undefined; due = agenda.takeDue(20)) due.run();
      const expected = times.map((_, index) => index).toSorted((a, b) => (times[a] ?? 0) - (times[b] ?? 0) || a - b);
      expect(ran).toEqual(expected);
      expect(agenda.nextMs()).toBeUndefined();
    }),
  );
});

test('createAgenda keeps what is not due', () => {
  const agenda = createAgenda();
  agenda.plan(10, () => {});
  expect(agenda.takeDue(9.99)).toBeUndefined();
  expect(agenda.nextMs()).toBe(10);
});
