import { describe, expect, test } from '@jest/globals';
import { decodeRecord } from '../../../events/decode.ts';
import { eventSchemas } from '../../../events/schema/index.ts';
import type { InferenceLoad, QueueDepth } from '../../../events/schema/index.ts';
import { VirtualClock } from '../../../lib/base/clock.ts';
import { POISON, STOCK_OUT, models, worldSettings } from '../../../lib/cli/demo/scene.ts';
import { simulatedFleet } from '../../../lib/cli/demo/cluster/simulated-fleet.ts';
import { makeTraffic } from '../../../lib/cli/demo/traffic.ts';
import type { Traffic } from '../../../lib/cli/demo/traffic.ts';
import { createWorld } from '../../../lib/simulator/world/world.ts';
import type { World } from '../../../lib/simulator/world/world.ts';
import type { WorldSettings } from '../../../lib/simulator/world/settings.ts';

const DAY_MS = 60_000;
const TICK_MS = 100;

type Sent = { readonly topic: string; readonly key: string; readonly value: string; readonly atMs: number };
type Day = {
  readonly sent: readonly Sent[];
  readonly traffic: Traffic;
  readonly world: World;
  readonly startMs: number;
};

/** Plays a whole day; `onTick` may act on the world like a controller would. */
async function day(
  over: { settings?: WorldSettings; onTick?: (traffic: Traffic, world: World) => void } = {},
): Promise<Day> {
  const clock = new VirtualClock();
  const startMs = clock.nowMs();
  const world = createWorld(over.settings ?? worldSettings(120), startMs);
  const traffic = makeTraffic({ fleet: simulatedFleet(world), cloud: world, startMs, durationMs: DAY_MS });
  const sent: Sent[] = [];
  while (clock.nowMs() < startMs + DAY_MS) {
    await clock.advance(TICK_MS);
    for (const { topic, record } of traffic.tick(clock.nowMs())) {
      sent.push({ topic, key: String(record.key), value: String(record.value), atMs: clock.nowMs() });
    }
    over.onTick?.(traffic, world);
  }
  return { sent, traffic, world, startMs };
}

/** Enough of everything from the start. */
function generous(): WorldSettings {
  const settings = worldSettings(120);
  return {
    ...settings,
    deployments: settings.deployments?.map((each) => ({ ...each, replicas: 14 })) ?? [],
    nodeGroups: settings.nodeGroups?.map((each) => ({ ...each, maxSize: 40, desiredSize: 40 })) ?? [],
  };
}

const isPoison = ({ value }: Sent): boolean => POISON.includes(value);
const eventsOf = <Event>({ sent }: Day, workload: string): Event[] =>
  sent.filter((each) => each.key === workload && !isPoison(each)).map(({ value }) => JSON.parse(value) as Event);

describe('the events of a whole day', () => {
  test('are all valid, by the schema and by the decoder, with the workload as key and on their own topic', async () => {
    const played = await day();
    const events = played.sent.filter((each) => !isPoison(each));
    expect(events.length).toBeGreaterThan(200);
    for (const { topic, key, value, atMs } of events) {
      const event = JSON.parse(value) as InferenceLoad | QueueDepth;
      expect(eventSchemas[event.schema].safeParse(event).error).toBeUndefined();
      expect(topic).toBe(event.schema.startsWith('penstock.inference-load') ? 'inferenceLoad' : 'queueDepth');
      const record = { key: Buffer.from(key), value: Buffer.from(value), headers: {}, timestampMs: atMs };
      expect(decodeRecord(record, { nowMs: atMs })).toEqual({ kind: 'event', event, clampedMs: 0 });
    }
  });

  test('come from the gateway and the queue; scraped pods publish nothing here', async () => {
    const { sent } = await day();
    const keys = new Set(sent.filter((each) => !isPoison(each)).map(({ key }) => key));
    const speaking = models.filter(({ source }) => source !== 'bridge').map(({ name }) => name);
    expect([...keys].toSorted()).toEqual(speaking.toSorted());
  });

  test('cover the day without gaps or overlaps, also while nothing runs', async () => {
    const played = await day();
    for (const { name } of models.filter(({ source }) => source !== 'bridge')) {
      const events = eventsOf<InferenceLoad | QueueDepth>(played, name);
      expect(events[0]?.intervalStartMs).toBe(played.startMs);
      for (const [index, event] of events.slice(1).entries()) {
        expect(event.intervalStartMs).toBe(events[index]?.intervalEndMs);
      }
      expect(events.at(-1)?.intervalEndMs).toBeGreaterThan(played.startMs + DAY_MS - 1_000);
    }
  });

  test('tell every request once: counters add up to what arrived and was served, to less than one request', async () => {
    const played = await day({ settings: generous() });
    const [, agent, batch] = played.traffic.models;
    const gateway = eventsOf<InferenceLoad>(played, 'qwen-32b-agent');
    const arrived = gateway.reduce((sum, event) => sum + (event.requests?.arrived ?? 0), 0);
    expect((agent?.arrivedTotal ?? 0) - arrived).toBeGreaterThanOrEqual(0);
    expect((agent?.arrivedTotal ?? 0) - arrived).toBeLessThan(3);
    const queue = eventsOf<QueueDepth>(played, 'image-batch');
    const enqueued = queue.reduce((sum, event) => sum + (event.enqueued ?? 0), 0);
    const dequeued = queue.reduce((sum, event) => sum + (event.dequeued ?? 0), 0);
    expect((batch?.arrivedTotal ?? 0) - enqueued).toBeLessThan(1 + 1e-6);
    expect(enqueued - dequeued).toBeLessThan(2);
    expect(enqueued).toBeGreaterThan(10);
  });
});

describe('the poison', () => {
  test('is sent exactly once each, in its order, and none of it can be decoded', async () => {
    const { sent } = await day();
    const poison = sent.filter(isPoison);
    expect(poison.map(({ value }) => value)).toEqual(POISON);
    for (const { key, value, atMs } of poison) {
      const record = { key: Buffer.from(key), value: Buffer.from(value), headers: {}, timestampMs: atMs };
      expect(decodeRecord(record, { nowMs: atMs }).kind).toBe('bad');
    }
  });

  test('is sent once each although the process slept through most of the day, and not again after its end', () => {
    const startMs = 1_763_920_800_000;
    const world = createWorld(worldSettings(120), startMs);
    const traffic = makeTraffic({ fleet: simulatedFleet(world), cloud: world, startMs, durationMs: DAY_MS });
    const values = [0.1, 0.95, 1, 1.5].flatMap((share) =>
      traffic.tick(startMs + share * DAY_MS).map(({ record }) => String(record.value)),
    );
    expect(values.filter((value) => POISON.includes(value))).toEqual(POISON);
  });
});

describe('the day', () => {
  test('goes from 4 to 24 o’clock', async () => {
    const hours: number[] = [];
    await day({ onTick: (traffic) => void hours.push(traffic.hour()) });
    expect(hours[0]).toBeCloseTo(4, 1);
    expect(hours.at(-1)).toBe(24);
    expect(hours).toEqual(hours.toSorted((a, b) => a - b));
  });

  test('has fewer machines in the stock-out, and as many as before after it', async () => {
    const capacity = new Map<number, number>();
    const { world } = await day({
      onTick: (traffic, now) => void capacity.set(Math.floor(traffic.hour()), now.group(STOCK_OUT.group).capacity),
    });
    expect(capacity.get(STOCK_OUT.fromHour - 1)).toBe(Infinity);
    expect(capacity.get(STOCK_OUT.fromHour + 1)).toBe(STOCK_OUT.instances);
    expect(world.group(STOCK_OUT.group).capacity).toBe(Infinity);
  });

  test('a wall clock that is set back loses and invents no requests', () => {
    const startMs = 1_763_920_800_000;
    const world = createWorld(worldSettings(120), startMs);
    const traffic = makeTraffic({ fleet: simulatedFleet(world), cloud: world, startMs, durationMs: DAY_MS });
    traffic.tick(startMs + 20_000);
    const before = traffic.models.map(({ arrivedTotal }) => arrivedTotal);
    traffic.tick(startMs + 15_000);
    expect(traffic.models.map(({ arrivedTotal }) => arrivedTotal)).toEqual(before);
  });
});

describe('unservedShare', () => {
  test('is nothing while nothing arrived', () => {
    const world = createWorld(worldSettings(120), 0);
    expect(
      makeTraffic({ fleet: simulatedFleet(world), cloud: world, startMs: 0, durationMs: DAY_MS }).unservedShare(),
    ).toBe(0);
  });

  test('is near zero where there is enough of everything', async () => {
    const { traffic } = await day({ settings: generous() });
    expect(traffic.unservedShare()).toBeLessThan(0.001);
  });

  test('counts who never got a slot, too', async () => {
    const settings = worldSettings(120);
    const nothing = { ...settings, deployments: settings.deployments?.map((each) => ({ ...each, replicas: 0 })) ?? [] };
    const { traffic } = await day({ settings: nothing });
    expect(traffic.unservedShare()).toBeGreaterThan(0.9);
    expect(traffic.unservedShare()).toBeLessThanOrEqual(1);
  });
});
