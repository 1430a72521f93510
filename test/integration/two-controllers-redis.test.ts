/** Two controllers at once on a real Redis and BullMQ, which loses its tail; the cluster is in memory, so that every write is seen. */
import { expect, test } from '@jest/globals';
import { systemClock } from '../../lib/base/clock.ts';
import { LOST_HOLD_MS } from '../../lib/loop/plan-memory.ts';
import { memoryStream } from '../../lib/stream/memory.ts';
import type { OpenStores } from '../state/support.ts';
import { openStores } from '../state/support.ts';
import { redisKit, until } from '../action-queue/support.ts';
import { report } from '../support/builders-loop.ts';
import { testRedisUrl, uniqueName } from '../support/kafka-redis.ts';
import { LLAMA, REF, send, shared, startHost } from '../support/two-hosts.ts';

/** Everything under the prefix, as Redis dumps it. */
async function copyOf({ client }: OpenStores, prefix: string): Promise<ReadonlyMap<string, Buffer>> {
  const keys = await client.keys(`${prefix}:*`);
  const dumps = await Promise.all(keys.map(async (key) => [key, await client.dumpBuffer(key)] as const));
  return new Map(dumps.flatMap(([key, dump]) => (dump === null ? [] : [[key, dump] as const])));
}

/** Redis as it was then, as after a failover to a replica that lagged behind; connections are lost with it. */
async function goBackTo(all: readonly OpenStores[], prefix: string, copy: ReadonlyMap<string, Buffer>): Promise<void> {
  const [first] = all;
  if (first === undefined) return;
  const newer = (await first.client.keys(`${prefix}:*`)).filter((key) => !copy.has(key));
  const change = first.client.multi();
  for (const key of newer) change.del(key);
  for (const [key, dump] of copy) change.restore(key, 0, dump, 'REPLACE');
  await change.exec();
  for (const { client } of all) client.disconnect(true);
}

test('two hosts on one Redis: bounds, one write at a time, rising sequences, and no decrease after Redis lost its tail', async () => {
  const prefix = uniqueName('two');
  const stream = memoryStream({ clock: systemClock });
  await stream.admin().ensureTopics([{ topic: 'inference-load', partitions: 2, replicationFactor: 1 }]);
  const world = shared(systemClock, stream, { scaleDown: { windowSec: 0 } });
  const stores = [0, 1].map(() => openStores({ url: testRedisUrl(), prefix }));
  const kits = redisKit();
  const queues = [kits.openQueue(), kits.openQueue()];
  const [state] = stores;
  if (state === undefined) throw new Error('expected stores');
  // A window that is warm: half an hour of a load of ten replicas, on Kafka's other partition.
  await report({ clock: systemClock, state: state.stores }, { workload: LLAMA, inFlight: 80 });
  const hosts = await Promise.all(
    stores.map(({ stores: own }, index) =>
      startHost(world, {
        name: 'ab'.charAt(index),
        aheadMs: index * 4_000,
        state: own,
        queue: queues[index] ?? kits.openQueue(),
        worker: kits.openWorker(),
        seed: index + 1,
        callMs: 30,
        evaluateEveryMs: 400,
      }),
    ),
  );
  const countOf = async (): Promise<number> => (await world.targets.read(REF)).replicas;
  const feeding = new AbortController();
  let inFlight = 80;
  const feed = (async () => {
    while (!feeding.signal.aborted) {
      await send(world, inFlight, 500);
      await systemClock.sleep(500);
    }
  })();
  try {
    await until(async () => (await countOf()) >= 10);
    const copy = await copyOf(state, prefix);
    await systemClock.sleep(2_000);
    const lostAtMs = Date.now();
    await goBackTo(stores, prefix, copy);
    // A slow machine may take longer for all this than the hold lasts.
    const decreases = () =>
      world.writes.filter((write) => write.to < write.from && write.atMs < lostAtMs + LOST_HOLD_MS);
    await until(() => ['a', 'b'].every((host) => world.seqs.some((one) => one.host === host && one.atMs > lostAtMs)));
    expect(decreases()).toEqual([]);
    inFlight = 16;
    // Low load now, and the policy has no window: only the loss holds the count.
    const before = world.seqs.length;
    await until(() => world.seqs.length > before + 10);
    await systemClock.sleep(3_000);
    expect(decreases()).toEqual([]);
    const count = await countOf();
    if (systemClock.nowMs() < lostAtMs + LOST_HOLD_MS) expect(count).toBeGreaterThanOrEqual(10);
  } finally {
    feeding.abort();
    await feed;
    await Promise.all(hosts.map((host) => host.stop()));
    await Promise.all([...stores.map(({ stores: own }) => own.close()), ...queues.map((queue) => queue.close())]);
  }
  expect(world.inFlight.most).toBe(1);
  for (const write of world.writes) {
    expect(write.to).toBeLessThanOrEqual(20);
    expect(write.to).toBeGreaterThanOrEqual(1);
  }
  for (const host of ['a', 'b']) {
    const seqs = world.seqs.filter((one) => one.host === host).map((one) => one.seq);
    expect(seqs.length).toBeGreaterThan(3);
    expect(seqs).toEqual([...new Set(seqs)].toSorted((x, y) => x - y));
  }
  expect(hosts.some(({ metrics }) => metrics.counter('plans_lost_total') > 0)).toBe(true);
});
