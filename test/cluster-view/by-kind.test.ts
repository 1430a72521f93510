import { describe, expect, test } from '@jest/globals';
import { VirtualClock } from '../../lib/base/clock.ts';
import { clusterViewByKind } from '../../lib/cluster-view/by-kind.ts';
import { memoryClusterView } from '../../lib/cluster-view/memory.ts';
import { groupPolicy, observed, observedGroup, workloadPolicy } from '../core/builders.ts';

const swarmPolicy = workloadPolicy({ target: { kind: 'SwarmService', name: 'chat' } }, 'chat');
const otherPolicy = workloadPolicy({}, 'llama');
const group = groupPolicy({}, 'g5');

function views() {
  const clock = new VirtualClock();
  const [swarm, otherwise] = [memoryClusterView({ clock }), memoryClusterView({ clock })];
  swarm.targets.set('chat', observed(2));
  otherwise.targets.set('llama', observed(3));
  otherwise.nodeGroups.set('g5', observedGroup([]));
  const view = clusterViewByKind({ views: new Map([['SwarmService', swarm]]), otherwise, clock });
  return { clock, swarm, otherwise, view };
}

describe('clusterViewByKind', () => {
  test('asks each orchestrator for its own targets, and the last one for the node groups', async () => {
    const { view } = views();
    expect(await view.observe({ workloads: [swarmPolicy, otherPolicy], nodeGroups: [group] })).toMatchObject({
      targets: { chat: { replicas: 2 }, llama: { replicas: 3 } },
      nodeGroups: { g5: { kind: 'observed' } },
    });
  });

  test('one that is out of reach spoils only its own', async () => {
    const { swarm, view } = views();
    swarm.unreachable = true;
    expect(await view.observe({ workloads: [swarmPolicy, otherPolicy], nodeGroups: [] })).toMatchObject({
      targets: { chat: { kind: 'missing', reason: expect.stringContaining('nothing') }, llama: { kind: 'observed' } },
    });
  });

  test('the snapshot is as old as its oldest part', async () => {
    const { clock, swarm, view } = views();
    const startMs = clock.nowMs();
    const observe = swarm.observe.bind(swarm);
    Object.assign(swarm, {
      observe: async (asked: Parameters<typeof observe>[0]) => {
        const seen = await observe(asked);
        await clock.sleep(4_000);
        return seen;
      },
    });
    const slow = view.observe({ workloads: [swarmPolicy, otherPolicy], nodeGroups: [] });
    await clock.advance(4_000);
    expect((await slow).atMs).toBe(startMs);
  });

  test('what is proven of the snapshot is what is proven of its least proven part', async () => {
    const { clock, swarm, view } = views();
    const observe = swarm.observe.bind(swarm);
    const asOfMs = clock.nowMs() - 12_000;
    Object.assign(swarm, {
      observe: async (asked: Parameters<typeof observe>[0]) => ({ ...(await observe(asked)), asOfMs }),
    });
    const asked = { workloads: [swarmPolicy, otherPolicy], nodeGroups: [] };
    expect(await view.observe(asked)).toMatchObject({ atMs: clock.nowMs(), asOfMs });
    expect(await view.observe({ ...asked, workloads: [otherPolicy] })).not.toHaveProperty('asOfMs');
  });

  test('a kind without a connection is missing with the setting that it needs', async () => {
    const { clock, otherwise } = views();
    const none = new Map([['SwarmService', 'PENSTOCK_DOCKER_HOST is not set']]);
    const view = clusterViewByKind({ views: none, otherwise, clock });
    expect(await view.observe({ workloads: [swarmPolicy, otherPolicy], nodeGroups: [] })).toMatchObject({
      targets: { chat: { kind: 'missing', reason: 'PENSTOCK_DOCKER_HOST is not set' }, llama: { kind: 'observed' } },
    });
  });
});
