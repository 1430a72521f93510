import { describe, expect, test } from '@jest/globals';
import type { BatchAnswer, RecordBatch, SkippedRange } from '../../lib/stream/contract.ts';
import { deliver, type DeliveryOptions } from '../../lib/stream/kafka-delivery.ts';
import { encodeRecord, messageOf, rawBatch, zstdOfZeros } from './batches.ts';

/** Offsets `from` to `to` in one batch. */
const good = (from: number, to: number): Buffer =>
  rawBatch({ baseOffset: from, records: Array.from({ length: to - from + 1 }, () => ({})) });
const broken = (from: number, to: number): Buffer =>
  rawBatch({ baseOffset: from, payload: Buffer.alloc(4, 0xff), recordCount: 1, lastOffsetDelta: to - from });

function setUp(answer: (batch: RecordBatch) => BatchAnswer = () => ({}), more: Partial<DeliveryOptions> = {}) {
  const handed: number[][] = [];
  const skipped: SkippedRange[] = [];
  const progress: number[] = [];
  const options: DeliveryOptions = {
    topic: 't',
    partition: 0,
    fromOffset: 0,
    highOffset: 100,
    tuning: { decodedBytesMax: 1_000_000, recordsPerBatchMax: 100, bytesPerBatchMax: 1_000_000 },
    handlers: {
      onBatch: (batch) => {
        handed.push(batch.records.map(({ offset }) => offset));
        return Promise.resolve(answer(batch));
      },
      onSkipped: (range) => {
        skipped.push(range);
        return Promise.resolve();
      },
    },
    mayGoOn: () => true,
    onProgress: (offset) => progress.push(offset),
    ...more,
  };
  return { options, handed, skipped, progress };
}

describe('deliver', () => {
  test('hands small batches over together', async () => {
    const { options, handed, progress } = setUp();
    const messages = [good(0, 1), good(2, 2), good(5, 6)].map(messageOf);
    expect(await deliver(messages, options)).toBe('through');
    expect(handed).toEqual([[0, 1, 2, 5, 6]]);
    expect(progress).toEqual([7]);
  });

  test('hands large batches over in portions', async () => {
    const { options, handed, progress } = setUp(() => ({}), {
      tuning: { decodedBytesMax: 1_000_000, recordsPerBatchMax: 3, bytesPerBatchMax: 1_000_000 },
    });
    await deliver([good(0, 6), good(7, 7)].map(messageOf), options);
    expect(handed).toEqual([
      [0, 1, 2],
      [3, 4, 5],
      [6, 7],
    ]);
    expect(progress).toEqual([3, 6, 8]);
  });

  test('a bounded number of decoded bytes waits for its turn', async () => {
    const { options, handed } = setUp(() => ({}), {
      tuning: { decodedBytesMax: 1_000_000, recordsPerBatchMax: 100, bytesPerBatchMax: 16 },
    });
    await deliver([good(0, 1), good(2, 3), good(4, 4)].map(messageOf), options);
    expect(handed).toEqual([[0, 1], [2, 3], [4]]);
  });

  test('reports a broken batch between the records before and after it', async () => {
    const { options, handed, skipped, progress } = setUp();
    expect(await deliver([good(0, 1), broken(2, 8), good(9, 9)].map(messageOf), options)).toBe('through');
    expect(handed).toEqual([[0, 1], [9]]);
    expect(skipped).toMatchObject([{ topic: 't', partition: 0, fromOffset: 2, toOffset: 8, reason: 'unreadable' }]);
    expect(progress).toEqual([2, 9, 10]);
  });

  test('reports only the part of a batch that cannot be read', async () => {
    const payload = Buffer.concat([encodeRecord({}, 0), encodeRecord({}, 1), Buffer.alloc(4, 0xff)]);
    const { options, handed, skipped } = setUp();
    const batch = rawBatch({ baseOffset: 10, payload, recordCount: 4, lastOffsetDelta: 3 });
    await deliver([messageOf(batch)], { ...options, fromOffset: 10 });
    expect(handed).toEqual([[10, 11]]);
    expect(skipped).toMatchObject([{ fromOffset: 12, toOffset: 13, reason: 'unreadable' }]);
  });

  test('reports an oversized batch', async () => {
    const payload = zstdOfZeros({ count: 3, valueBytes: 400_000 });
    const bomb = rawBatch({ baseOffset: 4, payload, recordCount: 3, lastOffsetDelta: 2, attributes: 4 });
    const { options, handed, skipped } = setUp();
    await deliver([good(0, 3), bomb, good(7, 7)].map(messageOf), options);
    expect(handed).toEqual([[0, 1, 2, 3], [7]]);
    expect(skipped).toMatchObject([{ fromOffset: 4, toOffset: 6, reason: 'oversized' }]);
  });

  test('goes no further than `retryFromOffset`', async () => {
    const { options, handed, progress } = setUp(() => ({ retryFromOffset: 2 }));
    expect(await deliver([good(0, 4), broken(5, 6)].map(messageOf), options)).toBe('retry');
    expect(handed).toEqual([[0, 1, 2, 3, 4]]);
    expect(progress).toEqual([2]);
  });

  test('makes no progress when nothing was applied, and never goes back', async () => {
    const { options, progress } = setUp(() => ({ retryFromOffset: 3 }), { fromOffset: 3 });
    expect(await deliver([messageOf(good(3, 4))], options)).toBe('retry');
    expect(progress).toEqual([]);
  });

  test('takes an answer beyond the batch for all of it', async () => {
    const { options, progress } = setUp(() => ({ retryFromOffset: 5 }));
    expect(await deliver([messageOf(good(0, 4))], options)).toBe('through');
    expect(progress).toEqual([5]);
  });

  test('stops between two portions when told to', async () => {
    let calls = 0;
    const { options, handed } = setUp(() => ({}), {
      tuning: { decodedBytesMax: 1_000, recordsPerBatchMax: 2, bytesPerBatchMax: 1_000 },
      mayGoOn: () => calls++ < 1,
    });
    expect(await deliver([good(0, 4), good(5, 6)].map(messageOf), options)).toBe('interrupted');
    expect(handed).toEqual([[0, 1]]);
  });

  test('an error of the owner is the owner’s, even when it looks like a bad batch', async () => {
    const { options, skipped, progress } = setUp(() => {
      throw Object.assign(new Error('state is away'), { code: 'bad-event' });
    });
    await expect(deliver([messageOf(good(0, 4))], options)).rejects.toThrow('state is away');
    expect(skipped).toEqual([]);
    expect(progress).toEqual([]);
  });

  test('a record that was not wrapped is never taken for a broken batch', async () => {
    const { options, skipped } = setUp();
    const message = { ...messageOf(good(0, 0)), key: Buffer.from('user-key') };
    await expect(deliver([message], options)).rejects.toThrow('Invariant broken');
    expect(skipped).toEqual([]);
  });
});
