import { describe, expect, test } from '@jest/globals';
import { RAW_BATCH_KEY, wrapFetchResponse } from '../../../lib/clients/kafka/fetch-response.ts';
import { batchPayload, readBatchHeader, recordReader } from '../../../lib/stream/record-batch.ts';
import type { StreamRecord } from '../../../lib/stream/contract.ts';
import { rawBatch } from '../../stream/batches.ts';

type Partition = { readonly index: number; readonly aborted?: number; readonly records: Buffer | null };

/** A fetch answer with its size in front, as the protocol guide lays it out. */
function frameOf(version: number, topics: Readonly<Record<string, readonly Partition[]>>): Buffer {
  const parts: Buffer[] = [int32(77), int32(0)];
  if (version >= 7) parts.push(int16(0), int32(0));
  parts.push(int32(Object.keys(topics).length));
  for (const [name, partitions] of Object.entries(topics)) {
    parts.push(int16(name.length), Buffer.from(name), int32(partitions.length));
    for (const { index, aborted = -1, records } of partitions) {
      parts.push(int32(index), int16(0), int64(50), int64(50));
      if (version >= 5) parts.push(int64(0));
      parts.push(int32(aborted), Buffer.alloc(Math.max(0, aborted) * 16, 9));
      if (version >= 11) parts.push(int32(-1));
      parts.push(int32(records === null ? -1 : records.length), records ?? Buffer.alloc(0));
    }
  }
  const body = Buffer.concat(parts);
  return Buffer.concat([int32(body.length), body]);
}

/** The one record of a wrapped batch. */
function unwrap(batch: Buffer): StreamRecord {
  const records: StreamRecord[] = [];
  const reader = recordReader(batchPayload(batch), { header: readBatchHeader(batch), topic: '', partition: 0 });
  expect(reader.read(records, { fromOffset: 0, recordsMax: 10 })).toBe(true);
  expect(records).toHaveLength(1);
  return records[0] as StreamRecord;
}

describe('wrapFetchResponse', () => {
  test.each([4, 5, 6, 7, 8, 9, 10, 11])('Fetch v%i: every batch becomes one record that holds it', (version) => {
    const first = rawBatch({ baseOffset: 3, records: [{}, {}, {}], attributes: 0 });
    const packed = rawBatch({
      baseOffset: 6,
      payload: Buffer.alloc(500, 7),
      recordCount: 9,
      lastOffsetDelta: 8,
      attributes: 0x12,
    });
    const wrapped = Buffer.concat(
      wrapFetchResponse(
        frameOf(version, {
          a: [
            { index: 0, records: Buffer.concat([first, packed]) },
            { index: 1, aborted: 2, records: null },
          ],
          bb: [{ index: 5, aborted: 0, records: first }],
        }),
        version,
      ),
    );
    // What it must look like: the same answer with other record sets.
    const sets = [first, packed].map((batch) => wrapOne(wrapped, batch));
    expect(wrapped).toEqual(
      frameOf(version, {
        a: [
          { index: 0, records: Buffer.concat(sets) },
          { index: 1, aborted: 2, records: Buffer.alloc(0) },
        ],
        bb: [{ index: 5, aborted: 0, records: sets[0] ?? null }],
      }),
    );
    const [one, two] = sets.map(unwrap);
    expect(one?.value).toEqual(first);
    expect(two?.value).toEqual(packed);
    expect(RAW_BATCH_KEY.equals(one?.key ?? Buffer.alloc(0))).toBe(true);
    expect([one?.offset, two?.offset]).toEqual([5, 14]);
  });

  test('compression is cleared, the transaction flag stays', () => {
    const batch = rawBatch({ records: [{}], attributes: 0x12 });
    const wrapped = Buffer.concat(wrapFetchResponse(frameOf(11, { a: [{ index: 0, records: batch }] }), 11));
    expect(wrapOne(wrapped, batch).readInt16BE(21)).toBe(0x10);
  });

  test('transaction markers pass as they are', () => {
    const marker = rawBatch({ baseOffset: 4, records: [{ key: Buffer.alloc(4) }], attributes: 0x30 });
    const frame = frameOf(11, { a: [{ index: 0, records: marker }] });
    expect(Buffer.concat(wrapFetchResponse(frame, 11))).toEqual(frame);
  });

  test('a batch that is cut off at the end is left for the next fetch', () => {
    const whole = rawBatch({ records: [{}] });
    const cut = rawBatch({ baseOffset: 1, records: [{}, {}] }).subarray(0, 70);
    const frames = [Buffer.concat([whole, cut]), Buffer.concat([whole, cut.subarray(0, 5)]), whole].map((records) =>
      Buffer.concat(wrapFetchResponse(frameOf(11, { a: [{ index: 0, records }] }), 11)),
    );
    expect(frames[0]).toEqual(frames[2]);
    expect(frames[1]).toEqual(frames[2]);
  });

  test('an entry of an old format becomes a batch of its offset', () => {
    const old = rawBatch({ baseOffset: 40, records: [{}], magic: 1 });
    const wrapped = Buffer.concat(wrapFetchResponse(frameOf(4, { a: [{ index: 0, records: old }] }), 4));
    const record = unwrap(wrapOne(wrapped, old));
    expect(record.offset).toBe(40);
    expect(record.value).toEqual(old);
  });

  test('throws on an answer that is too short, and on versions nobody speaks any more', () => {
    const frame = frameOf(11, { a: [{ index: 0, records: null }] });
    expect(() => wrapFetchResponse(frame.subarray(0, 30), 11)).toThrow();
    expect(() => wrapFetchResponse(frame, 3)).toThrow('expected brokers of version 0.11 or newer');
  });
});

/** The wrapping batch around `batch` in `wrapped`. */
function wrapOne(wrapped: Buffer, batch: Buffer): Buffer {
  const valueAt = wrapped.indexOf(batch);
  const keyAt = wrapped.lastIndexOf(RAW_BATCH_KEY, valueAt);
  const end = valueAt + batch.length + 1;
  for (let start = keyAt; start >= 0; start--) {
    if (wrapped[start + 16] === 2 && start + 12 + wrapped.readInt32BE(start + 8) === end)
      return wrapped.subarray(start, end);
  }
  throw new Error('the batch is not wrapped');
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}
