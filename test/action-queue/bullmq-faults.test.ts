import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { build, stop } from 'esbuild';
import { Redis } from 'ioredis';
import { LOCK_MS, STALLED_CHECK_MS } from '../../lib/action-queue/contract.ts';
import type { ActionQueue, ActionWorker, DeadJob } from '../../lib/action-queue/contract.ts';
import type { RedisConnect } from '../../lib/action-queue/index.ts';
import { systemClock, VirtualClock } from '../../lib/base/clock.ts';
import { TransientError } from '../../lib/base/errors.ts';
import { memoryMetrics } from '../../lib/base/metrics.ts';
import { target } from '../conformance/action-queue.ts';
import { ownRedis, testRedisUrl, uniqueName } from '../support/kafka-redis.ts';
import { connectTo, redisKit, until } from './support.ts';

const mustNotRun = async (): Promise<{ done: true }> => {
  throw new Error('This step must not run');
};
const ignoreDead = async (): Promise<void> => {};
let folder = '';
let childFile = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-child-'));
  childFile = join(folder, 'worker.mjs');
  const banner = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
  await build({
    entryPoints: ['test/action-queue/worker-child.ts'],
    outfile: childFile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: `${banner} const __filename = import.meta.filename; const __dirname = import.meta.dirname;` },
  });
});
afterAll(async () => {
  await stop();
  await rm(folder, { recursive: true, force: true });
});

/** A worker process and the ids of the steps it has started. */
function startChild(prefix: string): { readonly process: ChildProcess; readonly started: string[] } {
  const { hostname, port } = new URL(testRedisUrl());
  const child = spawn(process.execPath, [childFile, hostname, port, prefix], { stdio: ['ignore', 'pipe', 'inherit'] });
  const started: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => started.push(...text.split('\n').filter(Boolean)));
  return { process: child, started };
}

async function closing(parts: readonly (ActionQueue | ActionWorker)[], body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } finally {
    for (const part of parts) await part.close();
  }
}

/** The longest that Redis still keeps one of these keys [ms]; negative or infinite: none, or for ever. */
async function leftMs(redis: Redis, pattern: string): Promise<number> {
  const lives = await Promise.all((await redis.keys(pattern)).map((key) => redis.pttl(key)));
  return Math.max(...lives.map((ms) => (ms === -1 ? Infinity : ms)));
}

/** A takeover waits for the end of the lock and at most two checks after it, as Redis keeps them: so it comes within 10 s, however slow this machine is. */
async function expectTakeoverWithin10Sec(prefix: string, startCheck: () => Promise<void>): Promise<void> {
  const redis = new Redis(testRedisUrl());
  try {
    const lockMs = await leftMs(redis, `${prefix}:actions:*:lock`);
    expect(lockMs).toBeGreaterThan(0);
    expect(lockMs).toBeLessThanOrEqual(LOCK_MS);
    await startCheck();
    let checkMs = -Infinity;
    await until(async () => (checkMs = await leftMs(redis, `${prefix}:actions:stalled-check`)) > 0);
    expect(checkMs).toBeLessThanOrEqual(STALLED_CHECK_MS);
    expect(LOCK_MS + 2 * STALLED_CHECK_MS).toBeLessThanOrEqual(10_000);
  } finally {
    redis.disconnect();
  }
}

test('a worker killed in the middle of a step is replaced within 10 s, by a running worker', async () => {
  const metrics = memoryMetrics();
  const kit = redisKit({ metrics });
  const [queue, worker] = [kit.openQueue(), kit.openWorker()];
  const child = startChild(kit.prefix);
  await closing([worker, queue], async () => {
    await queue.wake([target('hang')]);
    await until(() => child.started.includes('hang'));
    const taken: number[] = [];
    await expectTakeoverWithin10Sec(kit.prefix, () =>
      worker.start(async (_, { attempt }) => {
        taken.push(attempt);
        return { done: true };
      }, ignoreDead),
    );
    child.process.kill('SIGKILL');
    await until(async () => (await queue.depth()) === 0);
    expect(taken).toEqual([1]);
    expect(metrics.counter('action_takeovers_total')).toBe(1);
  });
});

test('a worker killed in the middle of a step is replaced within 10 s, by a drain', async () => {
  const kit = redisKit();
  const [queue, worker] = [kit.openQueue(), kit.openWorker()];
  const child = startChild(kit.prefix);
  await closing([worker, queue], async () => {
    await queue.wake([target('hang')]);
    await until(() => child.started.includes('hang'));
    let draining: Promise<number> | undefined;
    await expectTakeoverWithin10Sec(kit.prefix, async () => {
      child.process.kill('SIGKILL');
      const deadlineMs = systemClock.nowMs() + 120_000;
      draining = worker.drain(async () => ({ done: true }), { deadlineMs, onDead: ignoreDead });
    });
    expect(await draining).toBe(1);
    expect(await queue.depth()).toBe(0);
  });
});

test('takeovers do not kill a job, and a wake during the silence is not lost', async () => {
  const kit = redisKit();
  const [queue, worker] = [kit.openQueue(), kit.openWorker()];
  await closing([worker, queue], async () => {
    await queue.wake([target('hang')]);
    for (let kill = 0; kill < 3; kill++) {
      const child = startChild(kit.prefix);
      await until(() => child.started.includes('hang'));
      await queue.wake([target('hang')]);
      child.process.kill('SIGKILL');
    }
    const dead: DeadJob[] = [];
    let runs = 0;
    await worker.start(
      async () => {
        runs += 1;
        return { done: true };
      },
      async (job) => void dead.push(job),
    );
    await until(async () => (await queue.depth()) === 0);
    expect(runs).toBeGreaterThanOrEqual(1);
    expect(dead).toEqual([]);
  });
});

test('a wake while Redis is down fails within a second with TransientError, and works again afterwards', async () => {
  const redis = await ownRedis();
  const kit = redisKit({ connect: connectTo(redis.url) });
  const clock = new VirtualClock(systemClock.nowMs());
  const queue = redisKit({ connect: connectTo(redis.url), prefix: kit.prefix, clock }).openQueue();
  const worker = kit.openWorker();
  const ran: string[] = [];
  /** Fails before a second of its clock has passed, on any machine. */
  const expectLost = async (answer: Promise<unknown>): Promise<void> => {
    const lost = expect(answer).rejects.toBeInstanceOf(TransientError);
    await clock.advance(999);
    await lost;
  };
  try {
    await worker.start(async (job) => {
      ran.push(job.id);
      return { done: true };
    }, ignoreDead);
    await queue.wake([target('before')]);
    await until(() => ran.includes('before'));
    process.kill(redis.pid ?? 0, 'SIGSTOP');
    await expectLost(queue.wake([target('meanwhile')]));
    process.kill(redis.pid ?? 0, 'SIGCONT');
    await redis.kill();
    for (let attempt = 0; attempt < 3; attempt++) await expectLost(queue.wake([target('meanwhile')]));
    await expectLost(queue.depth());
    await redis.restart();
    await until(() =>
      queue.wake([target('after')]).then(
        () => true,
        () => false,
      ),
    );
    await until(() => ran.includes('after'));
  } finally {
    await worker.close();
    await queue.close();
    await redis.stop();
  }
});

test('a queue opened while Redis is down recovers when Redis comes', async () => {
  const redis = await ownRedis();
  await redis.kill();
  const queue = redisKit({ connect: connectTo(redis.url) }).openQueue();
  try {
    await expect(queue.wake([target('a')])).rejects.toBeInstanceOf(TransientError);
    await redis.restart();
    await until(() =>
      queue.wake([target('a')]).then(
        () => true,
        () => false,
      ),
    );
    expect(await queue.depth()).toBe(1);
  } finally {
    await queue.close();
    await redis.stop();
  }
});

test('closing works within 10 s while Redis is down', async () => {
  const redis = await ownRedis();
  const clock = new VirtualClock(systemClock.nowMs());
  const opened: ReturnType<RedisConnect>[] = [];
  const connect: RedisConnect = (settings) => {
    const client = connectTo(redis.url)(settings);
    opened.push(client);
    return client;
  };
  const kit = redisKit({ connect, clock });
  const [queue, worker] = [kit.openQueue(), kit.openWorker()];
  await worker.start(async () => ({ done: true }), ignoreDead);
  await queue.wake([target('a')]);
  await redis.kill();
  await until(() => opened.every(({ status }) => status !== 'ready'));
  const closed = worker.close().then(() => queue.close());
  for (let passedMs = 0; passedMs < 10_000; passedMs += 100) {
    await clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  // No more of its time passes.
  await closed;
  await redis.stop();
});

test('a job that a cut-off write left in no list does not block its target for ever', async () => {
  const kit = redisKit();
  const queue = kit.openQueue();
  const redis = new Redis(testRedisUrl());
  try {
    await queue.wake([target('a')]);
    await redis.del(`${kit.prefix}:actions:wait`);
    expect(await queue.depth()).toBe(0);
    await queue.wake([target('a')]);
    expect(await queue.depth()).toBe(1);
  } finally {
    redis.disconnect();
    await queue.close();
  }
});

test('a job that has killed its workers too often is reported dead, long-running and drained', async () => {
  for (const mode of ['start', 'drain'] as const) {
    const kit = redisKit();
    const [queue, worker] = [kit.openQueue(), kit.openWorker()];
    const redis = new Redis(testRedisUrl());
    const dead: DeadJob[] = [];
    const onDead = async (job: DeadJob): Promise<void> => void dead.push(job);
    await closing([worker, queue], async () => {
      await queue.wake([target('poison')]);
      const [id = ''] = await redis.lrange(`${kit.prefix}:actions:wait`, 0, 0);
      await redis.hset(`${kit.prefix}:actions:${id}`, 'defa', 'job stalled more than allowable limit');
      if (mode === 'start') await worker.start(mustNotRun, onDead);
      else await worker.drain(mustNotRun, { deadlineMs: systemClock.nowMs() + 120_000, onDead });
      await until(async () => dead.length === 1 && (await queue.depth()) === 0);
      expect(dead[0]?.job).toEqual(target('poison'));
    });
    redis.disconnect();
  }
});

test('leaves no job behind in Redis, and keeps every key under the prefix with its hash tag', async () => {
  const redis = await ownRedis();
  const prefix = `{${uniqueName('tag')}}`;
  const kit = redisKit({ connect: connectTo(redis.url), prefix });
  const [queue, worker] = [kit.openQueue(), kit.openWorker()];
  const reader = new Redis(redis.url);
  await closing([worker, queue], async () => {
    await worker.start(async (job, { attempt }) => {
      if (job.id === 'dies' || attempt > 1) throw new TypeError('bug');
      if (job.id === 'again' && Math.random() < 0.5) return { done: false, againInMs: 0 };
      return { done: true };
    }, ignoreDead);
    for (let index = 0; index < 20; index++) await queue.wake([target('dies'), target('again'), target(`t${index}`)]);
    await queue.wake([{ kind: 'alert', hook: 'h', id: 'x', payload: 'canary-payload' }]);
    await until(async () => (await queue.depth()) === 0);
    const keys = await reader.keys('*');
    expect(keys.filter((key) => !key.startsWith(`${prefix}:`))).toEqual([]);
    const kinds = new Set(keys.map((key) => key.slice(prefix.length + 1).replace(/^(actions|alerts):/, '')));
    for (const left of kinds) expect(['id', 'meta', 'events', 'marker', 'stalled-check', 'stalled']).toContain(left);
  });
  reader.disconnect();
  await redis.stop();
});
