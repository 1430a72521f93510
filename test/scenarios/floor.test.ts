/** Ownership `floor` on the simulated cloud, beside Cluster Autoscaler and an HPA: how much earlier nodes come than by the scaler alone, and that it takes nothing from it. */
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

const GROUP = 'g5';
/** When an HPA with its defaults asks for what a load needs that has doubled: the median of `buffer.test.ts`, in steps of this harness [s]. */
const HPA_SEC = 65;
/** Cluster Autoscaler lets GPU pods wait so long and looks every 10 s [s]. */
const PENDING_SEC = 30;

/** As Cluster Autoscaler: a node for each pod that has waited and has none coming. */
function scaler(): (world: World, sec: number) => void {
  const since = new Map<string, number>();
  return (world, sec) => {
    const waiting = [...world.state.pendingPods].filter((pod) => pod.unschedulable !== undefined);
    for (const { name } of waiting) since.set(name, since.get(name) ?? sec);
    if (sec % 10 !== 0) return;
    const group = world.group(GROUP);
    const coming = group.size.desiredSize - world.readyNodes(GROUP).filter((node) => node.gpusAllocatable > 0).length;
    const due = waiting.filter(({ name }) => sec - (since.get(name) ?? sec) >= PENDING_SEC).length;
    if (due > coming) world.editGroup(GROUP, { desiredSize: group.size.desiredSize + due - coming });
  };
}

/** The load doubles at 0 s; the HPA follows. */
async function start(ownership: 'floor' | 'observe'): Promise<NodesWorld> {
  const byScaler = scaler();
  nodes = await nodesWorld({
    settings: {
      deployments: [{ name: 'llama', replicas: 2 }],
      nodeGroups: [{ name: GROUP, maxSize: 10, desiredSize: 2 }],
    },
    workloads: [workloadPolicy({ mode: 'observe', nodeGroups: [GROUP] }, 'llama')],
    nodeGroups: [groupPolicy({ ownership, nodes: { max: 10 }, scaleDown: { idleSec: 120 } }, GROUP)],
    others: (world, sec) => {
      if (sec === HPA_SEC) world.scale('llama', 4);
      byScaler(world, sec);
    },
  });
  nodes.want('llama', 4);
  return nodes;
}

describe('ownership floor beside Cluster Autoscaler', () => {
  test('nodes are asked for the moment the need is planned, not when pods have waited for them', async () => {
    const figures: Record<string, readonly number[]> = {};
    for (const ownership of ['observe', 'floor'] as const) {
      const { run, when, close } = await start(ownership);
      await run(30, { planSec: 5 });
      await run(240);
      figures[ownership] = [when(/g5 desired 4/), when(/g5 ready 4/), when(/llama serving 4/)];
      await close();
      nodes = undefined;
    }
    const [alone = [], floored = []] = [figures['observe'], figures['floor']];
    const gained = alone.map((sec, index) => sec - (floored[index] ?? Number.NaN));
    // After the step [s]: asked for, Ready, and all four replicas serve. The table of docs/node-groups.md has them.
    expect(alone).toEqual([100, expect.closeTo(175, -1), expect.closeTo(260, -1)]);
    expect(floored[0]).toBeLessThanOrEqual(5);
    for (const sec of gained) expect(sec).toBeGreaterThanOrEqual(85);
  });

  test('nodes that nobody has needed for a while are left to the scaler', async () => {
    const { world, run, want } = await start('floor');
    await run(240);
    expect(world.group(GROUP).size).toMatchObject({ minSize: 4, desiredSize: 4 });
    want('llama', 2);
    world.scale('llama', 2);
    await run(60);
    expect(world.group(GROUP).size).toMatchObject({ minSize: 4, desiredSize: 4 });
    await run(150);
    // It may take them now, and is not told to.
    expect(world.group(GROUP).size).toMatchObject({ minSize: 2, desiredSize: 4 });
  });
});
