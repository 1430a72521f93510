import { systemClock } from '../../lib/base/clock.ts';
import { kafkaStream } from '../../lib/stream/kafka.ts';
import { describeStream } from '../conformance/stream.ts';
import { testKafkaBrokers, uniqueName } from '../support/kafka-redis.ts';
import { kafkaOptions, rawKafka, until } from '../stream/kafka-support.ts';

describeStream('kafka', async () => {
  const brokers = testKafkaBrokers();
  const admin = rawKafka(brokers).admin();
  await admin.connect();
  return {
    stream: kafkaStream(kafkaOptions({ brokers })),
    impatient: kafkaStream(kafkaOptions({ brokers }, { startTimeoutMs: 10_000 })),
    name: uniqueName,
    until,
    pass: (ms) => systemClock.sleep(ms),
    nowMs: () => systemClock.nowMs(),
    expire: async ({ topic, partition, offset }) => {
      // kafkajs deletes only in topics whose offsets it has asked for.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
    },
    close: () => admin.disconnect(),
  };
});
