/** The fleet of a Kubernetes cluster, listed again and again. */
import type { Clock } from '../../../base/clock.ts';
import { NotFoundError, TransientError, messageOf } from '../../../base/errors.ts';
import type { KubernetesClient } from '../../../clients/kubernetes/client.ts';
import type { V1Deployment, V1Node, V1Pod } from '../../../clients/kubernetes/facade.ts';
import type { FleetDeployment, FleetNode, FleetView } from './fleet.ts';

export type KubernetesFleet = FleetView & {
  /** Set when the cluster has not answered for {@link SILENT_MS_MAX}; the last picture stays meanwhile. */
  failure(): Error | undefined;
  /** Stops listing; does not close the client. */
  close(): Promise<void>;
};

export type KubernetesFleetOptions = {
  readonly kubernetes: KubernetesClient;
  readonly clock: Clock;
  readonly namespace: string;
  /** Pause between two pictures [ms]; default {@link LIST_EVERY_MS}. */
  readonly listEveryMs?: number;
};

/** A picture is three lists of a few dozen objects from the server's cache: 10 ms. Pods become Ready within seconds. */
const LIST_EVERY_MS = 150;
/** One slow answer is no failure, a dead server is. */
const SILENT_MS_MAX = 10_000;

const NODE_GROUP_LABEL = 'eks.amazonaws.com/nodegroup';
/** From the watch cache of the API server, which does not trouble etcd. */
const CACHED = { resourceVersion: '0' } as const;

type Picture = {
  readonly deployments: ReadonlyMap<string, FleetDeployment>;
  readonly nodes: ReadonlyMap<string, readonly FleetNode[]>;
};

/** The first picture is there when it comes back. Pods belong to the Deployment that their label `app` names. Throws what the client throws. */
export async function kubernetesFleet(options: KubernetesFleetOptions): Promise<KubernetesFleet> {
  const { clock, listEveryMs = LIST_EVERY_MS } = options;
  let picture = await takePicture(options);
  let takenMs = clock.monotonicMs();
  let trouble = '';
  const stopping = new AbortController();
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await clock.sleep(listEveryMs, stopping.signal);
      if (stopping.signal.aborted) return;
      try {
        picture = await takePicture(options);
        takenMs = clock.monotonicMs();
      } catch (error) {
        trouble = messageOf(error);
      }
    }
  };
  const running = run();
  return {
    deployment: (name) => {
      const found = picture.deployments.get(name);
      if (found !== undefined) return found;
      throw new NotFoundError(
        `Cannot look at Deployment "${options.namespace}/${name}": expected it to exist, current value is absent`,
      );
    },
    nodes: (group) => picture.nodes.get(group) ?? [],
    failure: () =>
      clock.monotonicMs() - takenMs <= SILENT_MS_MAX
        ? undefined
        : new TransientError(
            `Cannot look at the cluster: expected an answer within ${SILENT_MS_MAX} ms, current value is ${trouble}`,
          ),
    close: async () => {
      stopping.abort();
      await running;
    },
  };
}

async function takePicture({ kubernetes, namespace }: KubernetesFleetOptions): Promise<Picture> {
  const [deployments, pods, nodes] = await Promise.all([
    kubernetes.call('list Deployments', (call) =>
      kubernetes.apps.listNamespacedDeployment({ namespace, ...CACHED }, call),
    ),
    kubernetes.call('list pods', (call) => kubernetes.core.listNamespacedPod({ namespace, ...CACHED }, call)),
    kubernetes.call('list nodes', (call) => kubernetes.core.listNode(CACHED, call)),
  ]);
  const podsOf = byLabel(pods.items.filter(isStaying), 'app');
  const named = deployments.items.map((one) => [one.metadata?.name ?? '', one] as const);
  return {
    deployments: new Map(named.map(([name, one]) => [name, deploymentOf(one, podsOf.get(name) ?? [])])),
    nodes: new Map([...byLabel(nodes.items, NODE_GROUP_LABEL)].map(([group, all]) => [group, all.map(nodeOf)])),
  };
}

function byLabel<T extends V1Pod | V1Node>(objects: readonly T[], label: string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const object of objects) {
    const value = object.metadata?.labels?.[label] ?? '';
    groups.set(value, [...(groups.get(value) ?? []), object]);
  }
  return groups;
}

function deploymentOf(deployment: V1Deployment, pods: readonly V1Pod[]): FleetDeployment {
  return {
    replicas: deployment.spec?.replicas ?? 1,
    resizes: (deployment.metadata?.generation ?? 1) - 1,
    pods: pods.map((pod) => ({
      name: pod.metadata?.name ?? '',
      ip: pod.status?.podIP ?? '',
      ready: isReady(pod.status?.conditions),
    })),
  };
}

function nodeOf({ metadata, spec, status }: V1Node): FleetNode {
  const cordoned = spec?.unschedulable === true;
  return { name: metadata?.name ?? '', ready: isReady(status?.conditions), cordoned };
}

function isStaying(pod: V1Pod): boolean {
  const isOver = pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded';
  return pod.metadata?.deletionTimestamp === undefined && !isOver;
}

function isReady(conditions: readonly { readonly type: string; readonly status: string }[] = []): boolean {
  return conditions.some(({ status, type }) => type === 'Ready' && status === 'True');
}
