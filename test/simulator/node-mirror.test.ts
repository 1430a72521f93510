import { describe, expect, test } from '@jest/globals';
import { NotFoundError, TransientError } from '../../lib/base/errors.ts';
import type { KubernetesClient } from '../../lib/clients/kubernetes/client.ts';
import type { V1Node } from '../../lib/clients/kubernetes/facade.ts';
import { mirrorNodes } from '../../lib/simulator/node-mirror.ts';
import { createWorld } from '../../lib/simulator/world/world.ts';

const START_MS = 1_763_920_800_000;
const PLAYED = { played: 'yes' };

/** A cluster that knows nothing but nodes. */
function nodesOnly() {
  const nodes = new Map<string, V1Node>();
  const core = {
    createNode: async ({ body }: { body: V1Node }) => void nodes.set(body.metadata?.name ?? '', body),
    deleteNode: async ({ name }: { name: string }) => {
      if (!nodes.delete(name)) throw new NotFoundError(`Cannot delete node "${name}"`);
    },
  };
  let refused = false;
  const call = async (what: string, request: (options: object) => Promise<unknown>): Promise<unknown> => {
    if (refused) throw new TransientError(`Cannot ${what}: refused`);
    return request({});
  };
  const client = { core, call } as unknown as KubernetesClient;
  return { client, nodes, refuse: (now: boolean) => void (refused = now) };
}

function oneGroup(desiredSize: number) {
  const group = { name: 'gpu', desiredSize, gpusPerNode: 2, bootSec: 60, gpuReadySec: 10, maxSize: 5 };
  return createWorld({ nodeGroups: [group], scalingDelaySec: 0, updateApplySec: 0, updateSec: 1 }, START_MS);
}

describe('mirrorNodes', () => {
  test('the first nodes are there at once, with their group, their instance and their GPUs', async () => {
    const { client, nodes } = nodesOnly();
    await mirrorNodes({ world: oneGroup(1), kubernetes: client, annotations: PLAYED, labels: { team: 'a' } });
    const [[name, node] = ['', undefined]] = [...nodes];
    expect(name).toMatch(/^i-0[0-9a-f]{16}\.eu-west-1\.compute\.internal$/);
    expect(node).toMatchObject({
      metadata: {
        annotations: PLAYED,
        labels: { 'eks.amazonaws.com/nodegroup': 'gpu', 'kubernetes.io/hostname': name, team: 'a' },
      },
      spec: { providerID: `aws:///eu-west-1a/${name.split('.')[0] ?? ''}` },
      status: { allocatable: { 'nvidia.com/gpu': '2' } },
    });
  });

  test('a node joins when its GPUs are there, not before, and leaves when its instance ends', async () => {
    const { client, nodes } = nodesOnly();
    const world = oneGroup(0);
    const mirror = await mirrorNodes({ world, kubernetes: client, annotations: PLAYED });
    world.updateNodeGroup('gpu', { desiredSize: 2, token: 'two' });
    world.advanceTo(START_MS + 65_000);
    await mirror.settled();
    expect(nodes.size).toBe(0);
    world.advanceTo(START_MS + 75_000);
    await mirror.settled();
    expect(nodes.size).toBe(2);
    const [gone] = world.readyNodes('gpu');
    world.terminateInstance(gone?.instance.id ?? '', { decrement: true });
    world.advanceTo(START_MS + 200_000);
    await mirror.settled();
    expect([...nodes.keys()]).toHaveLength(1);
    expect([...nodes.keys()][0]).not.toContain(gone?.instance.id);
  });

  test('the end takes the nodes that are left, also where somebody else took one', async () => {
    const { client, nodes } = nodesOnly();
    const world = oneGroup(2);
    const mirror = await mirrorNodes({ world, kubernetes: client, annotations: PLAYED });
    nodes.delete([...nodes.keys()][0] ?? '');
    await mirror.close();
    expect(nodes.size).toBe(0);
    world.updateNodeGroup('gpu', { desiredSize: 4, token: 'four' });
    world.advanceTo(START_MS + 200_000);
    expect(nodes.size).toBe(0);
  });

  test('a node that could not be made is told', async () => {
    const { client, nodes, refuse } = nodesOnly();
    const world = oneGroup(0);
    const mirror = await mirrorNodes({ world, kubernetes: client, annotations: PLAYED });
    expect(mirror.failure()).toBeUndefined();
    refuse(true);
    world.updateNodeGroup('gpu', { desiredSize: 1, token: 'one' });
    world.advanceTo(START_MS + 75_000);
    await expect(mirror.settled()).rejects.toThrow(/^Cannot mirror node "i-0.*refused/);
    expect(mirror.failure()).toBeInstanceOf(TransientError);
    refuse(false);
    await mirror.close();
    expect(nodes.size).toBe(0);
  });
});
