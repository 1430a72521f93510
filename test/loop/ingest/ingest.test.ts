import { describe, expect, test } from '@jest/globals';
import { TransientError } from '../../../lib/base/errors.ts';
import { RING_MS } from '../../../lib/core/window/load-window.ts';
import { ingest, startOffset } from '../../../lib/loop/ingest/ingest.ts';
import type { StateStores } from '../../../lib/state/contract.ts';
import { memoryStateStores } from '../../../lib/state/index.ts';
import { inferenceLoad, START_MS } from '../../events/builders.ts';
import { batchOf, ingestDeps } from './support.ts';

const load = (workload: string, tick = 0, source = 'pod/a'): unknown =>
  inferenceLoad({
    workload,
    source,
    intervalStartMs: START_MS + tick * 2_000,
    intervalEndMs: START_MS + (tick + 1) * 2_000,
  });

/** Stores whose load or outbox fails where told. */
function failing(
  state: StateStores,
  fails: { apply?: (workload: string) => Error | undefined; put?: () => boolean },
): StateStores {
  return {
    ...state,
    load: {
      ...state.load,
      apply: async (workload, fold) => {
        const error = fails.apply?.(workload);
        if (error !== undefined) throw error;
        return state.load.apply(workload, fold);
      },
    },
    outbox: {
      ...state.outbox,
      put: async (messages) => {
        if (fails.put?.() === true) throw new TransientError('outbox is full');
        return state.outbox.put(messages);
      },
    },
  };
}

describe('ingest', () => {
  test('sorts a batch: applies, dead-letters, ignores tombstones, counts strangers, and says how far it came', async () => {
    const state = memoryStateStores();
    const deps = ingestDeps(state, ['a', 'b']);
    const batch = batchOf(3, [
      { offset: 10, value: load('a') },
      { offset: 11, value: '{"schema":"penstock.inference-load/9"}', key: 'a' },
      { offset: 12, value: null },
      { offset: 13, value: load('stranger') },
      { offset: 14, value: load('b'), timestampMs: START_MS + 5_500 },
      { offset: 16, value: load('a', 1) },
    ]);
    const outcome = await ingest(deps, [batch]);
    expect(outcome.answers).toEqual(new Map([['inference-load-3', {}]]));
    expect([...outcome.touched].toSorted()).toEqual(['a', 'b']);
    expect(outcome.triggers.get('b')).toBe(START_MS + 5_500);
    expect(outcome.counts).toMatchObject({
      applied: 3,
      duplicates: 0,
      deadLettered: 1,
      tombstones: 1,
      unknownWorkload: 1,
    });
    expect([...(await state.load.readMany(['a', 'b', 'stranger'])).keys()]).toEqual(['a', 'b']);
    expect(await startOffset(deps, { topic: 'inference-load', partition: 3 })).toBe(17);
    expect(await startOffset(deps, { topic: 'inference-load', partition: 4 })).toBeUndefined();
    expect(deps.metrics.counter('ingest_events_applied_total')).toBe(3);
  });

  test('keeps a dead letter as it came, with its reason and place', async () => {
    const state = memoryStateStores();
    await ingest(ingestDeps(state, []), [batchOf(3, [{ offset: 11, value: 'nonsense', key: 'k' }])]);
    const [letter] = await state.outbox.peek(1);
    expect(letter?.message).toEqual({
      topic: 'penstock.dead-letter',
      key: 'inference-load/3/11',
      value: Buffer.from('nonsense').toString('base64'),
      encoding: 'base64',
      headers: {
        reason: 'the value is not JSON, expected a JSON object, it starts with "nonsense"',
        topic: 'inference-load',
        partition: '3',
        offset: '11',
        'timestamp-ms': String(START_MS + 5_000),
        'key-base64': Buffer.from('k').toString('base64'),
      },
    });
  });

  test('keeps only the beginning of a giant dead letter', async () => {
    const state = memoryStateStores();
    await ingest(ingestDeps(state, []), [batchOf(0, [{ offset: 0, value: 'x'.repeat(10_000_000) }])]);
    const [letter] = await state.outbox.peek(1);
    expect(letter?.message.value).toHaveLength(87_384);
    expect(letter?.message.headers?.['truncated-from-bytes']).toBe('10000000');
  });

  test('answers the first offset that was not applied, applies the rest all the same, and counts nothing twice', async () => {
    const state = memoryStateStores();
    let isBroken = true;
    const broken = failing(state, {
      apply: (workload) => (isBroken && workload === 'b' ? new TransientError('away') : undefined),
    });
    const deps = ingestDeps(broken, ['a', 'b']);
    const batch = batchOf(0, [
      { offset: 0, value: load('a') },
      { offset: 1, value: 'bad' },
      { offset: 2, value: load('b') },
      { offset: 3, value: 'bad' },
      { offset: 4, value: load('a', 1) },
    ]);
    const first = await ingest(deps, [batch]);
    expect(first.answers.get('inference-load-0')).toEqual({ retryFromOffset: 2 });
    expect(first.touched).toEqual(['a']);
    expect(first.counts).toMatchObject({ applied: 2, deadLettered: 1 });
    expect(await startOffset(deps, { topic: 'inference-load', partition: 0 })).toBe(2);
    isBroken = false;
    const again = await ingest(deps, [{ ...batch, records: batch.records.slice(2) }]);
    expect(again.answers.get('inference-load-0')).toEqual({});
    expect(again.counts).toMatchObject({ applied: 1, duplicates: 1, deadLettered: 1, gapRecords: 0 });
    expect(await state.outbox.size()).toBe(2);
  });

  test('stops a partition whose dead letters cannot be kept, and no other', async () => {
    const state = memoryStateStores();
    let isFull = true;
    const deps = ingestDeps(failing(state, { put: () => isFull }), ['a']);
    const bad = batchOf(0, [
      { offset: 0, value: load('a') },
      { offset: 1, value: 'bad' },
      { offset: 2, value: load('a', 1) },
    ]);
    const good = batchOf(1, [{ offset: 0, value: load('a', 0, 'pod/b') }]);
    const outcome = await ingest(deps, [bad, good]);
    expect(outcome.answers.get('inference-load-0')).toEqual({ retryFromOffset: 1 });
    expect(outcome.answers.get('inference-load-1')).toEqual({});
    expect(await startOffset(deps, { topic: 'inference-load', partition: 0 })).toBe(1);
    isFull = false;
    expect((await ingest(deps, [bad])).counts).toMatchObject({ deadLettered: 1, duplicates: 2 });
  });

  test('does not repeat the dead letters of what was done before', async () => {
    const state = memoryStateStores();
    const deps = ingestDeps(state, ['a']);
    const batch = batchOf(0, [
      { offset: 5, value: 'bad' },
      { offset: 6, value: load('a') },
    ]);
    await ingest(deps, [batch]);
    const again = await ingest(deps, [batch]);
    expect(again.counts).toMatchObject({ applied: 0, duplicates: 1, deadLettered: 0 });
    expect(await state.outbox.size()).toBe(1);
  });

  test('keeps the records of a fold that breaks as dead letters, so that a fault of ours blocks nobody', async () => {
    const state = memoryStateStores();
    const deps = ingestDeps(
      failing(state, { apply: (workload) => (workload === 'a' ? new TypeError('a bug') : undefined) }),
      ['a', 'b'],
    );
    const outcome = await ingest(deps, [
      batchOf(0, [
        { offset: 0, value: load('a') },
        { offset: 1, value: load('b') },
      ]),
    ]);
    expect(outcome.answers.get('inference-load-0')).toEqual({});
    expect(outcome.counts).toMatchObject({ applied: 1, deadLettered: 1 });
  });

  test('throws when the store does not answer at all, so that everything comes again', async () => {
    const state = memoryStateStores();
    const away: StateStores = {
      ...state,
      progress: { ...state.progress, read: () => Promise.reject(new TransientError('away')) },
    };
    await expect(ingest(ingestDeps(away, ['a']), [batchOf(0, [{ offset: 0, value: load('a') }])])).rejects.toThrow(
      'away',
    );
  });

  test('asks for the whole batch again when the progress could not be written', async () => {
    const state = memoryStateStores();
    const away: StateStores = {
      ...state,
      progress: { ...state.progress, compareAndSet: () => Promise.reject(new TransientError('away')) },
    };
    const outcome = await ingest(ingestDeps(away, ['a']), [batchOf(0, [{ offset: 7, value: load('a') }])]);
    expect(outcome.answers.get('inference-load-0')).toEqual({ retryFromOffset: 7 });
  });

  test('never lets the progress go back, except for a topic that was made anew', async () => {
    const state = memoryStateStores();
    const deps = ingestDeps(state, ['a']);
    const partition = { topic: 'inference-load', partition: 0 };
    await ingest(deps, [batchOf(0, [{ offset: 90, value: load('a') }])]);
    await ingest(deps, [batchOf(0, [{ offset: 50, value: load('a') }])]);
    expect(await startOffset(deps, partition)).toBe(91);
    await deps.clock.advance(600_000);
    const timestampMs = START_MS + 600_000;
    const anew = inferenceLoad({ workload: 'a', intervalStartMs: timestampMs - 2_000, intervalEndMs: timestampMs });
    const outcome = await ingest(deps, [batchOf(0, [{ offset: 0, value: anew, timestampMs }])]);
    expect(outcome.counts).toMatchObject({ applied: 1, duplicates: 0, gapRecords: 0 });
    expect(await startOffset(deps, partition)).toBe(1);
    const window = (await state.load.readMany(['a'])).get('a');
    expect(window?.holdUntilMs).toBe(deps.clock.nowMs() + RING_MS);
  });

  test('counts gaps, and holds for one window when they are more than transactions and compaction explain', async () => {
    const state = memoryStateStores();
    const deps = ingestDeps(state, ['a', 'b']);
    await ingest(deps, [batchOf(0, [{ offset: 0, value: load('a') }])]);
    const marker = batchOf(0, [
      { offset: 2, value: load('a', 1) },
      { offset: 4, value: load('a', 2) },
    ]);
    expect((await ingest(deps, [marker])).counts.gapRecords).toBe(1);
    expect((await state.load.readMany(['a'])).get('a')?.holdUntilMs).toBe(0);
    const lost = batchOf(0, [{ offset: 900, value: load('b', 3) }]);
    expect((await ingest(deps, [lost])).counts.gapRecords).toBe(895);
    expect((await state.load.readMany(['b'])).get('b')?.holdUntilMs).toBe(deps.clock.nowMs() + RING_MS);
    expect(deps.metrics.counter('ingest_gap_records_total')).toBe(896);
  });

  test('lets the event loop breathe in a batch of 10,000 records of the worst kind', async () => {
    const deps = ingestDeps(memoryStateStores(), ['a']);
    const deep = `{"schema":"penstock.inference-load/1","x":${'['.repeat(3_000)}${']'.repeat(3_000)}}`;
    const batch = batchOf(
      0,
      Array.from({ length: 10_000 }, (_, offset) => ({ offset, value: offset % 2 === 0 ? deep : load('a', offset) })),
    );
    let [turns, isDone] = [0, false];
    const count = (): void => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    await ingest(deps, [batch]);
    isDone = true;
    // 30 MB at 1 MB a turn, and 5,000 records folded.
    expect(turns).toBeGreaterThan(30);
  });
});
