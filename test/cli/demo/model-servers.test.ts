import { afterEach, describe, expect, test } from '@jest/globals';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../../lib/base/clock.ts';
import { parseMetrics } from '../../../lib/cli/demo/processes/controller-client.ts';
import { startModelServers } from '../../../lib/cli/demo/model-servers.ts';
import type { ModelServers } from '../../../lib/cli/demo/model-servers.ts';
import { NAMESPACE, worldSettings } from '../../../lib/cli/demo/scene.ts';
import { simulatedFleet } from '../../../lib/cli/demo/cluster/simulated-fleet.ts';
import { makeTraffic } from '../../../lib/cli/demo/traffic.ts';
import type { Traffic } from '../../../lib/cli/demo/traffic.ts';
import { createWorld } from '../../../lib/simulator/world/world.ts';
import type { World } from '../../../lib/simulator/world/world.ts';
import { until } from '../../support/until.ts';

const START_MS = 1_763_920_800_000;
const LLAMA = { namespace: NAMESPACE, name: 'llama-8b-chat' };

/** A port nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const open: ModelServers[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

async function setUp(): Promise<{ world: World; traffic: Traffic; servers: ModelServers; port: number }> {
  const world = createWorld(worldSettings(120), START_MS);
  const fleet = simulatedFleet(world);
  const traffic = makeTraffic({ fleet, cloud: world, startMs: START_MS, durationMs: 120_000 });
  const port = await freePort();
  const servers = startModelServers({ fleet, models: traffic.models, port });
  open.push(servers);
  return { world, traffic, servers, port };
}

/** The metrics of a pod as soon as it answers. */
function scrape(ip: string, port: number): Promise<ReadonlyMap<string, number>> {
  return until(`an answer of ${ip}`, () =>
    fetch(`http://${ip}:${port}/metrics`)
      .then((answer) => answer.text())
      .then(parseMetrics, () => undefined),
  );
}

/** Resolves as soon as it does. */
const refuses = (ip: string, port: number): Promise<true> =>
  until(`a refusal of ${ip}`, () =>
    fetch(`http://${ip}:${port}/metrics`).then(
      () => false,
      () => true as const,
    ),
  );

describe('startModelServers', () => {
  test('every loaded pod answers at its own address, and together they tell the load of the model', async () => {
    const { world, traffic, servers, port } = await setUp();
    world.updateNodeGroup('g6-od', { desiredSize: 3, token: 'three' });
    world.scale(LLAMA, 3);
    for (let ms = 0; ms <= 30_000; ms += 100) {
      traffic.tick(START_MS + ms);
      servers.update();
    }
    const pods = world.readyPods(LLAMA);
    expect(pods).toHaveLength(3);
    const read = await Promise.all(pods.map(({ ip }) => scrape(ip ?? '', port)));
    const sum = (name: string): number =>
      read.reduce((total, metrics) => {
        const [, value = Number.NaN] = [...metrics].find(([key]) => key.startsWith(name)) ?? [];
        return total + value;
      }, 0);
    const [llama] = traffic.models;
    expect(sum('vllm:num_requests_running')).toBeCloseTo(llama?.last.inFlight ?? Number.NaN, 6);
    expect(sum('vllm:num_requests_waiting')).toBeCloseTo(llama?.last.queued ?? Number.NaN, 6);
    expect(sum('vllm:request_success_total')).toBeGreaterThan(10);
    expect(sum('vllm:generation_tokens_total')).toBeGreaterThan(142 * 10);
  });

  test('counters never go back while a pod lives', async () => {
    const { world, traffic, servers, port } = await setUp();
    const ip = world.readyPods(LLAMA)[0]?.ip ?? '';
    let before: ReadonlyMap<string, number> = new Map();
    for (let round = 1; round <= 5; round++) {
      traffic.tick(START_MS + round * 1_000);
      servers.update();
      const now = await scrape(ip, port);
      for (const [key, value] of now) {
        if (key.includes('_total')) expect(value).toBeGreaterThanOrEqual(before.get(key) ?? 0);
      }
      before = now;
    }
    expect(before.size).toBe(6);
  });

  test('a pod that went refuses connections, and so do all after the end', async () => {
    const { world, traffic, servers, port } = await setUp();
    traffic.tick(START_MS + 100);
    servers.update();
    const ip = world.readyPods(LLAMA)[0]?.ip ?? '';
    expect(await scrape(ip, port)).toBeDefined();
    world.scale(LLAMA, 0);
    traffic.tick(START_MS + 10_000);
    servers.update();
    expect(await refuses(ip, port)).toBe(true);
  });

  test('a pod that comes and goes within a moment leaves no server behind', async () => {
    const { world, servers, port } = await setUp();
    servers.update();
    const ip = world.readyPods(LLAMA)[0]?.ip ?? '';
    await servers.close();
    expect(await refuses(ip, port)).toBe(true);
    // Still so a moment later: listening may have been under way.
    await systemClock.sleep(50);
    expect(await refuses(ip, port)).toBe(true);
  });

  test('a pod whose address is taken stops nothing, and the end is still an end', async () => {
    const { world, servers, port } = await setUp();
    const ip = world.readyPods(LLAMA)[0]?.ip ?? '';
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(port, ip, resolve));
    servers.update();
    await systemClock.sleep(50);
    servers.update();
    await servers.close();
    await new Promise((resolve) => squatter.close(resolve));
  });
});
