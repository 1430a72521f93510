/** The demo's own use of Kafka: topics, a producer, and how many records a topic holds. */
import { systemClock } from '../../../base/clock.ts';
import { TransientError } from '../../../base/errors.ts';
import { silentLogger } from '../../../base/log.ts';
import { noMetrics } from '../../../base/metrics.ts';
import { seededRandom } from '../../../base/random.ts';
import type { Topics } from '../../../loop/deps.ts';
import { kafkaStream } from '../../../stream/index.ts';
import type { OutgoingRecord } from '../../../stream/contract.ts';

export type DemoKafka = {
  /** Resolves when the broker has acknowledged. */
  send(records: readonly OutgoingRecord[]): Promise<void>;
  /** Records in the topic now: Σ end − start offset of its partitions. Throws TransientError when a partition does not answer. */
  count(topic: string): Promise<number>;
  close(): Promise<void>;
};

const PARTITIONS = 4;

/** Creates the topics that are missing. */
export async function openDemoKafka(brokers: readonly string[], topics: Topics): Promise<DemoKafka> {
  const stream = kafkaStream({
    kafka: { brokers, clientId: 'penstock-demo' },
    clock: systemClock,
    log: silentLogger,
    metrics: noMetrics,
    random: seededRandom(1),
  });
  const admin = stream.admin();
  await admin.ensureTopics(
    Object.values(topics).map((topic) => ({ topic, partitions: PARTITIONS, replicationFactor: 1 })),
  );
  await admin.close();
  const producer = stream.producer();
  const lag = stream.lagReader();
  return {
    send: (records) => producer.send(records),
    count: async (topic) => {
      // A group that never committed lags behind by everything there is.
      const all = await lag.read({ topic, group: 'penstock-demo-nobody' });
      if (all.kind === 'missing') throw new TransientError(`Cannot count the records of "${topic}": ${all.reason}`);
      return all.depth;
    },
    close: async () => {
      await Promise.all([producer.close(), lag.close()]);
    },
  };
}
