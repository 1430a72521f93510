/** The simulated cluster as the suites see it that also run on a real control plane: in real time, with quick nodes and pods. */
import { KubeConfig } from '@kubernetes/client-node';
import { systemClock } from '../../../lib/base/clock.ts';
import { kubernetesClient } from '../../../lib/clients/kubernetes/client.ts';
import type { KubernetesClient } from '../../../lib/clients/kubernetes/client.ts';
import { startClusterServer } from '../../../lib/simulator/cluster-server/server.ts';
import type { ClusterServer } from '../../../lib/simulator/cluster-server/server.ts';
import { createWorld } from '../../../lib/simulator/world/world.ts';
import type { World } from '../../../lib/simulator/world/world.ts';
import type { WorldSettings } from '../../../lib/simulator/world/settings.ts';
import { group } from '../world/builders.ts';
import { patientKubernetes } from '../../support/patience.ts';
import { until } from '../../support/until.ts';
import type { KindsFixture } from '../../cluster/suites/kinds.ts';

const NAMESPACE = 'serving';
const SCALER = {
  user: 'system:serviceaccount:serving:scaler',
  rules: [
    { apiGroups: ['apps'], resources: ['deployments/scale'], verbs: ['get', 'patch'], resourceNames: ['engine'] },
  ],
};
const TOKENS = { admin: { user: 'admin', rules: 'admin' as const }, scaler: SCALER };
const QUICK = { bootSec: 0.05, gpuReadySec: 0.05, inServiceSec: 0.05 };

const QUICK_PODS = { imagePullSec: 0.005, modelLoadSec: 0.01 };

export type SimulatorFixture = KindsFixture & {
  readonly world: World;
  /** Endpoint of EKS and Auto Scaling. */
  readonly awsUrl: string;
  /** Ends the server; the world stays. */
  kill(): Promise<void>;
  /** Serves the same world on the same port again. */
  restart(): Promise<void>;
};

/** A cluster with `nodes` one-GPU nodes; `settings` for more of the world. */
export async function simulatorFixture({
  nodes = 4,
  ...settings
}: { readonly nodes?: number } & WorldSettings = {}): Promise<SimulatorFixture> {
  const world = createWorld(
    {
      nodeGroups: [group({ desiredSize: nodes, maxSize: 50, ...QUICK })],
      deployments: [],
      kubeletDelayMs: 5,
      controllerDelayMs: 2,
      scalingDelaySec: 0.01,
      ...settings,
    },
    systemClock.nowMs(),
  );
  const start = (port = 0): Promise<ClusterServer> =>
    startClusterServer({ world, clock: systemClock, tokens: TOKENS, tickMs: 5, port });
  let server = await start();
  const url = server.kubernetesUrl;
  const clients: KubernetesClient[] = [];
  let desired = nodes;
  const namespace = NAMESPACE;
  return {
    world,
    awsUrl: server.awsUrl,
    kubeConfig: kubeConfigOf(url, 'admin'),
    namespace,
    scalerToken: 'scaler',
    expiredToken: 'was-good-once',
    client: ({ token = 'admin', server: at = url, deadlineOf = patientKubernetes.deadlineOf } = {}) => {
      const made = kubernetesClient({ kind: 'server', server: at, token }, { clock: systemClock, deadlineOf });
      clients.push(made);
      return made;
    },
    createDeployment: async (name, replicas) => {
      world.addDeployment({ name, namespace, replicas, ...QUICK_PODS });
    },
    createSet: async (name, replicas, { podManagement }) => {
      world.addDeployment({ name, namespace, replicas, servedAs: 'statefulsets', podManagement, ...QUICK_PODS });
    },
    createGroups: async (name, replicas, { size }) => {
      const lws = { servedAs: 'leaderworkersets', podsPerReplica: size } as const;
      world.addDeployment({ name, namespace, replicas, ...lws, ...QUICK_PODS });
    },
    createWithPriority: async (name, replicas, { value, preempts, endsAfterMs = 0 }) => {
      const priority = { name: `class-${name}`, value, preempts };
      world.addDeployment({ name, namespace, replicas, priority, drainSec: endsAfterMs / 1000, ...QUICK_PODS });
    },
    removeDeployment: async (name) => world.removeDeployment({ namespace, name }),
    rollOut: async (name) => world.rollOut({ namespace, name }),
    createBudget: async (name, { app, minAvailable }) => {
      world.addDisruptionBudget({ name, namespace, matchLabels: { app }, minAvailable });
    },
    removeBudget: async (name) => world.removeDisruptionBudget({ namespace, name }),
    addNode: async () => {
      const before = new Set(world.state.nodes.keys());
      world.editGroup(group().name, { desiredSize: ++desired });
      return until(
        'a new node',
        async () => world.readyNodes(group().name).find((node) => !before.has(node.name))?.name,
      );
    },
    withToken: (token) => kubeConfigOf(url, token),
    kill: () => server.close(),
    restart: async () => {
      server = await start(Number(new URL(url).port));
    },
    close: async () => {
      await Promise.all(clients.map((one) => one.close()));
      await server.close();
    },
  };
}

function kubeConfigOf(server: string, token: string | undefined): KubeConfig {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromOptions({
    clusters: [{ name: 'simulator', server, skipTLSVerify: true }],
    users: [{ name: 'simulator', token }],
    contexts: [{ name: 'simulator', cluster: 'simulator', user: 'simulator' }],
    currentContext: 'simulator',
  });
  return kubeConfig;
}
