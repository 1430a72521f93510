/** Brings up everything the demo stands on, and takes it down again in reverse order. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { systemClock } from '../../base/clock.ts';
import { existingKafka, existingRedis, startKafka, startRedis } from '../../local/index.ts';
import type { KafkaHandle, RedisHandle } from '../../local/index.ts';
import { startClusterServer } from '../../simulator/cluster-server/server.ts';
import type { ClusterServer } from '../../simulator/cluster-server/server.ts';
import { createWorld } from '../../simulator/world.ts';
import type { World } from '../../simulator/world.ts';
import { startReceiver } from './receiver.ts';
import type { Receiver } from './receiver.ts';
import { worldSettings } from './scene.ts';

export type Servers = {
  readonly kafka: KafkaHandle;
  readonly redis: RedisHandle;
  readonly world: World;
  readonly cluster: ClusterServer;
  readonly receiver: Receiver;
  /** Path of a kubeconfig for the simulated cluster. */
  readonly kubeconfigFile: string;
  readonly alertSecret: string;
};

export type ServersOptions = {
  readonly cacheDir: string;
  readonly kafkaBrokers: readonly string[] | null;
  readonly redisUrl: string | null;
  readonly dayDurationSec: number;
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal;
  /** What must be undone is pushed here as soon as it exists, so that a failure half way leaves nothing behind. */
  readonly undo: (() => Promise<void>)[];
};

/** Starts Kafka and Redis side by side, then the simulated cluster and the alert receiver. Throws ConfigError when a server cannot be had. */
export async function startServers(options: ServersOptions): Promise<Servers> {
  const { undo } = options;
  const folder = await mkdtemp(join(tmpdir(), 'penstock-demo-'));
  undo.push(() => rm(folder, { recursive: true, force: true }));
  // All settled: when one cannot be had, the other must be up before it can be taken down.
  const [kafkaStart, redisStart] = await Promise.allSettled([kafkaOf(options, folder), redisOf(options, folder)]);
  const [kafka, redis] = [valueOf(kafkaStart), valueOf(redisStart)];
  const alertSecret = `whsec_${randomBytes(32).toString('base64')}`;
  const receiver = await startReceiver(alertSecret);
  undo.push(() => receiver.close());
  const world = createWorld(worldSettings(options.dayDurationSec), systemClock.nowMs());
  const cluster = await startClusterServer({ world, clock: systemClock });
  undo.push(() => cluster.close());
  options.progress(
    `Simulated cluster: Kubernetes API on ${cluster.kubernetesUrl}, EKS and Auto Scaling on ${cluster.awsUrl}.`,
  );
  const kubeconfigFile = join(folder, 'kubeconfig.json');
  await writeFile(kubeconfigFile, JSON.stringify(kubeconfigOf(cluster)));
  return { kafka, redis, world, cluster, receiver, kubeconfigFile, alertSecret };
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

/** A kubeconfig for the simulated cluster; JSON is YAML. */
export function kubeconfigOf(cluster: ClusterServer): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'demo',
    clusters: [{ name: 'demo', cluster: { server: cluster.kubernetesUrl, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'penstock', user: { token: cluster.token } }],
    contexts: [{ name: 'demo', context: { cluster: 'demo', user: 'penstock' } }],
  };
}
