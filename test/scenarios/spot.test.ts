/** Spot nodes with on-demand ones behind them, on the simulated cloud. */
import { afterEach, describe, expect, test } from '@jest/globals';
import type { WorldSettings } from '../../lib/simulator/world/settings.ts';
import { groupPolicy, workloadPolicy } from '../core/builders.ts';
import { nodesWorld } from './nodes-world.ts';
import type { NodesWorld } from './nodes-world.ts';

let nodes: NodesWorld | undefined;
afterEach(async () => {
  await nodes?.close();
  nodes = undefined;
});

const GPUS = { 'nvidia.com/gpu': 1 };

/** Two replicas on two spot nodes, a third as the spare one, on-demand behind them. */
async function start(
  of: { readonly spot?: Partial<NonNullable<WorldSettings['nodeGroups']>[number]> } = {},
): Promise<NodesWorld> {
  const scaleDown = { idleSec: 120, consolidate: true };
  nodes = await nodesWorld({
    settings: {
      deployments: [{ name: 'llama', replicas: 2 }],
      nodeGroups: [
        { name: 'spot', market: 'SPOT', usdPerHour: 0.4, maxSize: 10, desiredSize: 3, ...of.spot },
        { name: 'od', maxSize: 10, desiredSize: 0 },
      ],
    },
    workloads: [workloadPolicy({ nodeGroups: ['spot', 'od'] }, 'llama')],
    nodeGroups: [
      groupPolicy({ shape: { instanceType: 'g5', gpus: GPUS, usdPerHour: 0.4, market: 'spot' }, scaleDown }, 'spot'),
      groupPolicy({ shape: { instanceType: 'g5', gpus: GPUS, usdPerHour: 1.006 }, scaleDown }, 'od'),
    ],
  });
  return nodes;
}

describe('spot', () => {
  test('an interruption: the spare node takes over at once, and the group brings the next spare', async () => {
    const { world, want, run, when } = await start();
    want('llama', 2);
    await run(30);
    const busy = world.readyNodes('spot').find((node) => node.pods.size > 0);
    if (busy === undefined) throw new Error('no busy node');
    world.reclaimInstance(busy.instance.id);
    await run(330);
    expect(when(/llama serving 1/)).toBeLessThanOrEqual(40);
    // One start of the model on a node that was there; no node to wait for.
    expect(when(/llama serving 2/, 40)).toBeLessThanOrEqual(130);
    expect(when(/spot ready 3/, 60)).toBeLessThanOrEqual(160);
    expect(when(/od desired [1-9]/)).toBeNaN();
  });

  test('no spot machines: on-demand nodes are asked for in parallel, and let go when spot nodes are back', async () => {
    const { world, want, run, when, timeline } = await start({ spot: { capacity: 3 } });
    want('llama', 5);
    await run(240);
    // Two more than the spare one: on-demand nodes in the same plan, not after the spot launch has failed.
    expect(when(/spot planned 6/)).toBe(0);
    expect(when(/od planned 2/)).toBe(0);
    expect(when(/llama serving 5/)).toBeLessThanOrEqual(180);
    expect(when(/capacity-shortage\/spot.*InsufficientInstanceCapacity/)).toBeLessThanOrEqual(60);
    world.setCapacity('spot', 10);
    await run(1_200, { planSec: 60 });
    expect(when(/spot ready 6/, 240)).toBeLessThanOrEqual(600);
    // Pods move from the dear nodes to the free spot nodes, one node at a time, and the dear nodes go.
    expect(when(/od desired 0/, 240)).toBeLessThanOrEqual(560);
    expect(world.readyPods({ name: 'llama', namespace: 'default' })).toHaveLength(5);
    // And then it is quiet: no node goes back and forth.
    expect(timeline.filter(([atSec, line]) => atSec > 600 && /desired|serving/.test(line))).toEqual([]);
  });
});
