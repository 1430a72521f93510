/** Nodes as observations, with what runs on them. */
import type { V1Node, V1Pod } from '../clients/kubernetes/facade.ts';
import type { NodeLeaving, NodeObservation } from '../core/types.ts';
import { addTo, gpusOfNode, gpusOfPod } from './kubernetes-gpus.ts';
import { isFinished, livesWithNode } from './kubernetes-pods.ts';

/** EKS puts this label on every node of a managed node group. */
export const NODE_GROUP_LABEL = 'eks.amazonaws.com/nodegroup';

/** Karpenter puts this label on every node of a node pool. */
export const NODE_POOL_LABEL = 'karpenter.sh/nodepool';

/** On every placeholder pod, with the name of its node group's policy: it goes as soon as a pod needs its place. */
export const BUFFER_LABEL = 'penstock.dev/buffer';

export type NodeLoad = { readonly gpus: Map<string, number>; podCount: number };

/** What unfinished pods hold, by node name. */
export function loadByNode(pods: readonly V1Pod[]): ReadonlyMap<string, NodeLoad> {
  const loads = new Map<string, NodeLoad>();
  for (const pod of pods) {
    const nodeName = pod.spec?.nodeName;
    if (nodeName === undefined || isFinished(pod) || pod.metadata?.labels?.[BUFFER_LABEL] !== undefined) continue;
    const load = loads.get(nodeName) ?? { gpus: new Map<string, number>(), podCount: 0 };
    loads.set(nodeName, load);
    addTo(load.gpus, gpusOfPod(pod.spec));
    if (!livesWithNode(pod)) load.podCount++;
  }
  return loads;
}

/** Placeholder pods that are not being deleted, by the policy's name. */
export function placeholdersByGroup(pods: readonly V1Pod[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { metadata } of pods) {
    const group = metadata?.labels?.[BUFFER_LABEL];
    if (group === undefined || metadata?.deletionTimestamp !== undefined) continue;
    counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  return counts;
}

export function nodeObservation(node: V1Node, load: NodeLoad | undefined): NodeObservation {
  const { metadata, spec, status } = node;
  const leaving = leavingOf(node);
  return {
    name: metadata?.name ?? '',
    instanceId: instanceIdOf(spec?.providerID),
    zone: metadata?.labels?.['topology.kubernetes.io/zone'] ?? null,
    ready: (status?.conditions ?? []).some((one) => one.type === 'Ready' && one.status === 'True'),
    schedulable: spec?.unschedulable !== true,
    gpusAllocatable: gpusOfNode(node),
    gpusUsed: Object.fromEntries(load?.gpus ?? []),
    podCount: load?.podCount ?? 0,
    createdMs: metadata?.creationTimestamp?.getTime() ?? 0,
    ...(leaving === undefined ? {} : { leaving }),
  };
}

/** Taints of those who announce that a node goes: AWS Node Termination Handler, Karpenter, Cluster Autoscaler. */
const LEAVING_TAINTS: Readonly<Record<string, NodeLeaving>> = {
  'aws-node-termination-handler/spot-itn': 'spotInterruption',
  'aws-node-termination-handler/asg-lifecycle-termination': 'terminating',
  'aws-node-termination-handler/rebalance-recommendation': 'rebalance',
  'aws-node-termination-handler/scheduled-maintenance': 'maintenance',
  'karpenter.sh/disrupted': 'terminating',
  ToBeDeletedByClusterAutoscaler: 'terminating',
};

/** Node Termination Handler also writes the id of the event, which begins with its kind. */
const EVENT_LABEL = 'aws-node-termination-handler/event-id';
const LEAVING_EVENTS: readonly (readonly [string, NodeLeaving])[] = [
  ['spot-itn', 'spotInterruption'],
  ['asg-lifecycle', 'terminating'],
  ['rebalance-recommendation', 'rebalance'],
];

/** The most pressing announcement; undefined when there is none. */
function leavingOf({ metadata, spec }: V1Node): NodeLeaving | undefined {
  const event = metadata?.labels?.[EVENT_LABEL] ?? '';
  const said = [
    ...(spec?.taints ?? []).flatMap((taint) => LEAVING_TAINTS[taint.key] ?? []),
    ...LEAVING_EVENTS.flatMap(([prefix, leaving]) => (event.startsWith(prefix) ? [leaving] : [])),
  ];
  return Object.values(LEAVING_TAINTS).find((leaving) => said.includes(leaving));
}

/** The cloud's controller puts this taint on the node of an instance that is stopped and not gone: it waits in a warm pool. */
export function isShutDown({ spec }: V1Node): boolean {
  return (spec?.taints ?? []).some(({ key }) => key === 'node.cloudprovider.kubernetes.io/shutdown');
}

/** `aws:///eu-west-1a/i-0123456789abcdef0` → `i-0123456789abcdef0`. */
export function instanceIdOf(providerId: string | undefined): string | null {
  return /\/(i-[0-9a-z]+)$/.exec(providerId ?? '')?.[1] ?? null;
}
