/** Lets the nodes of simulated node groups join a Kubernetes cluster outside of the simulator: the EKS half of a real control plane. */
import { messageOf, NotFoundError, TransientError } from '../base/errors.ts';
import type { KubernetesClient } from '../clients/kubernetes/client.ts';
import type { V1Node } from '../clients/kubernetes/facade.ts';
import { GPU_RESOURCE } from './world/state/records.ts';
import type { NodeRecord } from './world/state/records.ts';
import type { World } from './world/world.ts';

export type NodeMirrorOptions = {
  /** Its node groups are followed; Deployments of its own it needs none. */
  readonly world: World;
  /** May create and delete nodes. */
  readonly kubernetes: KubernetesClient;
  /** For every node: what makes somebody play it. */
  readonly annotations: Readonly<Record<string, string>>;
  /** For every node, beside those of its group. */
  readonly labels?: Readonly<Record<string, string>>;
};

export type NodeMirror = {
  /** Resolves when every node that the cloud has made or taken so far is there or gone; rejects when one could not be. */
  settled(): Promise<void>;
  /** Why a node could not be made or taken; undefined while all could. */
  failure(): Error | undefined;
  /** Stops following and deletes the nodes that are left. */
  close(): Promise<void>;
};

/** A node joins when its GPUs are allocatable in the world, and is deleted when its instance ends. The first nodes are there when it comes back.
 *  Throws what the client throws when they cannot be made. */
export async function mirrorNodes(options: NodeMirrorOptions): Promise<NodeMirror> {
  const { world } = options;
  const joined = new Set<string>();
  let failure: Error | undefined;
  let work = Promise.resolve();
  const queue = (name: string, change: () => Promise<void>): void => {
    work = work.then(change).catch((cause: unknown) => {
      failure ??= new TransientError(`Cannot mirror node "${name}": ${messageOf(cause)}`, { cause });
    });
  };
  const follow = (record: NodeRecord, isGone: boolean): void => {
    const name = mirroredName(record, world);
    if (isGone && joined.delete(name)) queue(name, () => deleteNode(options.kubernetes, name));
    // The device plugin has registered the GPUs: from here on a scheduler can use it.
    if (isGone || !record.ready || record.gpusAllocatable === 0 || joined.has(name)) return;
    joined.add(name);
    queue(name, () => createNode(options, { record, name }));
  };
  for (const node of world.state.nodes.values()) follow(node, false);
  const stop = world.onChange(({ type, record }) => {
    if (record.kind === 'nodes') follow(record, type === 'DELETED');
  });
  const settled = async (): Promise<void> => {
    await work;
    if (failure !== undefined) throw failure;
  };
  const close = async (): Promise<void> => {
    stop();
    await work;
    await Promise.all([...joined].map((name) => deleteNode(options.kubernetes, name)));
    joined.clear();
  };
  try {
    await settled();
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
  return { settled, failure: () => failure, close };
}

/** After the instance, as EKS names nodes on request: a name that comes back at once is mistaken for the old node, and the world's own names start anew with every world. */
function mirroredName({ instance }: NodeRecord, { state }: World): string {
  return `${instance.id}.${state.settings.region}.compute.internal`;
}

async function createNode(
  { kubernetes, ...options }: NodeMirrorOptions,
  of: { readonly record: NodeRecord; readonly name: string },
): Promise<void> {
  const body = nodeBody(of.record, { ...options, name: of.name });
  await kubernetes.call(`create node "${of.name}"`, (call) => kubernetes.core.createNode({ body }, call));
}

function nodeBody(
  { instance, labels, taints, gpusAllocatable }: NodeRecord,
  options: Pick<NodeMirrorOptions, 'annotations' | 'labels'> & { readonly name: string },
): V1Node {
  const { annotations, name } = options;
  const resources = { cpu: '32', memory: '256Gi', pods: '110', [GPU_RESOURCE]: String(gpusAllocatable) };
  return {
    metadata: {
      name,
      labels: { ...labels, ...options.labels, 'kubernetes.io/hostname': name },
      annotations: { ...annotations },
    },
    spec: { providerID: `aws:///${instance.zone}/${instance.id}`, taints: [...taints] },
    status: { capacity: resources, allocatable: resources },
  };
}

async function deleteNode(kubernetes: KubernetesClient, name: string): Promise<void> {
  try {
    await kubernetes.call(`delete node "${name}"`, (call) => kubernetes.core.deleteNode({ name }, call));
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
  }
}
