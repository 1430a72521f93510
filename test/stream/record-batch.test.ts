import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { StreamRecord } from '../../lib/stream/contract.ts';
import { batchPayload, readBatchHeader, recordReader } from '../../lib/stream/record-batch.ts';
import { encodeRecord, rawBatch, type TestBatch, varint } from './batches.ts';

function readAll(batch: TestBatch, { fromOffset = 0, recordsMax = 1_000_000 } = {}): StreamRecord[] {
  const bytes = rawBatch(batch);
  const reader = recordReader(batchPayload(bytes), { header: readBatchHeader(bytes), topic: 't', partition: 3 });
  const records: StreamRecord[] = [];
  reader.read(records, { fromOffset, recordsMax });
  return records;
}

const bytes = fc.option(fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)));
const record = fc.record({
  offsetDelta: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  timeDeltaMs: fc.integer({ min: -(2 ** 45), max: 2 ** 45 }),
  key: bytes,
  value: bytes,
  headers: fc.array(fc.tuple(fc.string({ maxLength: 10 }), fc.option(fc.string({ maxLength: 10 }))), { maxLength: 4 }),
});

describe('record batches', () => {
  test('records come back as they were written', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), fc.integer({ min: 0, max: 2 ** 50 }), (records, baseOffset) => {
        const read = readAll({ records, baseOffset, baseTimeMs: 5_000 });
        expect(read.map(({ offset }) => offset - baseOffset)).toEqual(records.map(({ offsetDelta }) => offsetDelta));
        expect(read.map(({ timestampMs }) => timestampMs - 5_000)).toEqual(
          records.map(({ timeDeltaMs }) => timeDeltaMs),
        );
        expect(read.map(({ key }) => key)).toEqual(records.map(({ key }) => key));
        expect(read.map(({ value }) => value)).toEqual(records.map(({ value }) => value));
        for (const [index, { headers }] of records.entries()) {
          const last = new Map(headers.map(([name, value]) => [name.toLowerCase(), value ?? '']));
          expect(new Map(Object.entries(read[index]?.headers ?? {}))).toEqual(last);
        }
      }),
    );
  });

  test('records before the wanted offset are left out: a compressed batch can begin earlier', () => {
    const records = Array.from({ length: 5 }, () => ({}));
    expect(readAll({ records, baseOffset: 10 }, { fromOffset: 13 }).map(({ offset }) => offset)).toEqual([13, 14]);
  });

  test('offsets follow the batch where compaction removed records', () => {
    const records = [{ offsetDelta: 1 }, { offsetDelta: 7 }];
    const batch = rawBatch({ records, baseOffset: 100, lastOffsetDelta: 9 });
    expect(readBatchHeader(batch)).toMatchObject({ baseOffset: 100, lastOffset: 109, recordCount: 2 });
    expect(readAll({ records, baseOffset: 100 }).map(({ offset }) => offset)).toEqual([101, 107]);
  });

  test('with append time, all records have the time of the batch', () => {
    const records = [{ timeDeltaMs: 5 }, { timeDeltaMs: 6 }];
    const read = readAll({ records, attributes: 0x08, baseTimeMs: 1_000, maxTimeMs: 9_000 });
    expect(read.map(({ timestampMs }) => timestampMs)).toEqual([9_000, 9_000]);
  });

  test('a big batch is read in portions', () => {
    const bytesOfBatch = rawBatch({ records: Array.from({ length: 10 }, () => ({})) });
    const reader = recordReader(batchPayload(bytesOfBatch), {
      header: readBatchHeader(bytesOfBatch),
      topic: 't',
      partition: 0,
    });
    const sizes: number[] = [];
    for (let isThrough = false; !isThrough;) {
      const portion: StreamRecord[] = [];
      isThrough = reader.read(portion, { fromOffset: 0, recordsMax: 4 });
      sizes.push(portion.length);
    }
    expect(sizes).toEqual([4, 4, 2]);
  });

  test('a count larger than what is there ends in a bad event, not in an endless loop or a large array', () => {
    expect(() => readAll({ records: [{}, {}], recordCount: 2 ** 31 - 1 })).toThrow(
      expect.objectContaining({ code: 'bad-event' }),
    );
  });

  test.each([
    ['a record longer than the batch', Buffer.concat([varint(500), Buffer.from([0])])],
    ['a key longer than its record', Buffer.concat([varint(6), Buffer.from([0, 0, 0]), varint(500), Buffer.from([0])])],
    ['more headers than bytes', Buffer.concat([varint(8), Buffer.from([0, 0, 0, 1, 1]), varint(100_000)])],
    ['a record that is too short for its fields', Buffer.concat([varint(3), Buffer.from([0, 0, 0])])],
    ['bytes left over', Buffer.concat([varint(20), encodeRecord({}, 0).subarray(1), Buffer.alloc(20)])],
    ['a number without an end', Buffer.alloc(20, 0xff)],
  ])('%s is a bad event', (_name, payload) => {
    expect(() => readAll({ payload, recordCount: 1 })).toThrow(expect.objectContaining({ code: 'bad-event' }));
  });

  test('any bytes are read or refused, never more', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.integer({ min: 0, max: 50 }), (payload, recordCount) => {
        try {
          expect(readAll({ payload: Buffer.from(payload), recordCount }).length).toBeLessThanOrEqual(recordCount);
        } catch (error) {
          expect(error).toMatchObject({ code: 'bad-event' });
        }
      }),
    );
  });

  test('other formats and unknown compressions are bad events', () => {
    expect(() => readBatchHeader(rawBatch({ magic: 1 }))).toThrow('expected format 2, current value is 1');
    expect(() => readBatchHeader(Buffer.alloc(10))).toThrow('current value is nothing');
    expect(() => readBatchHeader(rawBatch({ attributes: 7 }))).toThrow('current value is 7');
  });
});
