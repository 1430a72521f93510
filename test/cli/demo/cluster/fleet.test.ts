import { describe, expect, test } from '@jest/globals';
import { systemClock, VirtualClock } from '../../../../lib/base/clock.ts';
import { kubernetesFleet } from '../../../../lib/cli/demo/cluster/kubernetes-fleet.ts';
import { NAMESPACE, worldSettings } from '../../../../lib/cli/demo/scene.ts';
import { simulatedFleet } from '../../../../lib/cli/demo/cluster/simulated-fleet.ts';
import { kubernetesClient } from '../../../../lib/clients/kubernetes/client.ts';
import { startClusterServer, type ClusterServer } from '../../../../lib/simulator/cluster-server/server.ts';
import { createWorld } from '../../../../lib/simulator/world/world.ts';
import type { World } from '../../../../lib/simulator/world/world.ts';
import { patientKubernetes } from '../../../support/patience.ts';
import { eventually } from '../../../support/process-host.ts';
import { fleetConformance } from '../fleet-conformance.ts';

/** The API of a world whose time stands still, and a client of it. */
async function serve(world: World) {
  const clock = new VirtualClock(world.nowMs());
  const server = await startClusterServer({ world, clock });
  const connection = { kind: 'server', server: server.kubernetesUrl, token: server.token } as const;
  const kubernetes = kubernetesClient(connection, { clock: systemClock, ...patientKubernetes });
  return {
    server,
    kubernetes,
    close: async () => {
      await kubernetes.close();
      await server.close();
    },
  };
}

const listed = ({ requests }: ClusterServer): number =>
  requests.of('list nodes').filter(({ status }) => status === 200).length;

fleetConformance('the simulated world', async (world) => ({
  fleet: simulatedFleet(world),
  caughtUp: async () => {},
  close: async () => {},
}));

fleetConformance('the Kubernetes API', async (world) => {
  const { close, kubernetes, server } = await serve(world);
  const fleet = await kubernetesFleet({ kubernetes, clock: systemClock, namespace: NAMESPACE, listEveryMs: 1 });
  return {
    fleet,
    caughtUp: async () => {
      // The lists of a picture are asked for together: the second that begins from now on ends after one that began from now on.
      const before = listed(server);
      await eventually('two more pictures and the start of a third', () => listed(server) >= before + 3);
    },
    close: async () => {
      await fleet.close();
      await close();
    },
  };
});

describe('the Kubernetes API that falls silent', () => {
  test('leaves the last picture for a while, then is a failure that says why', async () => {
    const world = createWorld(worldSettings(120), 1_763_920_800_000);
    const { close, kubernetes, server } = await serve(world);
    const clock = new VirtualClock();
    const fleet = await kubernetesFleet({ kubernetes, clock, namespace: NAMESPACE, listEveryMs: 100 });
    server.faults.add({ kind: 'error', operation: 'list nodes', count: 1_000 });
    await clock.advance(100);
    await eventually('a refused list', () => server.requests.of('list nodes').some(({ status }) => status >= 500));
    expect(fleet.failure()).toBeUndefined();
    expect(fleet.deployment('llama-8b-chat').replicas).toBe(1);
    await clock.advance(11_000);
    expect(fleet.failure()?.message).toMatch(/^Cannot look at the cluster: .*list nodes/);
    await fleet.close();
    await close();
  });
});
