import { describe, expect, test } from '@jest/globals';
import type { World } from '../../../../lib/simulator/world/world.ts';
import { buildWorld, deployment, group, secUntil, wait } from '../builders.ts';

const CHAT = { namespace: 'default', name: 'chat' };

function rolling(replicas: number, gpus: number): World {
  const world = buildWorld({
    nodeGroups: [group({ desiredSize: gpus, maxSize: 20 })],
    deployments: [deployment({ replicas, modelLoadSec: 10, imagePullSec: 1 })],
  });
  world.rollOut(CHAT);
  return world;
}

const isDone = (world: World): boolean => {
  const { pods, replicas, status, templateHash } = world.deployment(CHAT);
  return (
    pods.size === replicas &&
    status.readyReplicas === replicas &&
    [...pods].every((pod) => pod.templateHash === templateHash)
  );
};

describe('a rollout', () => {
  test.each([1, 2, 4, 9])('replaces %d pods, never with more than a quarter on top or missing', (replicas) => {
    const world = rolling(replicas, 20);
    const seen: { pods: number; ready: number }[] = [];
    const isOver = (): boolean => {
      const pods = [...world.deployment(CHAT).pods].filter((pod) => pod.deletion === undefined);
      seen.push({ pods: pods.length, ready: world.readyPods(CHAT).length });
      return isDone(world);
    };
    expect(secUntil(world, isOver)).toBeLessThan(200);
    expect(Math.max(...seen.map(({ pods }) => pods))).toBe(replicas + Math.ceil(replicas / 4));
    expect(Math.min(...seen.map(({ ready }) => ready))).toBe(replicas - Math.floor(replicas / 4));
  });

  test('shows as in progress until the last pod is of the new template', () => {
    const world = rolling(2, 3);
    expect(world.deployment(CHAT).generation).toBe(2);
    wait(world, 1);
    expect(world.deployment(CHAT).status).toMatchObject({ observedGeneration: 2, replicas: 3, updatedReplicas: 1 });
    secUntil(world, () => isDone(world));
    wait(world, 1);
    expect(world.deployment(CHAT).status).toMatchObject({ replicas: 2, updatedReplicas: 2 });
  });

  test('without a free GPU it waits, and every old pod goes on serving', () => {
    const world = rolling(2, 2);
    wait(world, 600);
    expect(world.readyPods(CHAT)).toHaveLength(2);
    expect(world.deployment(CHAT).status).toMatchObject({ replicas: 3, updatedReplicas: 1, readyReplicas: 2 });
  });

  test('a count set meanwhile holds at its end, and zero is zero', () => {
    const world = rolling(4, 20);
    wait(world, 5);
    world.scale(CHAT, 2);
    expect(secUntil(world, () => isDone(world))).toBeLessThan(200);
    world.rollOut(CHAT);
    world.scale(CHAT, 0);
    wait(world, 60);
    expect(world.deployment(CHAT).pods.size).toBe(0);
  });
});
