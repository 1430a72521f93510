/** Creates topics through kafkajs. */
import type { Admin, ITopicConfig } from 'kafkajs';
import type { Clock } from '../base/clock.ts';
import { NotFoundError, TransientError, type PenstockError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { kafkaError } from '../clients/kafka/errors.ts';
import { makeKafka, type KafkaSettings } from '../clients/kafka/client.ts';
import type { StreamAdmin } from './contract.ts';

type TopicSpec = Parameters<StreamAdmin['ensureTopics']>[0][number];

/** A leader is elected within a second; a broker that just started may take longer. */
const LEADERS_WAIT_MS = 30_000;
const POLL_MS = 50;

/** Connects with the first call. `ensureTopics` throws DeniedError, ConfigError, or TransientError when leaders are missing for 30 s. */
export function kafkaAdmin(options: {
  readonly kafka: KafkaSettings;
  readonly clock: Clock;
  readonly log: Logger;
}): StreamAdmin {
  const { clock } = options;
  const admin = lazyAdmin(makeKafka(options.kafka, options.log).admin());

  const missingOf = async (topics: readonly TopicSpec[]): Promise<readonly TopicSpec[]> => {
    const existing = new Set(await (await admin.get()).listTopics());
    return topics.filter(({ topic }) => !existing.has(topic));
  };

  const ensureTopics: StreamAdmin['ensureTopics'] = async (topics) => {
    if (topics.length === 0) return;
    const names = topics.map(({ topic }) => topic);
    const deadlineMs = clock.monotonicMs() + LEADERS_WAIT_MS;
    for (;;) {
      const problem = await tryOnce(names, async () => {
        const missing = await missingOf(topics);
        if (missing.length > 0) await create(await admin.get(), missing);
        return areReady(await admin.get(), names);
      });
      if (problem === null) return;
      if (!problem.retryable && !(problem instanceof NotFoundError)) throw problem;
      if (clock.monotonicMs() >= deadlineMs) throw problem;
      await clock.sleep(POLL_MS);
    }
  };
  return { ensureTopics, close: () => admin.close() };
}

/** Null when `work` says true, else what is wrong. */
async function tryOnce(names: readonly string[], work: () => Promise<boolean>): Promise<PenstockError | null> {
  const act = `create topics "${names.join('", "')}"`;
  try {
    if (await work()) return null;
    return new TransientError(`Cannot ${act}: expected a leader for each partition, some have none`);
  } catch (error) {
    return kafkaError(error, act);
  }
}

async function create(admin: Admin, topics: readonly TopicSpec[]): Promise<void> {
  // kafkajs's own wait for leaders fails on topics that are new, so leaders are polled for.
  await Promise.all(
    topics.map(async ({ topic, partitions, replicationFactor }) => {
      const config: ITopicConfig = { topic, numPartitions: partitions, replicationFactor };
      // One by one: somebody else may create one of them at the same moment, which kafkajs reports as false here, but as an error for several.
      await admin.createTopics({ topics: [config], waitForLeaders: false });
    }),
  );
}

/** Every partition has a leader, and the leader knows it: for a moment after a creation, brokers name leaders that still refuse records. */
async function areReady(admin: Admin, names: readonly string[]): Promise<boolean> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [...names] });
  const haveLeaders = topics.every(
    ({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0),
  );
  if (!haveLeaders) return false;
  for (const name of names) await admin.fetchTopicOffsets(name);
  return true;
}

/** An admin that connects when it is first needed, and again after a failed attempt. */
export function lazyAdmin(admin: Admin): { get(): Promise<Admin>; close(): Promise<void> } {
  let connected: Promise<void> | null = null;
  return {
    get: async () => {
      connected ??= admin.connect();
      try {
        await connected;
      } catch (error) {
        connected = null;
        throw error;
      }
      return admin;
    },
    close: async () => {
      if (connected !== null) await admin.disconnect();
    },
  };
}
