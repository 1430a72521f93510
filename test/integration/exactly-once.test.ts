import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { seededRandom } from '../../lib/base/random.ts';
import { COMMAND_TIMEOUT_MS } from '../../lib/clients/redis.ts';
import type { RedisHandle } from '../../lib/local/index.ts';
import type { StateStores } from '../../lib/state/contract.ts';
import { memoryStateStores } from '../../lib/state/index.ts';
import { ingestDeps } from '../loop/ingest/support.ts';
import { type OpenStores, openStores, until } from '../state/support.ts';
import { ownRedis, testRedisUrl, uniqueName } from '../support/kafka-redis.ts';
import { consumerOf, drain, expectExact, faulty, makeLog, WORKLOADS } from './exactly-once-support.ts';

/** One run: two consumers on the same data, everything fails now and then, batches of any size, redeliveries; then both drain. */
async function chaosRun(seed: number, stores: readonly StateStores[]): Promise<void> {
  const random = seededRandom(seed);
  const log = makeLog(seed, 40 + Math.floor(random() * 160));
  let isCalm = false;
  const fails = (): 'before' | 'after' | 'no' => {
    const dice = isCalm ? 1 : random();
    return dice < 0.06 ? 'before' : dice < 0.12 ? 'after' : 'no';
  };
  const consumers = stores.map((one) => {
    const deps = ingestDeps(faulty(one, fails), WORKLOADS);
    return consumerOf(log, deps);
  });
  for (let round = 0; round < 40; round++) {
    await Promise.all(
      consumers.map((consumer) => {
        const partition = Math.floor(random() * 3);
        if (random() < 0.15) consumer.rewind(partition, Math.floor(random() * 30));
        return consumer.step(partition, 1 + Math.floor(random() * 25));
      }),
    );
  }
  isCalm = true;
  for (const consumer of consumers) await drain(consumer);
  await expectExact(log, stores[0] ?? memoryStateStores());
}

describe('exactly-once effect', () => {
  test('holds in memory for two writers, replays, any batches, and calls that fail before or after they were done', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const shared = memoryStateStores();
        await chaosRun(seed, [shared, shared]);
      }),
      { numRuns: 300 },
    );
  });

  test('holds in Redis for two writers with memories of their own', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const prefix = uniqueName('once');
        const open = [0, 1].map(() => openStores({ url: testRedisUrl(), prefix }));
        try {
          await chaosRun(
            seed,
            open.map((one) => one.stores),
          );
        } finally {
          await Promise.all(open.map((one) => one.stores.close()));
        }
      }),
      { numRuns: 60 },
    );
  });

  describe('with a Redis of its own', () => {
    let redis: RedisHandle;
    beforeAll(async () => {
      redis = await ownRedis();
    });
    afterAll(() => redis.stop());

    test('survives kill -9 and restart under load', async () => {
      // A command that a kill cut off never gets an answer: each kill waits once for its timeout.
      const commandTimeoutMs = 2 * COMMAND_TIMEOUT_MS;
      const { stores } = openStores({ url: redis.url, prefix: uniqueName('killed'), commandTimeoutMs });
      const log = makeLog(7, 6_000);
      const consumer = consumerOf(log, ingestDeps(stores, WORKLOADS));
      // Only who was connected can reconnect.
      await stores.ping();
      let reconnects = 0;
      stores.onReconnect(() => reconnects++);
      try {
        const random = seededRandom(11);
        for (let kills = 1; kills <= 5; kills++) {
          const before = reconnects;
          const steps = [0, 1, 2].map(async (partition) => {
            for (let step = 0; step < 20; step++) await consumer.step(partition, 1 + Math.floor(random() * 12));
          });
          await new Promise((resolve) => setTimeout(resolve, 5 + random() * 20));
          await redis.kill();
          await redis.restart();
          await Promise.all(steps);
          await until(async () => {
            await stores.ping().catch(() => {});
            return reconnects > before;
          });
          // A busy machine may let the first reads run into their timeout.
          await until(() =>
            consumer.reseek().then(
              () => true,
              () => false,
            ),
          );
        }
        await drain(consumer);
        await expectExact(log, stores);
      } finally {
        await stores.close();
      }
    });

    test('is refilled from its progress after it lost its tail, whether or not anybody noticed', async () => {
      const own = openStores({ url: redis.url, prefix: uniqueName('tail') });
      const log = makeLog(13, 3_000);
      const deps = ingestDeps(own.stores, WORKLOADS);
      const consumer = consumerOf(log, deps);
      try {
        for (let round = 0; round < 8; round++) {
          const backup = await dumpAll(own);
          for (const partition of [0, 1, 2]) for (let step = 0; step < 3; step++) await consumer.step(partition, 40);
          await restoreAll(own, backup);
          if (round % 2 === 0) own.stores.load.forgetCache();
          await consumer.reseek();
          for (const partition of [0, 1, 2]) await consumer.step(partition, 70);
        }
        await drain(consumer);
        await expectExact(log, own.stores);
        expect(deps.metrics.counter('ingest_gap_holds_total')).toBe(0);
      } finally {
        await own.stores.close();
      }
    });
  });
});

type Backup = ReadonlyMap<string, Buffer>;

/** All keys of the server as they are now: what would be left of it if everything after were lost. */
async function dumpAll({ client }: OpenStores): Promise<Backup> {
  const backup = new Map<string, Buffer>();
  for (const key of await client.keys('*')) {
    const dump = await client.dumpBuffer(key);
    if (dump !== null) backup.set(key, dump);
  }
  return backup;
}

async function restoreAll({ client }: OpenStores, backup: Backup): Promise<void> {
  await client.flushall();
  for (const [key, dump] of backup) await client.restore(key, 0, dump);
}
