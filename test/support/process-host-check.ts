/** What Kafka and Redis hold of a site, for the books. */
import type { Admin } from 'kafkajs';
import type { RedisClient } from '../../lib/clients/redis.ts';
import type { LoadWindow } from '../../lib/core/window/load-window.ts';
import type { StateStores } from '../../lib/state/contract.ts';
import { rawKafka } from '../stream/kafka-support.ts';
import type { Site } from './process-host.ts';
import { uniqueName } from './kafka-redis.ts';

/** By partition of the load topic. */
export type Places = {
  readonly windows: ReadonlyMap<string, LoadWindow>;
  /** Last offset applied; -1 before the first. */
  readonly progress: readonly number[];
  /** Next offset to read; 0 before the first commit. */
  readonly committed: readonly number[];
  /** Offset of the next record to be written. */
  readonly ends: readonly number[];
};

export type PlacesOptions = {
  readonly admin: Admin;
  readonly stores: StateStores;
  readonly client: RedisClient;
  readonly site: Site;
  readonly partitions: number;
  readonly workloads: readonly string[];
};

/** Reads what is stored now. Throws what the clients throw. */
export async function placesOf(options: PlacesOptions): Promise<Places> {
  const { admin, stores, site } = options;
  const topic = site.topics.inferenceLoad;
  const all = Array.from({ length: options.partitions }, (_, partition) => partition);
  stores.load.forgetCache();
  const [windows, progress, offsets, committed] = await Promise.all([
    stores.load.readMany(options.workloads),
    Promise.all(all.map((partition) => stores.progress.read(`${topic}-${partition}`))),
    admin.fetchTopicOffsets(topic),
    admin.fetchOffsets({ groupId: site.group, topics: [topic] }),
  ]);
  const commits = committed.find((one) => one.topic === topic)?.partitions ?? [];
  return {
    windows,
    progress: progress.map((one) => one?.value.offset ?? -1),
    committed: all.map((partition) =>
      Math.max(0, Number(commits.find((one) => one.partition === partition)?.offset ?? 0)),
    ),
    ends: all.map((partition) => Number(offsets.find((one) => one.partition === partition)?.high ?? Number.NaN)),
  };
}

/** Requests that arrived, over the whole ring and all classes of sources. */
export function arrivedOf(window: LoadWindow): number {
  let milli = 0;
  for (const bucket of window.buckets) {
    for (const sums of Object.values(bucket?.byClass ?? {})) milli += sums.arrived;
  }
  return milli / 1_000;
}

/** Keys of all records of a topic, in any order. */
export async function deadLetterKeys(brokers: readonly string[], topic: string): Promise<string[]> {
  const kafka = rawKafka(brokers);
  const admin = kafka.admin();
  await admin.connect();
  const left = new Map(
    (await admin.fetchTopicOffsets(topic))
      .filter((one) => one.high !== one.low)
      .map((one) => [one.partition, one.high]),
  );
  await admin.disconnect();
  const keys: string[] = [];
  if (left.size === 0) return keys;
  const consumer = kafka.consumer({ groupId: uniqueName('reader'), sessionTimeout: 10_000 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        autoCommit: false,
        eachMessage: async ({ partition, message }) => {
          keys.push(String(message.key));
          if (Number(message.offset) + 1 >= Number(left.get(partition))) left.delete(partition);
          if (left.size === 0) resolve();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return keys;
}
