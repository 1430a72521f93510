/** Replicas of a lower tier that give way to a higher one, on the simulated cloud: plan, marks on pods, scale, scheduler, and back. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { groupPolicy, workloadPolicy } from '../core/builders.ts';
import { nodesWorld } from './nodes-world.ts';
import type { NodesWorld } from './nodes-world.ts';

let nodes: NodesWorld | undefined;
afterEach(async () => {
  await nodes?.close();
  nodes = undefined;
});

const GPU = 'nvidia.com/gpu';

/** Eight GPUs on four nodes and no more to be had: chat (tier 1) has two of them in one replica, batch (tier 2) six in six. Each pod ends its requests for 20 s. */
async function start(preemption: Readonly<Record<string, unknown>> | undefined): Promise<NodesWorld> {
  nodes = await nodesWorld({
    settings: {
      deployments: [
        { name: 'chat', replicas: 1, gpusPerPod: 2 },
        { name: 'batch', replicas: 6, drainSec: 20 },
      ],
      nodeGroups: [{ name: 'g5', gpusPerNode: 2, maxSize: 4, desiredSize: 4 }],
    },
    workloads: [
      workloadPolicy({ nodeGroups: ['g5'] }, 'chat'),
      workloadPolicy({ nodeGroups: ['g5'], priority: { tier: 2, kind: 'batch' } }, 'batch'),
    ],
    nodeGroups: [groupPolicy({ nodes: { max: 4 }, shape: { instanceType: 'g5.12xlarge', gpus: { [GPU]: 2 } } }, 'g5')],
    fleet: preemption === undefined ? {} : { preemption },
  });
  return nodes;
}

describe('preemption between tiers', () => {
  test('two replicas on one node make room for a large one of a higher tier, and come back when it goes', async () => {
    const { world, want, run, when, plan, timeline } = await start({ for: 'wants' });
    want('chat', 2);
    want('batch', 6);
    await run(570);
    // A replica runs ten minutes before it is asked for, and until then people are told.
    expect(when(/batch serving [0-5]/)).toBeNaN();
    expect(when(/firing unmet-demand\/chat.*no lower tier has replicas that may give way/)).toBeLessThanOrEqual(180);
    await run(240);
    expect(when(/batch serving 4/, 600)).toBeLessThanOrEqual(690);
    // The two were on one node, so that the replica of two GPUs has a place as soon as they have ended; then it loads its model.
    expect(when(/chat serving 2/, 600)).toBeLessThanOrEqual(810);
    expect(timeline.filter(([, line]) => /g5 desired/.test(line))).toHaveLength(1);
    await run(300, { planSec: 60 });
    expect(when(/firing unmet-demand\/batch.*2 replicas gave way to chat \(tier 1\)/)).toBeLessThanOrEqual(1_110);
    expect([plan().targets['chat']?.replicas, plan().targets['batch']?.replicas]).toEqual([2, 4]);
    want('chat', 1);
    await run(600, { planSec: 60 });
    // What gave way comes back where nobody needs the GPUs any more, ten minutes after it went at the earliest.
    expect(when(/batch serving 6/, 1_110)).toBeGreaterThanOrEqual(1_230);
    expect(world.readyPods({ name: 'chat', namespace: 'default' })).toHaveLength(1);
  });

  test('without it the lower tier keeps what runs', async () => {
    const { want, run, when } = await start(undefined);
    want('chat', 2);
    want('batch', 6);
    await run(1_200, { planSec: 60 });
    expect(when(/batch serving [0-5]/)).toBeNaN();
    expect(when(/chat serving 2/)).toBeNaN();
  });
});
