/** Real servers for tests: the shared ones of this run, and private ones that a test may kill. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  defaultCacheDir,
  type KafkaHandle,
  type RedisHandle,
  type ServerHandle,
  startKafka,
  type StartKafkaOptions,
  startRedis,
  type StartRedisOptions,
} from '../../lib/local/index.ts';

/** Brokers of the Kafka that all tests of this run share. Use {@link uniqueName} for topics and groups. */
export function testKafkaBrokers(): string[] {
  return required('PENSTOCK_TEST_KAFKA').split(',');
}

/** URL of the Redis that all tests of this run share. Use {@link uniqueName} for key prefixes. */
export function testRedisUrl(): string {
  return required('PENSTOCK_TEST_REDIS');
}

/** A name that no other test and no other run uses: `prefix-1a2b3c4d5e6f`. Valid as topic, group and key prefix. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomUUID().replaceAll('-', '').slice(0, 12)}`;
}

type Own<Options> = Partial<Omit<Options, 'dataDir'>>;

/** A broker of this test's own (1-3 s from the warm cache), for kills, restarts and `security: true`. `stop()` it in a
 *  `finally` or `afterAll`: that also removes its data, so it can't be restarted afterwards. */
export async function ownKafka(options: Own<StartKafkaOptions> = {}): Promise<KafkaHandle> {
  return withOwnFolder((dataDir) => startKafka({ ...defaults(), ...options, dataDir }));
}

/** A Redis of this test's own (50 ms from the warm cache), for kills and restarts. Stop it like {@link ownKafka}. */
export async function ownRedis(options: Own<StartRedisOptions> = {}): Promise<RedisHandle> {
  return withOwnFolder((dataDir) => startRedis({ ...defaults(), ...options, dataDir }));
}

function defaults(): { cacheDir: string; progress: () => void } {
  return { cacheDir: defaultCacheDir(process.env.XDG_CACHE_HOME), progress: () => {} };
}

async function withOwnFolder<Handle extends ServerHandle>(
  start: (dataDir: string) => Promise<Handle>,
): Promise<Handle> {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-own-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const handle = await start(folder);
    const stop = async (): Promise<void> => {
      await handle.stop();
      await remove();
    };
    // A copy would freeze `pid`, which is read when it is asked for.
    return Object.create(handle, { stop: { value: stop, enumerable: true } }) as Handle;
  } catch (error) {
    await remove();
    throw error;
  }
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') {
    throw new Error(
      `Cannot run this test: expected ${name} to be set, current value is unset (PENSTOCK_TEST_SERVERS=none?)`,
    );
  }
  return value;
}
