/** What every `FleetView` must show of a cluster: registers the tests for one. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { FleetView } from '../../../lib/cli/demo/cluster/fleet.ts';
import { readyPods } from '../../../lib/cli/demo/cluster/fleet.ts';
import { NAMESPACE, worldSettings } from '../../../lib/cli/demo/scene.ts';
import { NotFoundError } from '../../../lib/base/errors.ts';
import { createWorld } from '../../../lib/simulator/world/world.ts';
import type { World } from '../../../lib/simulator/world/world.ts';

export type FleetUnderTest = {
  readonly fleet: FleetView;
  /** Resolves when the view shows everything that has happened in the world so far. */
  caughtUp(): Promise<void>;
  close(): Promise<void>;
};

const START_MS = 1_763_920_800_000;
const LLAMA = { namespace: NAMESPACE, name: 'llama-8b-chat' };
const QWEN = { namespace: NAMESPACE, name: 'qwen-32b-agent' };

/** `open` makes the view of a world whose time stands still unless the suite moves it on. */
export function fleetConformance(name: string, open: (world: World) => Promise<FleetUnderTest>): void {
  describe(`${name} as a fleet`, () => {
    let world: World;
    let under: FleetUnderTest;
    beforeEach(async () => {
      world = createWorld(worldSettings(120), START_MS);
      under = await open(world);
    });
    afterEach(() => under.close());
    const after = async (sec: number): Promise<void> => {
      world.advanceTo(world.nowMs() + sec * 1000);
      await under.caughtUp();
    };

    test('shows the first replicas Ready at addresses of their own, and the first nodes', () => {
      const counts = ['llama-8b-chat', 'qwen-32b-agent', 'image-batch'].map((deployment) => {
        const { pods, replicas, resizes } = under.fleet.deployment(deployment);
        return [replicas, resizes, pods.length, readyPods(under.fleet, deployment).length];
      });
      expect(counts).toEqual([
        [1, 0, 1, 1],
        [2, 0, 2, 2],
        [0, 0, 0, 0],
      ]);
      const ips = readyPods(under.fleet, 'qwen-32b-agent').map(({ ip }) => ip);
      expect(new Set(ips).size).toBe(2);
      expect(ips.every((ip) => ip.startsWith('127.77.'))).toBe(true);
      expect(under.fleet.nodes('g7e-od').map(({ cordoned, ready }) => [ready, cordoned])).toEqual([
        [true, false],
        [true, false],
      ]);
      expect(under.fleet.nodes('p5-od')).toEqual([]);
    });

    test('tells replicas that start from those that serve, and counts each accepted resize', async () => {
      world.updateNodeGroup('g6-od', { desiredSize: 4, token: 'four' });
      world.scale(LLAMA, 3);
      world.scale(LLAMA, 4);
      await after(1);
      expect(under.fleet.deployment('llama-8b-chat')).toMatchObject({ replicas: 4, resizes: 2 });
      expect(under.fleet.deployment('llama-8b-chat').pods).toHaveLength(4);
      expect(readyPods(under.fleet, 'llama-8b-chat')).toHaveLength(1);
      await after(20);
      expect(readyPods(under.fleet, 'llama-8b-chat')).toHaveLength(4);
      expect(under.fleet.nodes('g6-od').filter(({ ready }) => ready)).toHaveLength(4);
    });

    test('leaves out pods that terminate, and nodes that have gone', async () => {
      world.scale(QWEN, 1);
      await after(0.2);
      expect(under.fleet.deployment('qwen-32b-agent').pods).toHaveLength(1);
      const [node] = world
        .readyNodes('g7e-od')
        .filter(({ pods }) => pods.size === 0 || [...pods].every((pod) => pod.deletion));
      world.terminateInstance(node?.instance.id ?? '', { decrement: false });
      await after(2);
      expect(under.fleet.nodes('g7e-od').map((one) => one.name)).not.toContain(node?.name);
    });

    test('shows which nodes are cordoned', async () => {
      for (const node of world.readyNodes('g7e-od')) world.cordon(node, true);
      await after(0.1);
      expect(under.fleet.nodes('g7e-od').map(({ cordoned }) => cordoned)).toEqual([true, true]);
    });

    test('knows no other Deployment', () => {
      expect(() => under.fleet.deployment('another')).toThrow(NotFoundError);
    });
  });
}
