/** Before the first test: one Kafka and one Redis for the whole run, or the ones that the environment names. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../lib/base/errors.ts';
import { defaultCacheDir, existingKafka, existingRedis, startKafka, startRedis } from '../../lib/local/index.ts';
import { keepForTeardown } from './global-teardown.ts';

/** Sets `PENSTOCK_TEST_KAFKA` (host:port,…) and `PENSTOCK_TEST_REDIS` (URL) for the workers. Servers that are named there
 *  already are used; `PENSTOCK_TEST_SERVERS=none` starts nothing, for unit tests. Throws one line when one can't be had. */
export default async function globalSetup(): Promise<void> {
  if (process.env.PENSTOCK_TEST_SERVERS === 'none') return;
  const folder = await mkdtemp(join(tmpdir(), 'penstock-test-'));
  const [kafka, redis] = await Promise.allSettled([findKafka(join(folder, 'kafka')), findRedis(join(folder, 'redis'))]);
  if (kafka.status === 'fulfilled' && redis.status === 'fulfilled') {
    process.env.PENSTOCK_TEST_KAFKA = kafka.value.brokers.join(',');
    process.env.PENSTOCK_TEST_REDIS = redis.value.url;
    keepForTeardown({ handles: [kafka.value, redis.value], folder });
    return;
  }
  // One without the other is of no use: end it, and say why.
  const failures: string[] = [];
  for (const result of [kafka, redis]) {
    if (result.status === 'fulfilled') await result.value.stop();
    else failures.push(messageOf(result.reason));
  }
  await rm(folder, { recursive: true, force: true });
  throw new Error(failures.join('; '));
}

function findKafka(dataDir: string): ReturnType<typeof startKafka> {
  const named = process.env.PENSTOCK_TEST_KAFKA;
  return named ? existingKafka(named.split(',')) : startKafka({ ...options(), dataDir });
}

function findRedis(dataDir: string): ReturnType<typeof startRedis> {
  const named = process.env.PENSTOCK_TEST_REDIS;
  return named ? existingRedis(named) : startRedis({ ...options(), dataDir });
}

function options(): { cacheDir: string; progress: (line: string) => void } {
  return { cacheDir: defaultCacheDir(process.env.XDG_CACHE_HOME), progress: report };
}

function report(line: string): void {
  process.stderr.write(`${line}\n`);
}
