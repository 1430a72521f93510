import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { decideWorkload } from '../../lib/core/decide-workload.ts';
import type { WorkloadControl } from '../../lib/core/decide-types.ts';
import { readControl } from '../../lib/core/read-control.ts';
import { observed, readings, T0, value, workloadInput, workloadPolicy } from './builders.ts';
import { lawRuns } from './law-runs.ts';

const policy = workloadPolicy({
  slo: { ttftSec: 1 },
  signals: [
    { kind: 'inFlight', perReplica: 8 },
    { kind: 'requestRate', perReplicaPerSec: 2 },
    { kind: 'tokens', inputPerSec: 22_000, outputPerSec: 1_400 },
  ],
});

/** The memory after an hour of evaluations. */
function lived(): WorkloadControl {
  let control: WorkloadControl | undefined;
  for (let sec = 0; sec <= 3_600; sec += 10) {
    const load = 8 + (sec % 600) / 40;
    const heard = {
      inFlight: value(load),
      queued: value(0),
      requestRate: value(load / 2),
      completionRate: value(load / 2),
      inputTokenRate: value(load * 900),
      outputTokenRate: value(load * 90),
      lateRatio: value(0.1),
    };
    control = decideWorkload(
      workloadInput({ policy, nowMs: T0 + sec * 1_000, readings: readings(heard), target: observed(4), control }),
    ).control;
  }
  if (control === undefined) throw new Error('nothing was decided');
  return JSON.parse(JSON.stringify(control)) as WorkloadControl;
}

const control = lived();

describe('readControl', () => {
  test('believes what the core wrote, whole', () => {
    expect(control.forecast).toBeDefined();
    expect(control.work?.late).toBeDefined();
    expect(control.changes.length).toBeGreaterThan(0);
    expect(readControl(control)).toEqual({ control, dropped: [] });
  });

  test('a workload without a memory is no broken one', () => {
    expect(readControl(undefined)).toEqual({ control: undefined, dropped: [] });
  });

  test.each([
    ['nothing', null],
    ['a text', 'x'],
    ['a list', []],
    ['another version', { ...control, version: 2 }],
    ['a count that is none', { ...control, lastWanted: '4' }],
    ['a count below zero', { ...control, lastWanted: -1 }],
    ['a count that is not whole', { ...control, wants: [[T0, 1.5]] }],
    ['a pair of one', { ...control, decreases: [[T0]] }],
    ['a missing list', { ...control, changes: undefined }],
    ['a list without end', { ...control, wants: Array.from({ length: 5_000 }, () => [T0, 1]) }],
    ['something else heard', { ...control, heard: { queued: 'yes' } }],
  ])('drops all of it for %s', (_, stored) => {
    expect(readControl(stored)).toEqual({ control: undefined, dropped: ['control'] });
  });

  test('drops a forecast of an older shape alone, and keeps the rest', () => {
    const older = { atMs: T0, fast: 4, slow: 4, errors: { first: 0, weights: [1] }, measured: 3 };
    const read = readControl({ ...control, forecast: older });
    expect(read.dropped).toEqual(['forecast']);
    expect(read.control).toEqual({ ...control, forecast: undefined });
  });

  test.each([0, -1, 1.5])('drops work in which a replica does %d of what it does in time', (well) => {
    const late = { ...control.work?.late, well };
    expect(readControl({ ...control, work: { ...control.work, late } }).dropped).toEqual(['work']);
  });

  test('drops work of another shape alone', () => {
    const read = readControl({ ...control, work: { ...control.work, usual: 7 } });
    expect(read.dropped).toEqual(['work']);
    expect(read.control?.forecast).toEqual(control.forecast);
  });

  test('whatever is in the place of any part, what is believed is never without that part right', () => {
    const paths = pathsOf(control);
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, junk) => {
        const { control: read } = readControl(withAt(control, path, junk));
        // Either it was dropped, or the core can go on with it.
        const outcome = decideWorkload(
          workloadInput({ policy, nowMs: T0 + 3_610_000, target: observed(4), control: read }),
        );
        expect(Number.isInteger(outcome.wanted)).toBe(true);
        expect(outcome.wanted).toBeLessThanOrEqual(policy.spec.replicas.max);
      }),
      { numRuns: lawRuns(1_000) },
    );
  });
});

type Path = readonly (string | number)[];

function pathsOf(of: unknown, depth = 4): Path[] {
  if (typeof of !== 'object' || of === null || depth === 0) return [];
  return Object.entries(of).flatMap(([key, child]) => [
    [key],
    ...pathsOf(child, depth - 1).map((path) => [key, ...path]),
  ]);
}

function withAt(of: unknown, [key, ...rest]: Path, junk: unknown): unknown {
  if (key === undefined) return junk;
  const child = (of as Record<string, unknown>)[key];
  if (Array.isArray(of)) return of.map((one, index) => (index === Number(key) ? withAt(one, rest, junk) : one));
  return { ...(of as object), [key]: withAt(child, rest, junk) };
}
