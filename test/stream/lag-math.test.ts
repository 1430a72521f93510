import { describe, expect, test } from '@jest/globals';
import {
  HISTORY_SAMPLES_MAX,
  lagOf,
  remember,
  type LagHistory,
  type OffsetSample,
  type PartitionOffsets,
} from '../../lib/stream/lag-math.ts';

type Offsets = PartitionOffsets | null;
const sample = (atMs: number, ...partitions: Offsets[]): OffsetSample => ({
  atMs,
  partitions: new Map(partitions.entries()),
});
const at = (low: number, committed: number | null, high: number): PartitionOffsets => ({ low, committed, high });

describe('lagOf', () => {
  test('adds the partitions up', () => {
    expect(lagOf(sample(0, at(0, 4, 10), at(0, 10, 10)), [])).toMatchObject({ kind: 'value', depth: 6 });
  });

  test('counts from the log start what was never committed, and not what expired', () => {
    expect(lagOf(sample(0, at(5, null, 10)), [])).toMatchObject({ depth: 5 });
    expect(lagOf(sample(0, at(5, 2, 10)), [])).toMatchObject({ depth: 5 });
  });

  test('a commit beyond the end is no negative lag', () => {
    expect(lagOf(sample(0, at(0, 12, 10)), [])).toMatchObject({ depth: 0, oldestAgeMs: 0 });
  });

  test('one unknown partition makes the whole unknown', () => {
    expect(lagOf(sample(0, at(0, 0, 10), null), [])).toEqual({
      kind: 'missing',
      reason: 'offsets of partition 1 are unknown',
    });
    expect(lagOf(sample(0), [])).toMatchObject({ kind: 'missing' });
  });

  test('nothing is known about change and age at the first reading, except that no lag has no age', () => {
    expect(lagOf(sample(0, at(0, 4, 10)), [])).toEqual({
      kind: 'value',
      depth: 6,
      oldestAgeMs: null,
      enqueued: null,
      dequeued: null,
    });
    expect(lagOf(sample(0, at(0, 10, 10)), [])).toMatchObject({ depth: 0, oldestAgeMs: 0 });
  });

  test('tells what came and what went since the reading before', () => {
    const history = [sample(0, at(0, 4, 10), at(0, 0, 1))];
    expect(lagOf(sample(1_000, at(0, 9, 12), at(0, 1, 1)), history)).toMatchObject({ enqueued: 2, dequeued: 6 });
  });

  test('change is unknown when a partition is new or went back', () => {
    const history = [sample(0, at(0, 4, 10))];
    expect(lagOf(sample(1, at(0, 4, 10), at(0, 0, 1)), history)).toMatchObject({ enqueued: null, dequeued: null });
    expect(lagOf(sample(1, at(0, 2, 12)), history)).toMatchObject({ enqueued: 2, dequeued: null });
    expect(lagOf(sample(1, at(0, 0, 3)), history)).toMatchObject({ enqueued: null });
  });

  test('the oldest record’s age is found in the history of ends', () => {
    // 100 records a second; the group stands at 150, which was written at 1.5 s.
    const history = [sample(1_000, at(0, 100, 100)), sample(2_000, at(0, 120, 200)), sample(3_000, at(0, 140, 300))];
    expect(lagOf(sample(4_000, at(0, 150, 400)), history)).toMatchObject({ depth: 250, oldestAgeMs: 2_500 });
  });

  test('the oldest partition decides', () => {
    const history = [sample(1_000, at(0, 0, 0), at(0, 0, 0)), sample(2_000, at(0, 0, 0), at(0, 0, 10))];
    // Partition 1: offset 0 was written at 1.0 s. Partition 0: at 2.0 s.
    expect(lagOf(sample(3_000, at(0, 0, 10), at(0, 0, 10)), history)).toMatchObject({ oldestAgeMs: 2_000 });
  });

  test('the age is unknown while the history is too short, and a lower bound when it is full', () => {
    let history: LagHistory = [sample(0, at(0, 0, 10))];
    expect(lagOf(sample(1_000, at(0, 5, 20)), history)).toMatchObject({ oldestAgeMs: null });
    for (let index = 1; index < HISTORY_SAMPLES_MAX; index++)
      history = remember(history, sample(index * 1_000, at(0, 5, 20)));
    expect(history).toHaveLength(HISTORY_SAMPLES_MAX);
    expect(lagOf(sample(HISTORY_SAMPLES_MAX * 1_000, at(0, 5, 20)), history)).toMatchObject({
      oldestAgeMs: HISTORY_SAMPLES_MAX * 1_000,
    });
  });
});

describe('remember', () => {
  test('drops the oldest', () => {
    let history: LagHistory = [];
    for (let index = 0; index < HISTORY_SAMPLES_MAX + 5; index++) history = remember(history, sample(index));
    expect(history[0]?.atMs).toBe(5);
    expect(history).toHaveLength(HISTORY_SAMPLES_MAX);
  });
});
