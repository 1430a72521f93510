/** What Kafka and Redis hold of a site, for the books. */
import type { Admin, KafkaMessage } from 'kafkajs';
import type { RedisClient } from '../../lib/clients/redis.ts';
import type { LoadWindow } from '../../lib/core/window/load-window.ts';
import type { StateStores } from '../../lib/state/contract.ts';
import type { Delivered } from '../core/window/naive.ts';
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
export async function keysOf(brokers: readonly string[], topic: string): Promise<string[]> {
  return (await readAll(brokers, topic)).map(({ message }) => String(message.key));
}

/** Every load event that a topic holds, by workload, in the order of each partition. */
export async function logOf(brokers: readonly string[], topic: string): Promise<ReadonlyMap<string, Delivered[]>> {
  const log = new Map<string, Delivered[]>();
  for (const { partition, message } of await readAll(brokers, topic)) {
    const event = JSON.parse(String(message.value)) as Delivered['event'];
    const list = log.get(event.workload) ?? [];
    log.set(event.workload, list);
    const place = { topicPartition: `${topic}-${partition}`, offset: Number(message.offset) };
    list.push({ ...place, timestampMs: Number(message.timestamp), event });
  }
  return log;
}

type Read = { readonly partition: number; readonly message: KafkaMessage };

async function readAll(brokers: readonly string[], topic: string): Promise<Read[]> {
  const kafka = rawKafka(brokers);
  const admin = kafka.admin();
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const left = new Map(offsets.filter((one) => one.high !== one.low).map((one) => [one.partition, Number(one.high)]));
  const all: Read[] = [];
  if (left.size === 0) return all;
  const consumer = kafka.consumer({ groupId: uniqueName('reader'), sessionTimeout: 10_000 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const take = (partition: number, message: KafkaMessage): void => {
    const end = left.get(partition) ?? 0;
    if (Number(message.offset) < end) all.push({ partition, message });
    if (Number(message.offset) + 1 >= end) left.delete(partition);
  };
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          for (const message of batch.messages) take(batch.partition, message);
          if (left.size === 0) resolve();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return all;
}
