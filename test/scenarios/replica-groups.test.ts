/** A model on several nodes: a LeaderWorkerSet grows and shrinks by whole groups, and its nodes with it. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { groupPolicy, workloadPolicy } from '../core/builders.ts';
import { nodesWorld } from './nodes-world.ts';
import type { NodesWorld } from './nodes-world.ts';

let nodes: NodesWorld | undefined;
afterEach(async () => {
  await nodes?.close();
  nodes = undefined;
});

const GPUS = { 'nvidia.com/gpu': 1 };
const PODS = 4;

/** One group of four pods on four nodes. */
async function start(of: { readonly max?: number; readonly capacity?: number } = {}): Promise<NodesWorld> {
  const { max = 20, capacity = Infinity } = of;
  const lws = { servedAs: 'leaderworkersets', podsPerReplica: PODS } as const;
  const size = { maxSize: max, desiredSize: PODS, capacity };
  const shape = { instanceType: 'g5', gpus: GPUS };
  nodes = await nodesWorld({
    settings: {
      deployments: [{ name: 'llama', replicas: 1, ...lws }],
      nodeGroups: [
        { name: 'g5', ...size },
        { name: 'g6', maxSize: 20, desiredSize: 0 },
      ],
    },
    workloads: [
      workloadPolicy({ target: { kind: 'LeaderWorkerSet', name: 'llama' }, nodeGroups: ['g5', 'g6'] }, 'llama'),
    ],
    nodeGroups: [
      groupPolicy({ nodes: { max, surgeMax: 20 }, shape, scaleDown: { idleSec: 60 } }, 'g5'),
      groupPolicy({ nodes: { max: capacity === Infinity ? 1 : 20 }, shape, scaleDown: { idleSec: 60 } }, 'g6'),
    ],
  });
  return nodes;
}

const statusOf = ({ world }: NodesWorld) => world.deployment('llama').status;

describe('replicas of several pods', () => {
  test('nodes for all pods of two more replicas are asked for at once, and both serve one start later', async () => {
    const site = await start();
    site.want('llama', 3);
    await site.run(240);
    expect(site.when(/g5 desired 12/)).toBe(5);
    expect(site.when(/llama serving 12/)).toBeLessThanOrEqual(190);
    expect(statusOf(site)).toMatchObject({ replicas: 3, readyReplicas: 3 });
  });

  test('where nodes for one more replica are left, one comes, and no node for half of the next', async () => {
    const site = await start({ max: 10 });
    site.want('llama', 3);
    await site.run(300);
    expect(site.world.deployment('llama').replicas).toBe(2);
    expect(site.when(/g5 desired 8/)).toBe(5);
    expect(site.when(/g5 desired (9|10)/)).toBeNaN();
    expect(site.world.state.pendingPods.size).toBe(0);
    expect(site.when(/firing unmet-demand\/llama: llama is short of GPUs for 1 replica/)).toBeLessThanOrEqual(180);
  });

  test('a stock-out in the middle of a replica: what is missing comes from the next group', async () => {
    const site = await start({ capacity: 6 });
    site.want('llama', 2);
    await site.run(300);
    expect(site.when(/g5 desired 8/)).toBe(5);
    expect(site.when(/firing capacity-shortage\/g5/)).toBeLessThanOrEqual(60);
    // The two that start are not nodes yet, so all four are asked for; two are given back.
    expect(site.when(/g6 planned 4/)).toBeLessThanOrEqual(60);
    expect(site.when(/llama serving 8/)).toBeLessThanOrEqual(270);
    expect(site.when(/g6 desired 2/)).toBeLessThanOrEqual(270);
    expect(statusOf(site)).toMatchObject({ readyReplicas: 2 });
  });

  test('a shrink takes the group with the highest number, and its nodes follow', async () => {
    const site = await start();
    site.want('llama', 3);
    await site.run(240);
    site.want('llama', 1);
    await site.run(420);
    const left = site.world.readyPods('llama').map((pod) => pod.name);
    expect(left.toSorted()).toEqual(['llama-0', 'llama-0-1', 'llama-0-2', 'llama-0-3']);
    expect(site.when(/g5 desired 4/, 240)).toBeLessThanOrEqual(660);
  });
});
