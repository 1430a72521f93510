/** What other producers write: every codec, transactions, and batches that unfold to far more than they weigh. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import kafkajs, { type CompressionTypes, type Kafka } from 'kafkajs';
import snappyCodec from 'kafkajs-snappy';
import { registerCodecs } from '../../lib/stream/codecs.ts';
import type { SkippedRange, StreamConsumer, StreamRecord } from '../../lib/stream/contract.ts';
import { kafkaStream } from '../../lib/stream/kafka.ts';
import { gzipOfZeros, xerial, zstdOfZeros, zstdStored } from '../stream/batches.ts';
import { kafkaOptions, rawKafka, until } from '../stream/kafka-support.ts';
import { testKafkaBrokers, uniqueName } from '../support/kafka-redis.ts';

type Compress = (content: Buffer) => Promise<Buffer>;
const { CompressionTypes: Types, CompressionCodecs } = kafkajs;
const MIB = 2 ** 20;

describe('what other producers write', () => {
  const brokers = testKafkaBrokers();
  const options = kafkaOptions({ brokers });
  const stream = kafkaStream(options);
  const consumers: StreamConsumer[] = [];
  let kafka: Kafka;

  beforeAll(() => {
    kafka = rawKafka(brokers);
    registerCodecs();
  });
  afterAll(async () => {
    await Promise.all(consumers.map((consumer) => consumer.stop()));
    registerCodecs();
  });

  const makeTopic = async (): Promise<string> => {
    const topic = uniqueName('codec');
    const admin = stream.admin();
    await admin.ensureTopics([{ topic, partitions: 1, replicationFactor: 1 }]);
    await admin.close();
    return topic;
  };

  /** One batch of `values`; with `compress`, kafkajs writes what it returns in place of its own compression. */
  const produce = async (
    topic: string,
    of: { values: string[]; type?: CompressionTypes; compress?: Compress },
  ): Promise<void> => {
    const { values, type = Types.None, compress } = of;
    if (compress !== undefined) {
      const codec = {
        compress: ({ buffer }: { buffer: Buffer }) => compress(buffer),
        decompress: () => Promise.reject(new Error('not here')),
      };
      CompressionCodecs[type as CompressionTypes.GZIP] = () => codec;
    }
    const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
    await producer.connect();
    await producer.send({ topic, compression: type, messages: values.map((value) => ({ value })) });
    await producer.disconnect();
  };

  const read = async (
    topic: string,
    fromOffset = 0,
  ): Promise<{ records: StreamRecord[]; skipped: SkippedRange[]; group: string }> => {
    const records: StreamRecord[] = [];
    const skipped: SkippedRange[] = [];
    const group = uniqueName('group');
    const consumer = stream.consumer({ group, topics: [topic] });
    consumers.push(consumer);
    await consumer.start({
      onBatch: (batch) => {
        records.push(...batch.records);
        return Promise.resolve({});
      },
      startOffset: () => Promise.resolve(fromOffset),
      onSkipped: (range) => {
        skipped.push(range);
        return Promise.resolve();
      },
    });
    return { records, skipped, group };
  };

  test.each<[string, CompressionTypes, Compress | undefined]>([
    ['gzip', Types.GZIP, undefined],
    ['snappy', Types.Snappy, undefined],
    ['snappy as Java frames it', Types.Snappy, async (buffer) => xerial([await snappyCodec().compress({ buffer })])],
    ['lz4', Types.LZ4, undefined],
    ['zstd', Types.ZSTD, (content) => Promise.resolve(zstdStored(content))],
    ['zstd with a declared size', Types.ZSTD, (content) => Promise.resolve(zstdStored(content, { contentSize: true }))],
  ])('reads %s, from the middle of a batch too', async (_name, type, compress) => {
    registerCodecs();
    const topic = await makeTopic();
    const values = Array.from({ length: 500 }, (_, index) => `value ${index} of a batch`);
    await produce(topic, { values, type, ...(compress === undefined ? {} : { compress }) });
    const all = await read(topic);
    const middle = await read(topic, 250);
    await until(() => all.records.length >= 500 && middle.records.length >= 250);
    expect(valuesOf(all.records)).toEqual(values);
    expect(valuesOf(middle.records)).toEqual(values.slice(250));
    expect(middle.records[0]?.offset).toBe(250);
  });

  test('zstd cannot be written, and says so', async () => {
    registerCodecs();
    const topic = await makeTopic();
    await expect(produce(topic, { values: ['x'], type: Types.ZSTD })).rejects.toThrow('Cannot compress with zstd');
  });

  test.each<[string, CompressionTypes, () => Promise<Buffer>]>([
    ['gzip', Types.GZIP, () => gzipOfZeros({ count: 200, valueBytes: MIB })],
    ['zstd', Types.ZSTD, () => Promise.resolve(zstdOfZeros({ count: 200, valueBytes: MIB }))],
  ])(
    'a %s batch of 200 MiB of zeros is passed over: memory stays bounded, the next records arrive',
    async (_name, type, make) => {
      const topic = await makeTopic();
      await produce(topic, { values: ['before'] });
      const bomb = await make();
      expect(bomb.length).toBeLessThan(MIB);
      const values = Array.from({ length: 200 }, () => '');
      await produce(topic, { values, type, compress: () => Promise.resolve(bomb) });
      await produce(topic, { values: ['after'] });

      globalThis.gc?.();
      const before = process.memoryUsage().rss;
      let most = before;
      const reading = await read(topic);
      await until(() => {
        most = Math.max(most, process.memoryUsage().rss);
        return reading.records.length >= 2;
      });
      expect(valuesOf(reading.records)).toEqual(['before', 'after']);
      expect(reading.skipped).toMatchObject([
        { topic, partition: 0, fromOffset: 1, toOffset: 200, reason: 'oversized' },
      ]);
      expect(options.metrics.counter('stream_records_skipped_total', { reason: 'oversized' })).toBeGreaterThanOrEqual(
        200,
      );
      // At most the bound of 64 MiB, twice while it grows, and what else the run needs.
      expect((most - before) / MIB).toBeLessThan(160);

      const lag = stream.lagReader();
      await until(async () => {
        const answer = await lag.read({ topic, group: reading.group });
        return answer.kind === 'value' && answer.depth === 0;
      });
      await lag.close();
    },
  );

  test('aborted transactions are left out, and the commit passes their markers', async () => {
    const topic = await makeTopic();
    const producer = kafka.producer({
      transactionalId: uniqueName('tx'),
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    const reading = await read(topic);
    for (const [value, isAborted] of [
      ['one', false],
      ['two', true],
      ['three', false],
      ['four', true],
    ] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ value }, { value }] });
      await (isAborted ? transaction.abort() : transaction.commit());
    }
    await producer.disconnect();
    const lag = stream.lagReader();
    await until(async () => {
      const answer = await lag.read({ topic, group: reading.group });
      return answer.kind === 'value' && answer.depth === 0 && reading.records.length >= 4;
    });
    await lag.close();
    expect(valuesOf(reading.records)).toEqual(['one', 'one', 'three', 'three']);
    expect(reading.skipped).toEqual([]);
  });
});

function valuesOf(records: readonly StreamRecord[]): string[] {
  return records.map(({ value }) => Buffer.from(value ?? []).toString());
}
