/** A stock-out that outlives the need: what was asked for and not delivered is taken back, and no instance there is pays for it. */
import { afterEach, describe, expect, test } from '@jest/globals';
import type { World } from '../../lib/simulator/world/world.ts';
import { groupPolicy, workloadPolicy } from '../core/builders.ts';
import { nodesWorld } from './nodes-world.ts';
import type { NodesWorld } from './nodes-world.ts';

let nodes: NodesWorld | undefined;
afterEach(async () => {
  await nodes?.close();
  nodes = undefined;
});

/** Two replicas on the two nodes that the cloud can give; idle nodes go after a minute. */
async function start(kind: 'eksNodeGroup' | 'autoScalingGroup'): Promise<NodesWorld> {
  const providerOf = (world: World) =>
    kind === 'eksNodeGroup'
      ? { kind, cluster: 'prod', nodeGroup: 'g5' }
      : { kind, name: world.group('g5').scalingGroupName };
  nodes = await nodesWorld({
    settings: {
      deployments: [{ name: 'llama', replicas: 2 }],
      nodeGroups: [{ name: 'g5', maxSize: 10, desiredSize: 2, capacity: 2 }],
    },
    workloads: [workloadPolicy({ nodeGroups: ['g5'] }, 'llama')],
    nodeGroups: (world) => [groupPolicy({ provider: providerOf(world), scaleDown: { idleSec: 60 } }, 'g5')],
  });
  return nodes;
}

const ids = (world: World): string[] => [...world.group('g5').instances.keys()];
/** Instances that began to end. */
const ended = (world: World): number =>
  world.group('g5').activities.filter(({ description }) => description.startsWith('Terminating')).length;

describe.each(['eksNodeGroup', 'autoScalingGroup'] as const)('a stock-out that outlives the need: %s', (kind) => {
  test('stays asked for while it is needed, and is taken back but for one when it is not', async () => {
    const { world, want, run, when, plan } = await start(kind);
    const before = ids(world);
    want('llama', 8);
    await run(240);
    expect(world.group('g5').size.desiredSize).toBe(8);
    expect(plan().nodeGroups['g5']?.undelivered).toBeUndefined();
    want('llama', 2);
    await run(150);
    // Two that are there, and one by which the end of the shortage is known.
    expect(when(/g5 desired 3/, 300)).toBeLessThanOrEqual(345);
    expect(ids(world)).toEqual(before);
    world.setCapacity('g5', 10);
    await run(360);
    // It comes, is not needed, and goes by name like any other.
    expect(when(/g5 ready 3/, 390)).toBeLessThanOrEqual(540);
    expect(when(/g5 desired 2/, 390)).toBeLessThanOrEqual(690);
    expect(ids(world)).toEqual(before);
    expect(world.readyPods({ name: 'llama', namespace: 'default' })).toHaveLength(2);
    expect(ended(world)).toBe(1);
    expect(when(/foreign-writer|actuation-failing/)).toBeNaN();
  });
});

test('an instance that comes at that very moment makes the cloud end none', async () => {
  const { world, want, run, when } = await start('eksNodeGroup');
  const before = ids(world);
  want('llama', 8);
  await run(180);
  want('llama', 2);
  // The cloud tries again every minute: one more is to be had from now on.
  await run(60);
  world.setCapacity('g5', 3);
  await run(120);
  expect(world.group('g5').size.desiredSize).toBeLessThan(8);
  expect(ids(world)).toEqual(expect.arrayContaining(before));
  expect(world.readyPods({ name: 'llama', namespace: 'default' })).toHaveLength(2);
  expect(when(/foreign-writer/)).toBeNaN();
});
