/** Ownership `buffer` on the simulated cloud: placeholder pods bring nodes before the pods that need them exist, and make room for them at once. */
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
const BUFFER = { name: 'penstock-buffer-g5', namespace: 'penstock' };

/** As Cluster Autoscaler: looks every 10 s, and brings a node for each pod that waits and has none coming. */
function scaler(world: World, sec: number): void {
  if (sec % 10 !== 0) return;
  const group = world.group(GROUP);
  const coming = group.size.desiredSize - world.readyNodes(GROUP).filter((node) => node.gpusAllocatable > 0).length;
  const waiting = [...world.state.pendingPods].filter((pod) => pod.unschedulable !== undefined).length;
  if (waiting > coming) world.editGroup(GROUP, { desiredSize: group.size.desiredSize + waiting - coming });
}

/** The load doubles at 0 s. Somebody else sets the replicas, `hpaSec` later. */
async function start(of: { readonly hpaSec: number; readonly ownership: 'buffer' | 'observe' }): Promise<NodesWorld> {
  nodes = await nodesWorld({
    settings: {
      deployments: [
        { name: 'llama', replicas: 2 },
        {
          ...BUFFER,
          replicas: 0,
          podLabels: { app: BUFFER.name, 'penstock.dev/buffer': GROUP },
          priority: { name: 'penstock-buffer', value: -10, preempts: false },
          terminationGracePeriodSec: 0,
          modelLoadSec: 0,
        },
      ],
      nodeGroups: [{ name: GROUP, maxSize: 10, desiredSize: 2 }],
    },
    workloads: [workloadPolicy({ mode: 'observe', nodeGroups: [GROUP] }, 'llama')],
    nodeGroups: [groupPolicy({ ownership: of.ownership, nodes: { max: 10 } }, GROUP)],
    others: (world, sec) => {
      if (sec === of.hpaSec) world.scale('llama', 4);
      scaler(world, sec);
    },
  });
  nodes.want('llama', 4);
  return nodes;
}

describe('placeholder pods', () => {
  test('the scaler brings nodes for them at once, and the real pods take their places the moment they exist', async () => {
    const { world, run, when } = await start({ hpaSec: 120, ownership: 'buffer' });
    await run(120);
    expect(when(/g5 desired 4/)).toBeLessThanOrEqual(20);
    // A node's boot later they sit on the new nodes.
    expect(when(/penstock-buffer-g5 serving 2/)).toBeLessThanOrEqual(100);
    await run(120);
    // Image pull and model load, and nothing else.
    expect(when(/llama serving 4/)).toBeLessThanOrEqual(120 + 84 + 10);
    expect(when(/penstock-buffer-g5 serving 0/, 105)).toBeLessThanOrEqual(130);
    expect(world.deployment(BUFFER)).toMatchObject({ replicas: 0 });
    // Nobody asked for more nodes than the load needs.
    expect(world.group(GROUP).size.desiredSize).toBe(4);
  });

  test('pods that exist before their nodes are ready come first when these are', async () => {
    const { world, run, when } = await start({ hpaSec: 60, ownership: 'buffer' });
    await run(240);
    expect(when(/llama serving 4/)).toBeLessThanOrEqual(185);
    expect(world.group(GROUP).size.desiredSize).toBe(4);
    expect(world.deployment(BUFFER)).toMatchObject({ replicas: 0 });
  });

  test('without them the nodes are asked for when the pods wait', async () => {
    const { run, when } = await start({ hpaSec: 120, ownership: 'observe' });
    await run(330);
    expect(when(/g5 desired 4/)).toBeGreaterThanOrEqual(125);
    expect(when(/llama serving 4/)).toBeGreaterThanOrEqual(120 + 84 + 60);
  });
});
