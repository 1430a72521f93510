/** The cluster simulator: Kubernetes and EKS over one world. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../../base/clock.ts';
import { startClusterServer } from '../../../simulator/cluster-server/server.ts';
import type { ClusterServer } from '../../../simulator/cluster-server/server.ts';
import { createWorld } from '../../../simulator/world/world.ts';
import type { ClusterKind, ClusterOptions, DemoCluster } from './cluster.ts';
import { worldSettings } from '../scene.ts';
import { simulatedFleet } from './simulated-fleet.ts';

export const simulatedCluster: ClusterKind = { prepare: async () => {}, start };

async function start(options: ClusterOptions): Promise<DemoCluster> {
  const world = createWorld(worldSettings(options.dayDurationSec), systemClock.nowMs());
  const server = await startClusterServer({ world, clock: systemClock });
  options.undo.push(() => server.close());
  options.progress(
    `Simulated cluster: Kubernetes API on ${server.kubernetesUrl}, EKS and Auto Scaling on ${server.awsUrl}.`,
  );
  const file = join(options.folder, 'kubeconfig.json');
  await writeFile(file, JSON.stringify(kubeconfigOf(server)));
  return {
    label: 'simulated Kubernetes',
    hint: null,
    fleet: simulatedFleet(world),
    cloud: world,
    awsUrl: server.awsUrl,
    requests: server.requests,
    kubeconfigFiles: { operator: file, run: file, bridge: file },
    failure: () => undefined,
  };
}

/** A kubeconfig for the cluster simulator; JSON is YAML. */
export function kubeconfigOf({ kubernetesUrl, token }: Pick<ClusterServer, 'kubernetesUrl' | 'token'>): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'demo',
    clusters: [{ name: 'demo', cluster: { server: kubernetesUrl, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'penstock', user: { token } }],
    contexts: [{ name: 'demo', context: { cluster: 'demo', user: 'penstock' } }],
  };
}
