/** Pods of lower priority make room: the real scheduler's rules. */
import { describe, expect, test } from '@jest/globals';
import type { World } from '../../../../lib/simulator/world/world.ts';
import type { DeploymentSettings } from '../../../../lib/simulator/world/settings.ts';
import { buildWorld, deployment, group, secUntil, wait } from '../builders.ts';

const CHAT = { namespace: 'default', name: 'chat' };
const BUFFER = { namespace: 'default', name: 'buffer' };
const QUICK = { imagePullSec: 1, modelLoadSec: 10 };

/** As infra/kubernetes/buffer.yaml has it. */
const placeholders = (replicas: number, over: Partial<DeploymentSettings> = {}): DeploymentSettings =>
  deployment({
    name: 'buffer',
    replicas,
    priority: { name: 'penstock-buffer', value: -10, preempts: false },
    terminationGracePeriodSec: 0,
    ...QUICK,
    ...over,
  });

const worldOf = (of: {
  readonly nodes?: number;
  readonly gpusPerNode?: number;
  readonly deployments: readonly DeploymentSettings[];
}): World =>
  buildWorld({
    nodeGroups: [group({ desiredSize: of.nodes ?? 3, maxSize: 10, gpusPerNode: of.gpusPerNode ?? 1 })],
    deployments: [...of.deployments],
  });

describe('L22 priorities', () => {
  test('a pod takes the place of one of lower priority, which is made again and waits', () => {
    const world = worldOf({ deployments: [placeholders(3), deployment({ replicas: 0, ...QUICK })] });
    expect(world.readyPods(BUFFER)).toHaveLength(3);
    world.scale(CHAT, 2);
    expect(secUntil(world, () => world.readyPods(CHAT).length === 2)).toBeCloseTo(11.04, 1);
    expect(world.readyPods(BUFFER)).toHaveLength(1);
    expect(world.deployment(BUFFER).pods.size).toBe(3);
    const waiting = [...world.state.pendingPods];
    expect(waiting.map(({ deployment: { name } }) => name)).toEqual(['buffer', 'buffer']);
    expect(waiting.every(({ unschedulable }) => unschedulable?.includes('Insufficient nvidia.com/gpu'))).toBe(true);
  });

  test('a class that never preempts waits, and so does one of equal priority', () => {
    const world = worldOf({
      deployments: [
        deployment({ replicas: 3, ...QUICK }),
        placeholders(0),
        deployment({ name: 'other', replicas: 0 }),
        deployment({ name: 'meek', replicas: 0, priority: { name: 'meek', value: 100, preempts: false } }),
      ],
    });
    for (const name of ['buffer', 'other', 'meek']) world.scale(name, 1);
    wait(world, 60);
    expect(world.readyPods(CHAT)).toHaveLength(3);
    expect(world.state.pendingPods.size).toBe(3);
  });

  test('the highest priority is placed first when a node comes', () => {
    const world = worldOf({
      nodes: 0,
      deployments: [
        placeholders(1),
        deployment({ replicas: 1 }),
        deployment({ name: 'urgent', replicas: 1, priority: { name: 'urgent', value: 1000, preempts: true } }),
      ],
    });
    world.editGroup('gpu', { desiredSize: 1 });
    secUntil(world, () => world.state.pendingPods.size < 3);
    expect(
      [...world.state.pods.values()].filter(({ node }) => node !== undefined).map((pod) => pod.deployment.name),
    ).toEqual(['urgent']);
  });

  test('pods go within their grace, and their place is kept from others meanwhile', () => {
    const slow = { terminationGracePeriodSec: 30, drainSec: 20 };
    const world = worldOf({ nodes: 1, deployments: [placeholders(1, slow), deployment({ replicas: 0, ...QUICK })] });
    world.scale(CHAT, 1);
    wait(world, 1);
    const [chat] = world.deployment(CHAT).pods;
    const [victim] = world.drainingPods(BUFFER);
    expect(victim).toBeDefined();
    expect(chat).toMatchObject({ node: undefined, nominated: victim?.node });
    // Its replacement may not take the place back.
    expect(secUntil(world, () => chat?.node !== undefined)).toBeCloseTo(20.2, 0);
    expect(world.deployment(BUFFER).pods.size).toBe(1);
  });

  test('as few go as needed, the least important, where no budget is broken', () => {
    const cheap = placeholders(2, { name: 'cheap', priority: { name: 'cheap', value: -20, preempts: false } });
    const dear = placeholders(2, { name: 'dear', priority: { name: 'dear', value: -5, preempts: false } });
    const world = worldOf({
      nodes: 2,
      gpusPerNode: 2,
      deployments: [dear, cheap, deployment({ replicas: 0, ...QUICK })],
    });
    world.scale(CHAT, 1);
    wait(world, 20);
    expect([world.readyPods('dear').length, world.readyPods('cheap').length]).toEqual([2, 1]);
    world.addDisruptionBudget({ name: 'guard', matchLabels: { app: 'cheap' }, minAvailable: 1 });
    world.scale(CHAT, 2);
    wait(world, 20);
    expect([world.readyPods('dear').length, world.readyPods('cheap').length]).toEqual([1, 1]);
    // A budget only comes after: it does not save anybody where nobody else would make room.
    world.scale(CHAT, 4);
    wait(world, 20);
    expect(world.readyPods(CHAT)).toHaveLength(4);
  });
});
