/** Redis and Kafka die, lose their tail, or forget everything, under a running controller. */
import { mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../lib/base/clock.ts';
import { emptyWindow } from '../../lib/core/window/load-window.ts';
import type { KafkaHandle, RedisHandle } from '../../lib/local/index.ts';
import { naiveWindow, plainOf } from '../core/window/naive.ts';
import { type OpenStores, openStores } from '../state/support.ts';
import { ownKafka, ownRedis } from '../support/kafka-redis.ts';
import { type LoadProducer, loadProducer } from '../support/load-producer.ts';
import { arrivedOf, logOf } from '../support/process-host-check.ts';
import { buildTestCli, eventually, type Host, lastLog, openSite, type Site } from '../support/process-host.ts';
import { deployment, NAMESPACE, QUICK_WORLD, workloadPolicy } from '../support/process-host-scenes.ts';

const WORKLOADS = ['one', 'two', 'three'];
const SOURCES = 60;
const PARTITIONS = 2;
const ROUND_MS = 500;

let cli: Awaited<ReturnType<typeof buildTestCli>>;
let kafka: KafkaHandle;
let redis: RedisHandle;
let redisFolder: string;

beforeAll(async () => {
  redisFolder = await mkdtemp(join(tmpdir(), 'penstock-faults-'));
  [cli, kafka, redis] = await Promise.all([buildTestCli(), ownKafka(), ownRedis({ args: ['--dir', redisFolder] })]);
});
afterAll(async () => {
  await redis?.stop();
  await kafka?.stop();
  await rm(redisFolder, { recursive: true, force: true });
  await cli?.remove();
});

type Stage = {
  readonly site: Site;
  readonly host: Host;
  readonly producer: LoadProducer;
  readonly open: OpenStores;
  /** In flight at each source from the next round on. */
  setLoad(inFlight: number): void;
  /** Ends the load; resolves when the last round is acknowledged. */
  stopLoad(): Promise<void>;
  close(): Promise<void>;
};

/** A controller of three workloads under load: 360 events a second. Resolves when it has grown all of them. */
async function openStage(): Promise<Stage> {
  const site = await openSite({
    script: cli.script,
    brokers: kafka.brokers,
    redisUrl: redis.url,
    partitions: PARTITIONS,
    world: { ...QUICK_WORLD, deployments: WORKLOADS.map((name) => deployment({ name, gpusPerPod: 0 })) },
    policies: WORKLOADS.map((name) => workloadPolicy({ name }).replace('windowSec: 5', 'windowSec: 10')).join('---\n'),
    env: { PENSTOCK_KAFKA_SESSION_TIMEOUT_MS: '3000' },
  });
  const producer = await loadProducer({
    brokers: kafka.brokers,
    topic: site.topics.inferenceLoad,
    partitions: PARTITIONS,
    workloads: WORKLOADS,
    sourcesPerWorkload: SOURCES,
  });
  let inFlight = 0.5;
  const stopping = new AbortController();
  const pumping = pump(producer, { signal: stopping.signal, inFlight: () => inFlight });
  const open = openStores({ url: redis.url, prefix: site.keyPrefix });
  const stopLoad = async (): Promise<void> => {
    stopping.abort();
    await pumping;
  };
  const host = await site.start();
  const close = async (): Promise<void> => {
    await stopLoad();
    await producer.close();
    await open.stores.close();
    await site.close();
  };
  const stage = { site, host, producer, open, stopLoad, close, setLoad: (next: number) => void (inFlight = next) };
  await soon(stage, 'all have grown', () => WORKLOADS.every((name) => replicasOf(stage, name) >= 4));
  return stage;
}

/** Sends a round every half second; a broker that is away costs a round, not the load. */
async function pump(
  producer: LoadProducer,
  { signal, inFlight }: { readonly signal: AbortSignal; readonly inFlight: () => number },
): Promise<void> {
  let startMs = systemClock.nowMs() - ROUND_MS;
  while (!signal.aborted) {
    const endMs = systemClock.nowMs();
    if (endMs - startMs >= ROUND_MS) {
      await producer.send({ startMs, endMs, inFlight: inFlight() }).catch(() => {});
      startMs = endMs;
    }
    await systemClock.sleep(20, signal);
  }
}

/** Longer than the stabilization window of the policies: nothing more comes down on a steady load [ms]. */
const SETTLED_MS = 12_000;

async function soon(
  stage: Pick<Stage, 'site'>,
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  await eventually(what, condition, { about: () => lastLog(stage.site) });
}

const replicasOf = (stage: Pick<Stage, 'site'>, name: string): number =>
  stage.site.world.deployment({ namespace: NAMESPACE, name }).replicas;

/** Counts that were written, in order, with their times. */
function writesOf(stage: Stage, name: string): { readonly replicas: number; readonly atMs: number }[] {
  return stage.site.cluster.requests
    .of('patch deployments/scale')
    .filter(({ status, path }) => status === 200 && path.includes(`/${name}/`))
    .map(({ body, atMs }) => ({ replicas: (JSON.parse(body) as { spec: { replicas: number } }).spec.replicas, atMs }));
}

function expectNoDecrease(stage: Stage): void {
  for (const name of WORKLOADS) {
    const counts = [1, ...writesOf(stage, name).map(({ replicas }) => replicas)];
    expect({ name, counts }).toEqual({ name, counts: counts.toSorted((a, b) => a - b) });
  }
}

async function decidedAtMs(stage: Stage): Promise<number> {
  const workloads = (await stage.host.view())?.status.workloads ?? [];
  return Math.min(...workloads.map((one) => one.decidedAtMs ?? 0));
}

/** Ends the load, waits until all is applied, and compares every window with the naive fold of what Kafka holds. Gives the number of events: a producer whose broker died may have written some twice. */
async function expectExact(stage: Stage): Promise<number> {
  await stage.stopLoad();
  const { site, open } = stage;
  const log = await logOf(kafka.brokers, site.topics.inferenceLoad);
  const last = new Map<string, number>();
  for (const { topicPartition, offset } of [...log.values()].flat()) {
    last.set(topicPartition, Math.max(offset, last.get(topicPartition) ?? 0));
  }
  await soon(stage, 'all is applied', async () => {
    const progress = await open.stores.progress.readMany([...last.keys()]);
    return [...last].every(([id, offset]) => progress.get(id)?.value.offset === offset);
  });
  open.stores.load.forgetCache();
  const windows = await open.stores.load.readMany(WORKLOADS);
  const written = new Set<string>();
  let arrived = 0;
  for (const workload of WORKLOADS) {
    const window = windows.get(workload) ?? emptyWindow();
    expect(plainOf(window)).toEqual(naiveWindow(log.get(workload) ?? []));
    arrived += arrivedOf(window);
    for (const { event } of log.get(workload) ?? []) written.add(`${event.source} ${event.intervalEndMs}`);
  }
  expect(arrived).toBe(written.size);
  expect(stage.host.exitCode()).toBeNull();
  return written.size;
}

/** Cuts the last bytes off the append-only file, as a crash of the machine does. */
async function cutTail(bytes: number): Promise<void> {
  const folder = join(redisFolder, 'appendonlydir');
  const name = (await readdir(folder)).toSorted().findLast((one) => one.endsWith('.incr.aof')) ?? '';
  const { size } = await stat(join(folder, name));
  expect(size).toBeGreaterThan(bytes);
  await truncate(join(folder, name), size - bytes);
}

describe('a running controller', () => {
  test('goes on by itself when Redis is killed and comes back, three times under load', async () => {
    const stage = await openStage();
    try {
      for (let kill = 0; kill < 3; kill++) {
        await redis.kill();
        await systemClock.sleep(500 + kill * 700);
        await redis.restart();
        const backMs = systemClock.nowMs();
        await soon(stage, 'it decides again', async () => (await decidedAtMs(stage)) > backMs);
      }
      expect(await expectExact(stage)).toBe([...stage.producer.sent.values()].flat().length);
      expectNoDecrease(stage);
    } finally {
      await stage.close();
    }
  });

  test('refills from Kafka what a Redis lost that comes back without its last writes', async () => {
    const stage = await openStage();
    try {
      await redis.kill();
      await cutTail(50_000);
      await redis.restart();
      const backMs = systemClock.nowMs();
      await soon(stage, 'it decides again', async () => (await decidedAtMs(stage)) > backMs);
      expect(await stage.site.log()).toContain('partitions go back');
      expect(await expectExact(stage)).toBe([...stage.producer.sent.values()].flat().length);
      expectNoDecrease(stage);
    } finally {
      await stage.close();
    }
  });

  test('goes on by itself when Kafka is killed and comes back', async () => {
    const stage = await openStage();
    try {
      await kafka.kill();
      await systemClock.sleep(1_500);
      await kafka.restart();
      const backMs = systemClock.nowMs();
      const metric = async (): Promise<number> => {
        const window = (await stage.open.stores.load.readMany(['one'])).get('one');
        return Math.max(...[...(window?.sources.values() ?? [])].map((source) => source.lastSeenMs));
      };
      await soon(stage, 'new events are applied', async () => (await metric()) > backMs);
      expect(await expectExact(stage)).toBeGreaterThanOrEqual([...stage.producer.sent.values()].flat().length);
      expectNoDecrease(stage);
    } finally {
      await stage.close();
    }
  });

  test('hears the last window again from Kafka when Redis forgets everything, and shrinks nothing for a whole stabilization window', async () => {
    const stage = await openStage();
    try {
      // A decrease that was decided before the loss (the end of the first minutes' peak) is none of it.
      await soon(stage, 'the counts have settled', () =>
        WORKLOADS.every((name) => systemClock.nowMs() - (writesOf(stage, name).at(-1)?.atMs ?? 0) > SETTLED_MS),
      );
      const before = WORKLOADS.map((name) => replicasOf(stage, name));
      await stage.open.client.flushall();
      const lostMs = systemClock.nowMs();
      // The worst moment for it: from now on there is little to do. A controller that lost its plans shrinks nothing for a minute.
      stage.setLoad(0.05);
      await soon(stage, 'it shrinks in the end', () => WORKLOADS.every((name) => replicasOf(stage, name) === 1));
      for (const [index, name] of WORKLOADS.entries()) {
        const firstLower = writesOf(stage, name).find(
          ({ replicas, atMs }) => atMs > lostMs && replicas < (before[index] ?? 0),
        );
        expect(firstLower?.atMs ?? 0).toBeGreaterThanOrEqual(lostMs + 10_000);
      }
      expect(await expectExact(stage)).toBe([...stage.producer.sent.values()].flat().length);
    } finally {
      await stage.close();
    }
  });
});
