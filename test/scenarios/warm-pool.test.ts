/** Node groups with a warm pool of EC2 Auto Scaling: what waits there is no node, a raise takes it first, and what goes back comes again. */
import { afterEach, describe, expect, test } from '@jest/globals';
import type { World } from '../../lib/simulator/world/world.ts';
import type { NodeGroupSettings, WarmPoolSettings } from '../../lib/simulator/world/settings.ts';
import { groupPolicy, workloadPolicy } from '../core/builders.ts';
import { nodesWorld } from './nodes-world.ts';
import type { NodesWorld } from './nodes-world.ts';

let nodes: NodesWorld | undefined;
afterEach(async () => {
  await nodes?.close();
  nodes = undefined;
});

type Provider = 'eksNodeGroup' | 'autoScalingGroup';

/** Two replicas on two nodes of g5, which has a warm pool. A cold node takes 210 s to its GPUs, a warm one 35 s. */
async function start(
  kind: Provider,
  of: { readonly pool: WarmPoolSettings; readonly group?: Partial<NodeGroupSettings> },
): Promise<NodesWorld> {
  const group = { name: 'g5', maxSize: 6, desiredSize: 2, bootSec: 200, gpuReadySec: 10, warmPool: of.pool };
  const providerOf = (world: World) =>
    kind === 'eksNodeGroup'
      ? { kind, cluster: 'prod', nodeGroup: 'g5' }
      : { kind, name: world.group('g5').scalingGroupName };
  nodes = await nodesWorld({
    settings: { deployments: [{ name: 'llama', replicas: 2 }], nodeGroups: [{ ...group, ...of.group }] },
    workloads: [workloadPolicy({ nodeGroups: ['g5'] }, 'llama')],
    nodeGroups: (world) => [groupPolicy({ provider: providerOf(world), scaleDown: { idleSec: 60 } }, 'g5')],
  });
  return nodes;
}

const lifecycles = (world: World): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { lifecycle } of world.group('g5').instances.values()) counts[lifecycle] = (counts[lifecycle] ?? 0) + 1;
  return counts;
};

describe.each(['eksNodeGroup', 'autoScalingGroup'] as const)('%s with a warm pool', (kind) => {
  test('what waits in the pool is neither a node nor one that never joins', async () => {
    const { world, run, when, timeline, plan } = await start(kind, { pool: { maxPrepared: 5 } });
    await run(960, { planSec: 120 });
    expect(lifecycles(world)).toEqual({ InService: 2, 'Warmed:Stopped': 3 });
    expect(plan().nodeGroups['g5']).toMatchObject({ nodes: 2, observed: { desired: 2 } });
    expect(plan().groupWatch?.['g5']?.missing).toBeUndefined();
    expect(when(/alert|firing/)).toBeNaN();
    expect(timeline.filter(([, line]) => line.startsWith('g5 desired'))).toEqual([[5, 'g5 desired 2']]);
    // Two nodes for 16 minutes, and nothing for those that are stopped.
    expect(world.cost().instanceHours).toBeCloseTo(32 / 60, 2);
  });

  test('growth takes warm instances first and serves minutes earlier; what the pool lacks starts cold', async () => {
    const { world, want, run, when, plan } = await start(kind, { pool: { maxPrepared: 4 } });
    want('llama', 5);
    await run(330);
    expect(when(/g5 planned 5/)).toBe(0);
    expect(when(/g5 ready 4/)).toBeLessThanOrEqual(60);
    expect(when(/llama serving 4/)).toBeLessThanOrEqual(150);
    expect(when(/g5 ready 5/)).toBeGreaterThanOrEqual(210);
    expect(when(/llama serving 5/)).toBeLessThanOrEqual(320);
    expect(world.group('g5').size.desiredSize).toBe(5);
    const took = (where: string): number[] =>
      (plan().groupWatch?.['g5']?.lead?.starts ?? []).filter(([, , at]) => at === where).map(([sec]) => sec);
    expect(Math.max(...took('warm'))).toBeLessThanOrEqual(90);
    expect(Math.min(...took('cold'))).toBeGreaterThan(Math.max(...took('warm')));
    expect(when(/firing|foreign-writer/)).toBeNaN();
  });

  test('a pool that cannot be filled is no shortage of the group', async () => {
    const { want, run, when, world } = await start(kind, {
      pool: { minSize: 2, maxPrepared: 3 },
      group: { capacity: 3 },
    });
    want('llama', 3);
    await run(180);
    expect(lifecycles(world)).toEqual({ InService: 3, 'Warmed:Stopped': 1 });
    const failed = world.group('g5').activities.filter(({ status }) => status === 'Failed');
    expect(failed.length).toBeGreaterThan(0);
    expect(when(/llama serving 3/)).toBeLessThanOrEqual(150);
    expect(when(/capacity-shortage/)).toBeNaN();
  });

  const keepsNodes = kind === 'autoScalingGroup';
  test(`a freed instance goes back to the pool and comes again, ${keepsNodes ? 'its node uncordoned' : 'as another node'}`, async () => {
    const { world, want, run, when, plan } = await start(kind, {
      pool: { maxPrepared: 4, reuseOnScaleIn: true, keepsNodes },
    });
    const first = new Set(world.group('g5').instances.keys());
    want('llama', 1);
    await run(300);
    expect(when(/g5 desired 1/)).toBeLessThanOrEqual(150);
    expect(lifecycles(world)).toEqual({ InService: 1, 'Warmed:Stopped': 3 });
    expect(plan().nodeGroups['g5']).toMatchObject({ nodes: 1, victims: [] });
    want('llama', 4);
    await run(240);
    expect(when(/g5 ready 4/, 300)).toBeLessThanOrEqual(360);
    expect(when(/llama serving 4/, 300)).toBeLessThanOrEqual(450);
    // No other instance was ever started for it.
    expect(new Set(world.group('g5').instances.keys())).toEqual(first);
    expect(world.readyNodes('g5').every((node) => !node.unschedulable)).toBe(true);
    expect(when(/firing|foreign-writer/)).toBeNaN();
  });
});
