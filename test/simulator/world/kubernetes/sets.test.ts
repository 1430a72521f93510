/** StatefulSets and LeaderWorkerSets: numbered pods, and groups of them. */
import { describe, expect, test } from '@jest/globals';
import type { World } from '../../../../lib/simulator/world/world.ts';
import { buildWorld, deployment, group, secUntil, wait } from '../builders.ts';

const SET = { namespace: 'default', name: 'set' };
const QUICK = { imagePullSec: 1, modelLoadSec: 10, terminationGracePeriodSec: 20, drainSec: 5 };

const names = (world: World): string[] => [...world.deployment(SET).pods].map((pod) => pod.name).toSorted();
const alive = (world: World): string[] =>
  [...world.deployment(SET).pods]
    .filter((pod) => pod.deletion === undefined)
    .map((pod) => pod.name)
    .toSorted();
const ready = (world: World): string[] =>
  world
    .readyPods(SET)
    .map((pod) => pod.name)
    .toSorted();

const stateful = (podManagement: 'OrderedReady' | 'Parallel', replicas = 0, nodes = 4): World =>
  buildWorld({
    nodeGroups: [group({ desiredSize: nodes, maxSize: 10 })],
    deployments: [deployment({ name: 'set', servedAs: 'statefulsets', podManagement, replicas, ...QUICK })],
  });

/** What was alive at each change of it, in turn. */
function courseUntil(world: World, holds: () => boolean): string[][] {
  const course: string[][] = [];
  secUntil(world, () => {
    const now = names(world);
    if (JSON.stringify(course.at(-1)) !== JSON.stringify(now)) course.push(now);
    return holds();
  });
  return course;
}

describe('L20 a StatefulSet', () => {
  test('OrderedReady: the next pod is made when the one before it is Ready', () => {
    const world = stateful('OrderedReady');
    world.scale(SET, 3);
    expect(courseUntil(world, () => ready(world).length === 3)).toEqual([
      [],
      ['set-0'],
      ['set-0', 'set-1'],
      ['set-0', 'set-1', 'set-2'],
    ]);
  });

  test('OrderedReady: the highest number goes, and the next when it is gone', () => {
    const world = stateful('OrderedReady', 3);
    expect(ready(world)).toEqual(['set-0', 'set-1', 'set-2']);
    world.scale(SET, 1);
    wait(world, 1);
    expect(alive(world)).toEqual(['set-0', 'set-1']);
    expect(names(world)).toHaveLength(3);
    wait(world, 5);
    expect(alive(world)).toEqual(['set-0']);
    wait(world, 6);
    expect(names(world)).toEqual(['set-0']);
  });

  test('OrderedReady: nothing is made or goes while a pod before it is not Ready', () => {
    const world = stateful('OrderedReady', 3);
    world.scale(SET, 2);
    const [first] = world.readyPods(SET).filter((pod) => pod.name === 'set-0');
    if (first === undefined) throw new Error('no pod');
    world.deletePod(first);
    wait(world, 1);
    // The lower one comes first: set-2 stays until it is back.
    expect(alive(world)).toEqual(['set-1', 'set-2']);
    expect(secUntil(world, () => alive(world).includes('set-0'))).toBeGreaterThan(5);
    expect(alive(world)).toContain('set-2');
    expect(secUntil(world, () => !alive(world).includes('set-2'))).toBeLessThan(20);
  });

  test('Parallel: all at once, up and down, the highest numbers first', () => {
    const world = stateful('Parallel');
    world.scale(SET, 3);
    wait(world, 1);
    expect(names(world)).toEqual(['set-0', 'set-1', 'set-2']);
    wait(world, 20);
    world.scale(SET, 1);
    wait(world, 1);
    expect(alive(world)).toEqual(['set-0']);
  });

  test('a number is given again only when its pod is gone', () => {
    const world = stateful('Parallel', 2);
    const [pod] = world.readyPods(SET).filter(({ name }) => name === 'set-1');
    if (pod === undefined) throw new Error('no pod');
    world.deletePod(pod);
    wait(world, 4);
    expect(alive(world)).toEqual(['set-0']);
    wait(world, 20);
    expect(ready(world)).toEqual(['set-0', 'set-1']);
    expect(world.readyPods(SET)).not.toContain(pod);
  });

  test('the cost of a pod does not matter', () => {
    const world = stateful('Parallel', 3);
    const [cheap] = world.readyPods(SET).filter(({ name }) => name === 'set-0');
    if (cheap === undefined) throw new Error('no pod');
    cheap.annotations = { 'controller.kubernetes.io/pod-deletion-cost': '-1000' };
    world.scale(SET, 1);
    wait(world, 1);
    expect(alive(world)).toEqual(['set-0']);
  });

  test('a rollout replaces the highest number first, one at a time', () => {
    const world = stateful('OrderedReady', 3);
    world.rollOut(SET);
    const hash = world.deployment(SET).templateHash;
    const order: string[] = [];
    secUntil(world, () => {
      for (const pod of world.readyPods(SET)) {
        if (pod.templateHash === hash && !order.includes(pod.name)) order.push(pod.name);
      }
      return order.length === 3;
    });
    expect(order).toEqual(['set-2', 'set-1', 'set-0']);
  });
});

const groups = (replicas: number, nodes: number, maxSize = 20): World =>
  buildWorld({
    nodeGroups: [group({ desiredSize: nodes, maxSize })],
    deployments: [deployment({ name: 'set', servedAs: 'leaderworkersets', podsPerReplica: 3, replicas, ...QUICK })],
  });

describe('L21 a LeaderWorkerSet', () => {
  test('a replica is a leader and its workers, made together, and ready together', () => {
    const world = groups(1, 5);
    expect(ready(world)).toEqual(['set-0', 'set-0-1', 'set-0-2']);
    expect(world.deployment(SET).status).toMatchObject({ replicas: 1, readyReplicas: 1 });
    world.scale(SET, 2);
    wait(world, 15);
    // Two nodes for three pods.
    expect(ready(world)).toHaveLength(5);
    expect(world.deployment(SET).status).toMatchObject({ replicas: 2, readyReplicas: 1 });
    world.editGroup('gpu', { desiredSize: 6 });
    wait(world, 120);
    expect(world.deployment(SET).status).toMatchObject({ replicas: 2, readyReplicas: 2 });
  });

  test('the group with the highest number goes, all of it', () => {
    const world = groups(2, 6);
    world.scale(SET, 1);
    wait(world, 1);
    expect(alive(world)).toEqual(['set-0', 'set-0-1', 'set-0-2']);
    wait(world, 10);
    expect(names(world)).toHaveLength(3);
    expect(world.deployment(SET).status).toMatchObject({ replicas: 1, readyReplicas: 1 });
  });

  test('a group that loses a pod goes and comes back whole', () => {
    const world = groups(2, 6);
    const before = new Set(world.readyPods(SET).map(({ uid }) => uid));
    const [worker] = world.readyPods(SET).filter(({ name }) => name === 'set-1-2');
    if (worker === undefined) throw new Error('no pod');
    world.evict(worker);
    wait(world, 1);
    expect(alive(world)).toEqual(['set-0', 'set-0-1', 'set-0-2']);
    expect(world.deployment(SET).status).toMatchObject({ readyReplicas: 1 });
    secUntil(world, () => ready(world).length === 6);
    expect(world.readyPods(SET).filter(({ uid }) => before.has(uid))).toHaveLength(3);
  });

  test('a rollout replaces one group after the other, the highest number first', () => {
    const world = groups(2, 6);
    world.rollOut(SET);
    const hash = world.deployment(SET).templateHash;
    const isNew = (replica: number): boolean =>
      world.readyPods(SET).filter((pod) => pod.ordinal?.replica === replica && pod.templateHash === hash).length === 3;
    secUntil(world, () => isNew(1));
    expect(isNew(0)).toBe(false);
    expect(secUntil(world, () => isNew(0))).toBeLessThan(60);
  });
});
