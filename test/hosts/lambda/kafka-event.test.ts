import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { BadEventError } from '../../../lib/base/errors.ts';
import { batchResponse, decodeKafkaEvent } from '../../../lib/hosts/lambda/kafka-event.ts';
import { kafkaEvent, kafkaRecord } from '../../support/lambda-events.ts';

const text = (bytes: Uint8Array | null | undefined): string | null =>
  bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString('utf8');

describe('decodeKafkaEvent', () => {
  test('reads an MSK event: bytes, offset, time and headers of each record', () => {
    const [keyed] = decodeKafkaEvent(
      kafkaEvent('msk', [
        kafkaRecord({ offset: 15, key: 'llama', value: '{"a":1}', headers: [{ 'Content-Type': 'application/json' }] }),
      ]),
    );
    expect(keyed?.eventKey).toBe('inference-load-0');
    expect(keyed?.batch).toMatchObject({ topic: 'inference-load', partition: 0, lag: null });
    const record = keyed?.batch.records[0];
    expect(record).toMatchObject({
      offset: 15,
      timestampMs: 1_763_920_800_000,
      headers: { 'content-type': 'application/json' },
    });
    expect(text(record?.key)).toBe('llama');
    expect(text(record?.value)).toBe('{"a":1}');
  });

  test('reads a self-managed event the same way', () => {
    const records = [kafkaRecord({ offset: 1 }), kafkaRecord({ offset: 2 })];
    expect(decodeKafkaEvent(kafkaEvent('selfManaged', records))).toEqual(decodeKafkaEvent(kafkaEvent('msk', records)));
  });

  test('keeps partitions apart and each in ascending order', () => {
    const batches = decodeKafkaEvent(
      kafkaEvent('msk', [
        kafkaRecord({ partition: 1, offset: 8 }),
        kafkaRecord({ partition: 0, offset: 3 }),
        kafkaRecord({ partition: 1, offset: 7 }),
      ]),
    );
    const offsets = batches.map(({ eventKey, batch }) => [eventKey, batch.records.map((record) => record.offset)]);
    expect(Object.fromEntries(offsets)).toEqual({ 'inference-load-0': [3], 'inference-load-1': [7, 8] });
  });

  test('accepts partition and offset as text', () => {
    const record = { ...kafkaRecord({ offset: 4, partition: 2 }), partition: '2', offset: '4' };
    expect(decodeKafkaEvent(kafkaEvent('msk', [record]))[0]?.batch).toMatchObject({
      partition: 2,
      records: [{ partition: 2, offset: 4 }],
    });
  });

  test('wraps signed header bytes, as Java writes them', () => {
    const signed = [...Buffer.from('é')].map((byte) => byte - 256);
    const record = { ...kafkaRecord({ offset: 1 }), headers: [{ Name: signed }] };
    expect(signed.every((byte) => byte < 0)).toBe(true);
    expect(decodeKafkaEvent(kafkaEvent('msk', [record]))[0]?.batch.records[0]?.headers).toEqual({ name: 'é' });
  });

  test('reads base64 headers, and lets the last of a name win', () => {
    const base64 = Buffer.from('two').toString('base64');
    const record = { ...kafkaRecord({ offset: 1 }), headers: [{ a: [111, 110, 101] }, { A: base64 }, { b: null }] };
    expect(decodeKafkaEvent(kafkaEvent('msk', [record]))[0]?.batch.records[0]?.headers).toEqual({ a: 'two', b: '' });
  });

  test('a header named __proto__ stays a header', () => {
    const record = JSON.parse(
      JSON.stringify(kafkaRecord({ offset: 1 })).replace('"headers":[]', '"headers":[{"__proto__":[120]}]'),
    ) as Record<string, unknown>;
    const headers = decodeKafkaEvent(kafkaEvent('msk', [record]))[0]?.batch.records[0]?.headers ?? {};
    expect(Object.entries(headers)).toEqual([['__proto__', 'x']]);
    expect(Object.getPrototypeOf(headers)).toBe(Object.prototype);
  });

  test('takes the topic from the record, and from the key (up to its last dash) when the record has none', () => {
    const named = kafkaRecord({ offset: 1, topic: 'my-topic-2', partition: 11 });
    const { topic: _topic, partition: _partition, ...bare } = named;
    const event = { records: { 'my-topic-2-11': [bare] } };
    expect(decodeKafkaEvent(event)[0]?.batch).toMatchObject({ topic: 'my-topic-2', partition: 11 });
  });

  test('an absent or null value is a tombstone, an absent key is null', () => {
    const { key: _key, value: _value, ...bare } = kafkaRecord({ offset: 1 });
    const records = [bare, { ...kafkaRecord({ offset: 2 }), key: null, value: null }];
    const batch = decodeKafkaEvent(kafkaEvent('msk', records))[0]?.batch;
    expect(batch?.records.map(({ key, value }) => [key, value])).toEqual([
      [null, null],
      [null, null],
    ]);
  });

  test('a value that is not base64 still reaches the stage, which judges it', () => {
    const record = { ...kafkaRecord({ offset: 9 }), value: '%%% not base64 %%%', timestamp: 'yesterday' };
    const read = decodeKafkaEvent(kafkaEvent('msk', [record]))[0]?.batch.records[0];
    expect(read).toMatchObject({ offset: 9, timestampMs: -1 });
    expect(read?.value).toBeInstanceOf(Uint8Array);
  });

  test.each([
    ['nothing', undefined],
    ['an HTTP event', { version: '2.0', rawPath: '/status' }],
    ['a list of records (Kinesis, SQS)', { Records: [] }],
    ['records that are no map', { records: [] }],
    ['a key without a list', { records: { 'inference-load-0': 'x' } }],
    ['a record without an offset', { records: { 'inference-load-0': [{ partition: 0 }] } }],
    ['a negative offset', { records: { 'inference-load-0': [{ partition: 0, offset: -1 }] } }],
    ['a null record', { records: { 'inference-load-0': [null] } }],
  ])('refuses %s', (_what, event) => {
    expect(() => decodeKafkaEvent(event)).toThrow(BadEventError);
  });

  test('nothing but BadEventError is ever thrown, whatever the envelope holds', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true }), (junk) => {
        for (const event of [junk, { records: junk }, { records: { 't-0': junk } }, { records: { 't-0': [junk] } }]) {
          try {
            decodeKafkaEvent(event);
          } catch (error) {
            expect(error).toBeInstanceOf(BadEventError);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('batchResponse', () => {
  const batches = decodeKafkaEvent(
    kafkaEvent('msk', [
      ...[10, 11, 13].map((offset) => kafkaRecord({ offset })),
      ...[5, 6].map((offset) => kafkaRecord({ partition: 1, offset })),
    ]),
  );

  test('is empty when every partition was applied', () => {
    expect(batchResponse(batches, new Map([['inference-load-0', {}]]))).toEqual({ batchItemFailures: [] });
  });

  test('names the first record that failed and every later one of its partition, by the key of the map', () => {
    expect(batchResponse(batches, new Map([['inference-load-0', { retryFromOffset: 11 }]]))).toEqual({
      batchItemFailures: [
        { itemIdentifier: { partition: 'inference-load-0', offset: 11 } },
        { itemIdentifier: { partition: 'inference-load-0', offset: 13 } },
      ],
    });
  });

  test('uses the key that Lambda gave, also when it differs from the topic-partition of the records', () => {
    const odd = decodeKafkaEvent({ records: { 'some-key-0': [kafkaRecord({ offset: 1 })] } });
    expect(batchResponse(odd, new Map([['inference-load-0', { retryFromOffset: 1 }]]))).toEqual({
      batchItemFailures: [{ itemIdentifier: { partition: 'some-key-0', offset: 1 } }],
    });
  });

  test('names only offsets of the event: an unknown one would make Lambda retry everything', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.nat(20), (fromA, fromB) => {
        const answers = new Map([
          ['inference-load-0', { retryFromOffset: fromA }],
          ['inference-load-1', { retryFromOffset: fromB }],
        ]);
        const named = batchResponse(batches, answers).batchItemFailures.map(
          ({ itemIdentifier: { partition, offset } }) => `${partition}@${offset}`,
        );
        const expected = [
          ...[10, 11, 13].filter((offset) => offset >= fromA).map((offset) => `inference-load-0@${offset}`),
          ...[5, 6].filter((offset) => offset >= fromB).map((offset) => `inference-load-1@${offset}`),
        ];
        expect(named).toEqual(expected);
      }),
    );
  });
});
