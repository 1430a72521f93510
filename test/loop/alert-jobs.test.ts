import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { alertJobs } from '../../lib/loop/alert-jobs.ts';
import { anAlert } from '../alert-hooks/support.ts';

const idsOf = (...args: Parameters<typeof alertJobs>): string[] => alertJobs(...args).map((job) => job.id);

test('makes one job per hook with the alert as its payload', () => {
  const alert = anAlert();
  const jobs = alertJobs(alert, ['slack', 'pager', 'slack']);
  expect(jobs.map((job) => (job.kind === 'alert' ? [job.hook, JSON.parse(job.payload)] : []))).toEqual([
    ['slack', alert],
    ['pager', alert],
  ]);
});

test('gives the same message the same id, and another state or time another', () => {
  const [id] = idsOf(anAlert(), ['slack']);
  expect(idsOf(anAlert(), ['slack'])).toEqual([id]);
  expect(idsOf(anAlert({ state: 'resolved' }), ['slack'])).not.toEqual([id]);
  expect(idsOf(anAlert({ atMs: 1_763_920_803_121 }), ['slack'])).not.toEqual([id]);
});

test('makes ids of safe characters and bounded length that differ whenever hook or key differ', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 400 }), fc.string({ maxLength: 400 }), (one, other) => {
      const ids = [...idsOf(anAlert({ key: one }), ['h', one]), ...idsOf(anAlert({ key: other }), ['h', other])];
      for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{1,200}$/);
      if (one !== other && one !== 'h' && other !== 'h') expect(new Set(ids).size).toBe(4);
    }),
  );
});
