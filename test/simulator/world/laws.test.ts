/** Laws that hold for every run, checked on random ones. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { World } from '../../../lib/simulator/world/world.ts';
import { buildWorld, deployment, group, wait } from './builders.ts';

type Step = { readonly afterSec: number; readonly act: (world: World) => void };

const instanceAt = (world: World, index: number): string => [...world.group('gpu').instances.keys()][index] ?? 'i-none';

const action = fc.oneof(
  fc.integer({ min: 0, max: 8 }).map((replicas) => (world: World) => world.scale('chat', replicas)),
  fc.record({ name: fc.constantFrom('set', 'lws', 'buffer'), replicas: fc.nat(3) }).map(
    ({ name, replicas }) =>
      (world: World) =>
        world.scale(name, replicas),
  ),
  fc.integer({ min: 0, max: 6 }).map((desiredSize) => (world: World) => {
    world.updateNodeGroup('gpu', { desiredSize, token: `${desiredSize}-${world.nowMs()}` });
  }),
  fc.integer({ min: 0, max: 4 }).map((index) => (world: World) => {
    world.terminateInstance(instanceAt(world, index), { decrement: index % 2 === 0 });
  }),
  fc.integer({ min: 0, max: 6 }).map((capacity) => (world: World) => world.setCapacity('gpu', capacity)),
  fc.integer({ min: 0, max: 4 }).map((index) => (world: World) => {
    const pod = [...world.state.pods.values()][index];
    if (pod !== undefined) world.evict(pod);
  }),
  fc.integer({ min: 0, max: 4 }).map((index) => (world: World) => world.failInstance(instanceAt(world, index))),
  fc.integer({ min: 0, max: 3 }).map((index) => (world: World) => {
    const node = [...world.state.nodes.values()][index];
    if (node !== undefined) world.setNodeReady(node.name, !node.ready);
  }),
  fc.constant((world: World) => void world.reclaim('gpu', 1)),
  fc.constant((world: World) => world.failStarts('chat', { count: 1 })),
);
const steps = fc.array(fc.record({ afterSec: fc.integer({ min: 0, max: 120 }), act: action }), { maxLength: 25 });

function newWorld(seed: number): World {
  return buildWorld({
    seed,
    durationSigma: 0.3,
    nodeGroups: [group({ maxSize: 8, gpusPerNode: 2 })],
    deployments: [
      deployment({ drainSec: 40, terminationGracePeriodSec: 60, failedStartRatio: 0.1 }),
      deployment({ name: 'set', servedAs: 'statefulsets', replicas: 0 }),
      deployment({ name: 'lws', servedAs: 'leaderworkersets', podsPerReplica: 2, replicas: 0, drainSec: 10 }),
      deployment({ name: 'buffer', replicas: 1, priority: { name: 'low', value: -10, preempts: false }, drainSec: 5 }),
    ],
    disruptionBudgets: [{ name: 'pdb', matchLabels: { app: 'chat' }, maxUnavailable: 1 }],
  });
}

function traceOf(seed: number, script: readonly Step[]): string[] {
  const world = newWorld(seed);
  const trace: string[] = [];
  world.onChange(({ type, record }) => {
    trace.push(`${world.nowMs()} ${record.resourceVersion} ${type} ${record.kind} ${record.name}`);
  });
  for (const { afterSec, act } of script) {
    wait(world, afterSec);
    act(world);
  }
  wait(world, 600);
  return [...trace, JSON.stringify(world.cost())];
}

function checkEveryStep(seed: number, script: readonly Step[]): void {
  const world = newWorld(seed);
  let version = world.state.version;
  world.onChange(({ record }) => {
    expect(record.resourceVersion).toBeGreaterThan(version);
    version = record.resourceVersion;
  });
  let usd = 0;
  for (const { afterSec, act } of script) {
    wait(world, afterSec);
    act(world);
    for (const node of world.state.nodes.values()) {
      const used = [...node.pods].reduce((sum, pod) => sum + pod.gpus, 0);
      expect(used).toBe(node.gpusUsed);
      expect(used).toBeLessThanOrEqual(node.instance.group.gpusPerNode);
    }
    for (const pod of world.state.pods.values()) {
      expect(pod.node === undefined || world.state.nodes.get(pod.node.name) === pod.node).toBe(true);
      expect(world.state.pendingPods.has(pod)).toBe(pod.node === undefined);
    }
    const { minSize, maxSize, desiredSize } = world.group('gpu').size;
    expect(minSize <= desiredSize && desiredSize <= maxSize).toBe(true);
    expect(world.cost().usd).toBeGreaterThanOrEqual(usd);
    usd = world.cost().usd;
  }
}

function checkRest(seed: number, script: readonly Step[], replicas: number): void {
  const world = newWorld(seed);
  for (const { afterSec, act } of script) {
    wait(world, afterSec);
    act(world);
  }
  // An update still in flight would overwrite the sizes set below.
  wait(world, 30);
  world.setCapacity('gpu', Infinity);
  world.failStarts('chat', { count: 0, ratio: 0 });
  for (const node of world.state.nodes.values()) world.setNodeReady(node.name, true);
  world.scale('chat', replicas);
  world.scale('set', 2);
  world.scale('lws', 1);
  world.scale('buffer', 12);
  world.editGroup('gpu', { desiredSize: 8 });
  wait(world, 7200);
  const counts = ['chat', 'set', 'lws', 'buffer'].map((name) => world.readyPods(name).length);
  expect(counts).toEqual([replicas, 2, 2, 12 - replicas]);
  expect(world.readyNodes('gpu')).toHaveLength(8);
  expect(world.group('gpu').issues.size).toBe(0);
}

describe('laws', () => {
  test('L14 the same seed and the same calls give the same history', () => {
    fc.assert(
      fc.property(fc.nat(), steps, (seed, script) => expect(traceOf(seed, script)).toEqual(traceOf(seed, script))),
      {
        numRuns: 50,
      },
    );
  });

  test('L15 versions strictly increase and GPUs are never given out twice', () => {
    fc.assert(fc.property(fc.nat(), steps, checkEveryStep), { numRuns: 150 });
  });

  test('L16 left alone, a healthy world comes to rest with the wanted replicas Ready', () => {
    fc.assert(fc.property(fc.nat(), steps, fc.integer({ min: 0, max: 12 }), checkRest), { numRuns: 100 });
  });

  test('advancing in small steps or in one leap gives the same world', () => {
    const leap = newWorld(7);
    const crawl = newWorld(7);
    for (const world of [leap, crawl]) {
      world.scale('chat', 6);
      world.editGroup('gpu', { desiredSize: 4 });
    }
    leap.advanceTo(leap.nowMs() + 600_000);
    for (let second = 0; second < 600; second++) wait(crawl, 1);
    expect(crawl.state.version).toBe(leap.state.version);
    expect(crawl.cost()).toEqual(leap.cost());
  });
});
