/** The fleet of the cluster simulator, read from its world. */
import type { World } from '../../../simulator/world/world.ts';
import type { FleetView } from './fleet.ts';
import { NAMESPACE } from '../scene.ts';

/** Always as the world is at the moment of the question. */
export function simulatedFleet(world: World): FleetView {
  return {
    deployment: (name) => {
      const { generation, pods, replicas } = world.deployment({ namespace: NAMESPACE, name });
      const staying = [...pods].filter((pod) => pod.deletion === undefined);
      return {
        replicas,
        resizes: generation - 1,
        pods: staying.map((pod) => ({ name: pod.name, ip: pod.ip, ready: pod.ready })),
      };
    },
    nodes: (group) =>
      [...world.state.nodes.values()]
        .filter((node) => node.instance.group.name === group)
        .map(({ name, ready, unschedulable }) => ({ name, ready, cordoned: unschedulable })),
  };
}
