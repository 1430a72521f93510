/** Brings up everything the demo stands on, and takes it down again in reverse order. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { messageOf } from '../../../base/errors.ts';
import { existingKafka, existingRedis, startKafka, startRedis } from '../../../local/index.ts';
import type { KafkaHandle, RedisHandle } from '../../../local/index.ts';
import type { ClusterOptions, DemoCluster } from '../cluster/cluster.ts';
import { CLUSTERS } from '../cluster/clusters.ts';
import type { ClusterName } from '../cluster/clusters.ts';
import { startReceiver } from './receiver.ts';
import type { Receiver } from './receiver.ts';

export type Servers = {
  /** For logs and policies of this demo alone. */
  readonly folder: string;
  readonly kafka: KafkaHandle;
  readonly redis: RedisHandle;
  readonly cluster: DemoCluster;
  readonly receiver: Receiver;
  readonly alertSecret: string;
};

export type ServersOptions = Omit<ClusterOptions, 'folder'> & {
  readonly cluster: ClusterName;
  readonly kafkaBrokers: readonly string[] | null;
  readonly redisUrl: string | null;
};

/** Starts Kafka, Redis and the cluster side by side, then the alert receiver. Throws ConfigError when one cannot be had, and the reasons of all when more cannot. */
export async function startServers(options: ServersOptions): Promise<Servers> {
  const { undo } = options;
  const folder = await mkdtemp(join(tmpdir(), 'penstock-demo-'));
  undo.push(() => rm(folder, { recursive: true, force: true }));
  const kind = CLUSTERS[options.cluster];
  // Before the others: a build that takes minutes, or cannot be done, keeps no servers waiting.
  await kind.prepare({ ...options, folder });
  // All settled: when one cannot be had, the others must be up before they can be taken down.
  const [kafka, redis, cluster] = await Promise.allSettled([
    kafkaOf(options, folder),
    redisOf(options, folder),
    kind.start({ ...options, folder }),
  ]);
  const failed = [kafka, redis, cluster].flatMap((part) =>
    part.status === 'rejected' ? [part.reason as unknown] : [],
  );
  if (failed.length > 1) throw new AggregateError(failed, failed.map(messageOf).join('\n'));
  const started = { kafka: valueOf(kafka), redis: valueOf(redis), cluster: valueOf(cluster) };
  const alertSecret = `whsec_${randomBytes(32).toString('base64')}`;
  const receiver = await startReceiver(alertSecret);
  undo.push(() => receiver.close());
  return { folder, ...started, receiver, alertSecret };
}

function valueOf<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}

async function kafkaOf(options: ServersOptions, folder: string): Promise<KafkaHandle> {
  if (options.kafkaBrokers !== null) return existingKafka(options.kafkaBrokers);
  const { cacheDir, progress, signal } = options;
  const kafka = await startKafka({ cacheDir, dataDir: join(folder, 'kafka'), progress, signal });
  options.undo.push(() => kafka.stop());
  return kafka;
}

async function redisOf(options: ServersOptions, folder: string): Promise<RedisHandle> {
  if (options.redisUrl !== null) return existingRedis(options.redisUrl);
  const { cacheDir, progress, signal } = options;
  const redis = await startRedis({ cacheDir, dataDir: join(folder, 'redis'), progress, signal });
  options.undo.push(() => redis.stop());
  return redis;
}
