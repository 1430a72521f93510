/** Brokers and members that die. */
import { describe, expect, test } from '@jest/globals';
import { systemClock } from '../../lib/base/clock.ts';
import type { Stream, StreamConsumer, StreamProducer } from '../../lib/stream/contract.ts';
import { kafkaStream } from '../../lib/stream/kafka.ts';
import { kafkaOptions, rawKafka, until } from '../stream/kafka-support.ts';
import { ownKafka, testKafkaBrokers, uniqueName } from '../support/kafka-redis.ts';

const PARTITIONS = 3;

async function makeTopic(stream: Stream): Promise<string> {
  const topic = uniqueName('faults');
  const admin = stream.admin();
  await admin.ensureTopics([{ topic, partitions: PARTITIONS, replicationFactor: 1 }]);
  await admin.close();
  return topic;
}

/** Sends numbered records until stopped, and remembers what was acknowledged. */
function keepSending(producer: StreamProducer, topic: string): { acknowledged: Set<string>; stop(): Promise<void> } {
  const acknowledged = new Set<string>();
  const off = new AbortController();
  const work = (async () => {
    for (let number = 0; !off.signal.aborted; number++) {
      const value = String(number);
      const wasSent = await producer.send([{ topic, key: value, value }]).then(
        () => true,
        () => false,
      );
      if (wasSent) acknowledged.add(value);
      await systemClock.sleep(2);
    }
  })();
  return {
    acknowledged,
    stop: () => {
      off.abort();
      return work;
    },
  };
}

/** Starts a consumer that notes every value, and per partition the offsets in the order of delivery. */
async function collect(consumer: StreamConsumer): Promise<{ values: Set<string>; offsets: Map<number, number[]> }> {
  const values = new Set<string>();
  const offsets = new Map<number, number[]>();
  await consumer.start({
    onBatch: ({ partition, records }) => {
      for (const { value, offset } of records) {
        values.add(Buffer.from(value ?? []).toString());
        offsets.set(partition, [...(offsets.get(partition) ?? []), offset]);
      }
      return Promise.resolve({});
    },
    startOffset: () => Promise.resolve(undefined),
  });
  return { values, offsets };
}

describe('faults', () => {
  test('kill -9 of the broker and a restart: nothing that was acknowledged is lost', async () => {
    const kafka = await ownKafka();
    try {
      const stream = kafkaStream(kafkaOptions({ brokers: kafka.brokers }));
      const topic = await makeTopic(stream);
      const producer = stream.producer();
      const consumer = stream.consumer({ group: uniqueName('group'), topics: [topic] });
      const { values } = await collect(consumer);
      const sending = keepSending(producer, topic);
      await until(() => values.size > 50);

      await kafka.kill();
      const reader = stream.lagReader();
      expect(await reader.read({ topic, group: 'any' })).toMatchObject({ kind: 'missing' });
      await reader.close();
      await kafka.restart();

      const before = sending.acknowledged.size;
      await until(() => sending.acknowledged.size > before + 50);
      await sending.stop();
      await until(() => [...sending.acknowledged].every((value) => values.has(value)));
      await until(() => consumer.status().state === 'running');
      await consumer.stop();
      await producer.close();
    } finally {
      await kafka.stop();
    }
  });

  test('a broker that is away for long: the consumer says so, comes back by itself, and stops quickly at any time', async () => {
    const kafka = await ownKafka();
    try {
      const stream = kafkaStream(kafkaOptions({ brokers: kafka.brokers }));
      const topic = await makeTopic(stream);
      const consumer = stream.consumer({ group: uniqueName('group'), topics: [topic] });
      const doomed = stream.consumer({ group: uniqueName('group'), topics: [topic] });
      const { values } = await collect(consumer);
      await collect(doomed);
      await kafka.kill();
      await until(() => consumer.status().state === 'joining' && consumer.status().reason !== undefined);
      const startedMs = performance.now();
      await doomed.stop();
      // Its own waits are 6.5 s; whoever waited for the broker would wait for ever.
      expect(performance.now() - startedMs).toBeLessThan(30_000);
      expect(doomed.status().state).toBe('stopped');
      await kafka.restart();
      await until(() => consumer.status().state === 'running');
      const producer = stream.producer();
      await producer.send([{ topic, key: 'a', value: 'again' }]);
      await until(() => values.has('again'));
      await Promise.all([consumer.stop(), producer.close()]);
    } finally {
      await kafka.stop();
    }
  });

  test('nobody answers at the address: start gives up in time, and stop works meanwhile', async () => {
    const stream = kafkaStream(kafkaOptions({ brokers: ['127.0.0.1:1'] }, { startTimeoutMs: 1_500 }));
    const startedMs = performance.now();
    await expect(collect(stream.consumer({ group: 'g', topics: ['t'] }))).rejects.toMatchObject({ code: 'transient' });
    // Long before the 45 s of the others.
    expect(performance.now() - startedMs).toBeLessThan(30_000);

    const patient = kafkaStream(kafkaOptions({ brokers: ['127.0.0.1:1'] }, { startTimeoutMs: 60_000 }));
    const consumer = patient.consumer({ group: 'g', topics: ['t'] });
    const starting = collect(consumer);
    await until(() => consumer.status().state === 'joining');
    await consumer.stop();
    await starting;
    expect(consumer.status().state).toBe('stopped');
  });

  test('retention overtakes a slow consumer: the gap is reported, and the rest is read', async () => {
    const brokers = testKafkaBrokers();
    const stream = kafkaStream(kafkaOptions({ brokers }));
    const topic = await makeTopic(stream);
    const admin = rawKafka(brokers).admin();
    await admin.connect();
    const raw = rawKafka(brokers).producer({ allowAutoTopicCreation: false });
    await raw.connect();
    // One batch each: of a batch that is cut in its middle, the broker still sends all.
    const send = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index++) {
        await raw.send({ topic, messages: [{ partition: 1, value: String(index) }] });
      }
    };
    const offsets: number[] = [];
    const skipped: unknown[] = [];
    const consumer = stream.consumer({ group: uniqueName('group'), topics: [topic] });
    await consumer.start({
      onBatch: ({ records }) => {
        offsets.push(...records.map(({ offset }) => offset));
        return Promise.resolve({});
      },
      startOffset: () => Promise.resolve(undefined),
      onSkipped: (range) => {
        skipped.push(range);
        return Promise.resolve();
      },
    });
    await send(10);
    await until(() => offsets.length === 10);
    consumer.pause();
    await send(30);
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 1, offset: '25' }] });
    consumer.resume();
    await until(() => offsets.at(-1) === 39);
    expect(offsets.slice(10)).toEqual(Array.from({ length: 15 }, (_, index) => 25 + index));
    expect(skipped).toMatchObject([{ partition: 1, fromOffset: 10, toOffset: 24, reason: 'expired' }]);
    await Promise.all([consumer.stop(), raw.disconnect(), admin.disconnect()]);
  });

  test('a handler that takes longer than the session keeps its partitions', async () => {
    const sessionTimeoutMs = 5_000;
    const stream = kafkaStream(kafkaOptions({ brokers: testKafkaBrokers() }, { sessionTimeoutMs }));
    const topic = await makeTopic(stream);
    const producer = stream.producer();
    await producer.send([{ topic, key: 'a', value: 'slow' }]);
    let [calls, ended] = [0, 0];
    const consumer = stream.consumer({ group: uniqueName('group'), topics: [topic] });
    await consumer.start({
      onBatch: async () => {
        calls++;
        // Longer than the session: only heartbeats keep the membership.
        if (calls === 1) await systemClock.sleep(sessionTimeoutMs + 2_000);
        ended++;
        return {};
      },
      startOffset: () => Promise.resolve(undefined),
    });
    await until(() => ended === 1);
    await producer.send([{ topic, key: 'a', value: 'next' }]);
    await until(() => calls >= 2);
    await systemClock.sleep(300);
    // A lost membership would have brought the first batch again.
    expect(calls).toBe(2);
    await Promise.all([consumer.stop(), producer.close()]);
  });

  test('an idle client sleeps: less than 2 % of a core', async () => {
    const stream = kafkaStream(kafkaOptions({ brokers: testKafkaBrokers() }));
    const topic = await makeTopic(stream);
    const producer = stream.producer();
    await producer.send([{ topic, key: null, value: 'x' }]);
    const before = process.cpuUsage();
    const startedMs = performance.now();
    await systemClock.sleep(2_000);
    const used = process.cpuUsage(before);
    const share = (used.user + used.system) / 1_000 / (performance.now() - startedMs);
    await producer.close();
    expect(share).toBeLessThan(0.02);
  });
});
