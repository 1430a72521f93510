import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ConfigError, TransientError } from '../../lib/base/errors.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { COMMAND_TIMEOUT_MS, openRedis } from '../../lib/clients/redis.ts';
import { foldRecords } from '../../lib/core/window/fold.ts';
import type { LoadWindow } from '../../lib/core/window/load-window.ts';
import type { RedisHandle } from '../../lib/local/index.ts';
import { checkRedis } from '../../lib/state/index.ts';
import { checkInfo } from '../../lib/state/redis-check.ts';
import { EMPTIED_FIELDS } from '../../lib/core/window/codec.ts';
import { describeState } from '../conformance/state.ts';
import { STORED_BEFORE } from '../core/window/before.ts';
import { inferenceLoad, START_MS } from '../events/builders.ts';
import { ownRedis, testRedisUrl, uniqueName } from '../support/kafka-redis.ts';
import { openStores, until } from './support.ts';

let prefix = '';
describeState('redis', {
  open: async () => {
    prefix = uniqueName('state');
    return openStores({ url: testRedisUrl(), prefix }).stores;
  },
  another: async () => openStores({ url: testRedisUrl(), prefix }).stores,
});

function applyOne(offset: number): (window: LoadWindow | undefined) => { window: LoadWindow; result: number } {
  return (window) => {
    const endMs = START_MS + (offset + 1) * 2_000;
    const event = inferenceLoad({ intervalStartMs: endMs - 2_000, intervalEndMs: endMs });
    const records = [{ offset, timestampMs: endMs, event }];
    const folded = foldRecords(window, { topicPartition: 't-0', records, nowMs: START_MS });
    return { window: folded.window, result: folded.applied };
  };
}

describe('redis state under faults', () => {
  let redis: RedisHandle;
  beforeAll(async () => {
    redis = await ownRedis();
  });
  afterAll(() => redis.stop());

  test('fails within its timeout while Redis hangs, and finds the write that was done all the same', async () => {
    const name = uniqueName('hang');
    const { stores } = openStores({ url: redis.url, prefix: name });
    // Its own timeout is only for the write that gets no answer: it is connected and has looked before.
    const { stores: impatient } = openStores({ url: redis.url, prefix: name, commandTimeoutMs: COMMAND_TIMEOUT_MS });
    try {
      await stores.load.apply('w', applyOne(0));
      await until(() =>
        impatient.load.readMany(['w']).then(
          (windows) => windows.size === 1,
          () => false,
        ),
      );
      process.kill(redis.pid ?? 0, 'SIGSTOP');
      // Redis hangs for as long as it takes: only the timeout ends this.
      const lost = impatient.load.apply('w', applyOne(1));
      await expect(lost).rejects.toThrow(TransientError);
      process.kill(redis.pid ?? 0, 'SIGCONT');
      // What comes after it through the same connection is answered: it was run before.
      await until(() =>
        impatient.ping().then(
          () => true,
          () => false,
        ),
      );
      // The command waited in the socket and was run: the offsets say so.
      await until(async () => (await stores.load.apply('w', applyOne(1))) === 0);
      const window = (await stores.load.readMany(['w'])).get('w');
      expect(window?.buckets.find((bucket) => bucket !== undefined)?.byClass.pod?.coveredMs).toBe(4_000);
    } finally {
      process.kill(redis.pid ?? 0, 'SIGCONT');
      await impatient.close();
      await stores.close();
    }
  });

  test('forgets what it remembered when Redis comes back without its tail, and tells its listeners', async () => {
    const { stores, client } = openStores({ url: redis.url, prefix: uniqueName('lost') });
    let reconnects = 0;
    const unsubscribe = stores.onReconnect(() => reconnects++);
    try {
      await stores.load.apply('w', applyOne(0));
      await stores.load.apply('w', applyOne(1));
      await client.flushall();
      // Connected all the time, and nobody told us: the remembered window says "duplicate", the store knows better.
      expect(await stores.load.apply('w', applyOne(1))).toBe(1);
      await redis.kill();
      await expect(stores.ping()).rejects.toThrow(TransientError);
      await redis.restart();
      await until(() => reconnects > 0);
      expect(await stores.load.apply('w', applyOne(2))).toBe(1);
      unsubscribe();
    } finally {
      await stores.close();
    }
  });

  test('loads its scripts again when the server forgot them', async () => {
    const { stores, client } = openStores({ url: redis.url, prefix: uniqueName('scripts') });
    try {
      expect(await stores.load.apply('w', applyOne(0))).toBe(1);
      await client.script('FLUSH');
      expect(await stores.load.apply('w', applyOne(1))).toBe(1);
      expect(await stores.control.compareAndSet('d', 1, undefined)).toBe(true);
    } finally {
      await stores.close();
    }
  });

  test('applies nothing and says so when Redis is out of memory', async () => {
    const { stores, client } = openStores({ url: redis.url, prefix: uniqueName('memory') });
    try {
      await stores.load.apply('w', applyOne(0));
      await client.config('SET', 'maxmemory', '1');
      await expect(stores.load.apply('w', applyOne(1))).rejects.toThrow(/OOM/);
      await client.config('SET', 'maxmemory', '0');
      expect(await stores.load.apply('w', applyOne(1))).toBe(1);
    } finally {
      await client.config('SET', 'maxmemory', '0');
      await stores.close();
    }
  });

  test.each([1, 2] as const)(
    'goes on with a window that was stored in format %i, and leaves nothing of that',
    async (format) => {
      const name = uniqueName('before');
      const { stores, client } = openStores({ url: redis.url, prefix: name });
      try {
        await client.hset(`${name}:load:w`, { v: 'before', ...STORED_BEFORE[format] });
        const before = (await stores.load.readMany(['w'])).get('w');
        expect(before?.sources.size).toBe(4);
        // Nothing new: nothing is written, so that a process of the version before may go on with it.
        expect(await stores.load.apply('w', applyOne(3))).toBe(0);
        expect(await client.hget(`${name}:load:w`, 'm')).toBe(STORED_BEFORE[format].m);
        expect(await stores.load.apply('w', applyOne(40))).toBe(1);
        const fields = await client.hgetall(`${name}:load:w`);
        const left = Object.keys(EMPTIED_FIELDS).filter((field) => (fields[field] ?? '') !== '');
        expect(left).toEqual([]);
        stores.load.forgetCache();
        const window = (await stores.load.readMany(['w'])).get('w');
        expect(window?.applied.get('t-0')?.offset).toBe(40);
        expect(window?.sources.size).toBe(4);
        for (const [slot, bucket] of before?.buckets.entries() ?? []) {
          if (bucket !== undefined && slot > 20) expect(window?.buckets[slot]).toEqual(bucket);
        }
      } finally {
        await stores.close();
      }
    },
  );

  test('rebuilds an unreadable window from nothing, and leaves one of a newer version alone', async () => {
    const name = uniqueName('corrupt');
    const { stores, client, metrics } = openStores({ url: redis.url, prefix: name });
    try {
      await stores.load.apply('w', applyOne(0));
      await client.hset(`${name}:load:w`, { b3: '!!', b4: 'junk', s1: 'x' });
      stores.load.forgetCache();
      expect(await stores.load.readMany(['w'])).toEqual(new Map());
      expect(metrics.counter('state_corrupt_windows_total')).toBe(1);
      expect(await stores.load.apply('w', applyOne(5))).toBe(1);
      stores.load.forgetCache();
      const window = (await stores.load.readMany(['w'])).get('w');
      expect([...(window?.applied.values() ?? [])]).toMatchObject([{ offset: 5 }]);
      expect(window?.buckets.filter((bucket) => bucket !== undefined)).toHaveLength(1);
      await client.hset(`${name}:load:w`, { m: 'ZAAA', v: 'newer' });
      await expect(stores.load.apply('w', applyOne(6))).rejects.toThrow('format 25');
    } finally {
      await stores.close();
    }
  });
});

describe('redis documents', () => {
  test('a memory or an actuation record that is no JSON reads as null and may be written over, a plan that is none is left to its owner', async () => {
    const name = uniqueName('broken');
    const { stores, client } = openStores({ url: testRedisUrl(), prefix: name });
    try {
      for (const text of ['', 'x', '\n', 'v.1', 'v.1\n{', '{"control":1}', '\n{}']) {
        await client.set(`${name}:control:w`, text);
        const read = await stores.control.read('w');
        expect([text, read?.value]).toEqual([text, null]);
        expect(await stores.control.compareAndSet('w', { control: 1 }, 'another')).toBe(false);
        expect(await stores.control.compareAndSet('w', { control: 1 }, read?.version)).toBe(true);
        expect((await stores.control.read('w'))?.value).toEqual({ control: 1 });
      }
      await client.set(`${name}:actuation:target/w`, 'v.1\n{');
      const action = await stores.actuation.read('target/w');
      expect(action?.value).toBeNull();
      const begun = { planSeq: 1, outcome: 'already', detail: '', atMs: 1, failures: 0, notBeforeMs: 0 } as const;
      expect(await stores.actuation.compareAndSet('target/w', begun, action?.version)).toBe(true);
      await client.set(`${name}:plan:default`, 'x');
      await expect(stores.plans.read('default')).rejects.toThrow(TransientError);
    } finally {
      await stores.close();
    }
  });
});

const info = (policy: string, aof: number, version = '7.0.15'): string =>
  `# Server\r\nredis_version:${version}\r\nmaxmemory_policy:${policy}\r\naof_enabled:${aof}\r\n`;

describe('checkRedis', () => {
  test('accepts the shared server', async () => {
    const client = openRedis({ url: testRedisUrl(), log: silentLogger });
    expect(await checkRedis(client)).toMatchObject({ warnings: [] });
    await client.quit();
  });

  test('refuses eviction and old servers, and warns without an append-only file', () => {
    expect(checkInfo(info('noeviction', 1))).toEqual({ version: '7.0.15', warnings: [] });
    expect(checkInfo(info('noeviction', 0)).warnings[0]).toContain('append-only file');
    expect(checkInfo('redis_version:7.2.0\r\n').warnings[0]).toContain('maxmemory-policy');
    expect(() => checkInfo(info('allkeys-lru', 1))).toThrow(ConfigError);
    expect(() => checkInfo(info('noeviction', 1, '5.0.3'))).toThrow('expected version 6.2');
  });
});

describe('openRedis', () => {
  test.each(['', 'localhost:6379', 'http://x', 'redis://'])('refuses the address "%s" without repeating it', (url) => {
    expect(() => openRedis({ url, log: silentLogger })).toThrow(ConfigError);
  });

  test('never shows the password of an address', () => {
    try {
      openRedis({ url: 'rediss://user:hunter2@host:1/notanumber', log: silentLogger });
      throw new Error('not refused');
    } catch (error) {
      expect(String(error)).not.toContain('hunter2');
      expect(error).toBeInstanceOf(ConfigError);
    }
  });
});
