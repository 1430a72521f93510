/** A real Kubernetes control plane on this machine; kwok plays its nodes and pods, the simulator its EKS. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../../base/clock.ts';
import { ConfigError, TransientError } from '../../../base/errors.ts';
import { kubernetesClient } from '../../../clients/kubernetes/client.ts';
import type { KubernetesClient } from '../../../clients/kubernetes/client.ts';
import { buildControlPlane, KWOK_NODE, startControlPlane } from '../../../local/index.ts';
import { startClusterServer } from '../../../simulator/cluster-server/server.ts';
import { mirrorNodes } from '../../../simulator/node-mirror.ts';
import type { DeploymentSettings } from '../../../simulator/world/settings.ts';
import { createWorld } from '../../../simulator/world/world.ts';
import { giveAccess } from './access.ts';
import type { ClusterKind, ClusterOptions, DemoCluster } from './cluster.ts';
import { deploymentBody } from './deployment-body.ts';
import { readyPods } from './fleet.ts';
import type { FleetView } from './fleet.ts';
import { kubernetesFleet } from './kubernetes-fleet.ts';
import { NAMESPACE, worldSettings } from '../scene.ts';

export const realCluster: ClusterKind = { prepare, start };

/** A control plane that has just started answers slowly for a moment [ms]. */
const REQUEST_MS_MAX = 10_000;
/** Scheduling, and the time that models load: a few seconds [ms]. */
const READY_MS_MAX = 60_000;
const LOOK_MS = 100;

const sourceDirOf = (root: string): string => join(root, 'infra', 'local', 'control-plane');

async function prepare(options: ClusterOptions): Promise<void> {
  const sourceDir = sourceDirOf(options.root);
  await access(join(sourceDir, 'go.mod')).catch(() => {
    throw new ConfigError(
      `Cannot build the control plane: expected its sources in "${sourceDir}" (they are in a checkout of Penstock), current value is nothing`,
    );
  });
  await buildControlPlane({ ...options, sourceDir, clock: systemClock });
}

async function start(options: ClusterOptions): Promise<DemoCluster> {
  const { folder, progress, root, signal, undo } = options;
  const dataDir = join(folder, 'control-plane');
  const controlPlane = await startControlPlane({ ...options, dataDir, sourceDir: sourceDirOf(root) });
  undo.push(() => controlPlane.stop());
  const connection = { kind: 'kubeconfigFile', path: controlPlane.kubeconfigFile } as const;
  const kubernetes = kubernetesClient(connection, { clock: systemClock, requestMsMax: REQUEST_MS_MAX });
  undo.push(() => kubernetes.close());

  const { deployments = [], ...settings } = worldSettings(options.dayDurationSec);
  const world = createWorld(settings, systemClock.nowMs());
  const server = await startClusterServer({ world, clock: systemClock });
  undo.push(() => server.close());
  const kubeconfigFiles = await giveAccess(kubernetes, { controlPlane, folder, root });
  const annotations = { [KWOK_NODE.annotation]: KWOK_NODE.value };
  const mirror = await mirrorNodes({ world, kubernetes, annotations });
  undo.push(() => mirror.close());
  await createDeployments(kubernetes, deployments);
  const fleet = await kubernetesFleet({ kubernetes, clock: systemClock, namespace: NAMESPACE });
  undo.push(() => fleet.close());
  await waitUntilReady(fleet, { deployments, signal });
  progress(
    `Deployments, nodes and the shipped RBAC are in place; EKS and Auto Scaling are simulated on ${server.awsUrl}.`,
  );
  const hint = `kubectl --kubeconfig ${kubeconfigFiles.operator} get pods -n ${NAMESPACE} --watch`;
  progress(`Look for yourself: ${hint}`);
  return {
    hint,
    label: `Kubernetes ${controlPlane.version.replace(/^v/, '')}`,
    fleet,
    cloud: world,
    awsUrl: server.awsUrl,
    requests: server.requests,
    kubeconfigFiles,
    failure: () => fleet.failure() ?? mirror.failure(),
  };
}

async function createDeployments(
  kubernetes: KubernetesClient,
  deployments: readonly DeploymentSettings[],
): Promise<void> {
  await Promise.all(
    deployments.map((settings) =>
      kubernetes.call(`create Deployment "${settings.name}"`, (call) =>
        kubernetes.apps.createNamespacedDeployment({ namespace: NAMESPACE, body: deploymentBody(settings) }, call),
      ),
    ),
  );
}

async function waitUntilReady(
  fleet: FleetView,
  options: { readonly deployments: readonly DeploymentSettings[]; readonly signal: AbortSignal },
): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + READY_MS_MAX;
  for (;;) {
    options.signal.throwIfAborted();
    const counts = options.deployments.map(({ name, replicas = 1 }) => {
      const ready = readyPods(fleet, name).length;
      return { ready, replicas, text: `${name} ${ready}/${replicas}` };
    });
    if (counts.every(({ ready, replicas }) => ready >= replicas)) return;
    if (systemClock.monotonicMs() > deadlineMs) {
      const now = counts.map(({ text }) => text).join(', ');
      throw new TransientError(
        `Cannot start the Deployments: expected all replicas to be Ready within ${READY_MS_MAX} ms, current value is ${now}`,
      );
    }
    await systemClock.sleep(LOOK_MS, options.signal);
  }
}
