/** Pods as the decision core sees them, and whose they are. One pass over all pods, whatever the number of targets. */
import type { V1LabelSelector, V1Pod } from '../clients/kubernetes/facade.ts';
import { selects } from '../clients/kubernetes/selector.ts';
import type { PodObservation } from '../core/types.ts';

/** A scalable object that owns pods. */
export type PodOwner = {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly selector: V1LabelSelector | undefined;
  /** Its pods are those it selects, whatever controllers stand between. */
  readonly anyController?: true;
};

/** Kubernetes' own default [s]. */
const GRACE_SEC_DEFAULT = 30;

export function podObservation(pod: V1Pod): PodObservation {
  const conditions = pod.status?.conditions ?? [];
  return {
    name: pod.metadata?.name ?? '',
    nodeName: pod.spec?.nodeName ?? null,
    ready: conditions.some((one) => one.type === 'Ready' && one.status === 'True'),
    createdMs: pod.metadata?.creationTimestamp?.getTime() ?? 0,
    unschedulable: conditions.some(
      (one) => one.type === 'PodScheduled' && one.status === 'False' && one.reason === 'Unschedulable',
    ),
    terminating: pod.metadata?.deletionTimestamp !== undefined,
    terminationGraceSec: pod.spec?.terminationGracePeriodSeconds ?? GRACE_SEC_DEFAULT,
    ip: pod.status?.podIP ?? null,
    ...(mayNotEvict(pod) ? { evictable: false as const } : {}),
  };
}

/** Its owner says so, in the words of Cluster Autoscaler or Karpenter. */
function mayNotEvict(pod: V1Pod): boolean {
  const annotations = pod.metadata?.annotations ?? {};
  return (
    annotations['cluster-autoscaler.kubernetes.io/safe-to-evict'] === 'false' ||
    annotations['karpenter.sh/do-not-disrupt'] === 'true'
  );
}

/** Succeeded and failed pods hold no resources and do no work. */
export function isFinished(pod: V1Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** DaemonSet and mirror pods live and die with their node. */
export function livesWithNode(pod: V1Pod): boolean {
  if (pod.metadata?.annotations?.['kubernetes.io/config.mirror'] !== undefined) return true;
  return (pod.metadata?.ownerReferences ?? []).some((owner) => owner.kind === 'DaemonSet' && owner.controller === true);
}

/** The unfinished pods of each owner: matched by selector and confirmed by their controller. O(pods × their labels). */
export function podsByOwner(
  owners: readonly PodOwner[],
  pods: readonly V1Pod[],
): ReadonlyMap<PodOwner, readonly V1Pod[]> {
  const index = ownersByLabel(owners);
  const found = new Map<PodOwner, V1Pod[]>(owners.map((owner) => [owner, []]));
  for (const pod of pods) {
    const owner = isFinished(pod) ? undefined : ownerOf(pod, index);
    if (owner !== undefined) found.get(owner)?.push(pod);
  }
  return found;
}

/** Of one namespace, under one label of each selector (`''`: none): a pod that lacks it cannot match. */
type LabelIndex = ReadonlyMap<string, ReadonlyMap<string, readonly PodOwner[]>>;

function ownersByLabel(owners: readonly PodOwner[]): LabelIndex {
  const index = new Map<string, Map<string, PodOwner[]>>();
  for (const owner of owners) {
    const [label] = Object.entries(owner.selector?.matchLabels ?? {});
    const key = label === undefined ? '' : `${label[0]}=${label[1]}`;
    const inNamespace = index.get(owner.namespace) ?? new Map<string, PodOwner[]>();
    index.set(owner.namespace, inNamespace);
    const others = inNamespace.get(key);
    if (others === undefined) inNamespace.set(key, [owner]);
    else others.push(owner);
  }
  return index;
}

function ownerOf(pod: V1Pod, index: LabelIndex): PodOwner | undefined {
  const owners = index.get(pod.metadata?.namespace ?? '');
  if (owners === undefined) return undefined;
  const labels = pod.metadata?.labels ?? {};
  for (const key of keysOf(labels)) {
    const owner = owners.get(key)?.find((one) => selects(one.selector, labels) && controls(one, pod));
    if (owner !== undefined) return owner;
  }
  return undefined;
}

/** What is watched shares its labels among the pods of a template, from look to look. */
const keysByLabels = new WeakMap<object, readonly string[]>();

function keysOf(labels: Readonly<Record<string, string>>): readonly string[] {
  const known = keysByLabels.get(labels);
  if (known !== undefined) return known;
  const keys = [...Object.entries(labels).map(([key, value]) => `${key}=${value}`), ''];
  keysByLabels.set(labels, keys);
  return keys;
}

/** A Deployment's pods belong to a ReplicaSet named after it; other kinds own their pods directly. */
function controls(owner: PodOwner, pod: V1Pod): boolean {
  if (owner.anyController === true) return true;
  const controller = (pod.metadata?.ownerReferences ?? []).find((one) => one.controller === true);
  if (controller === undefined) return false;
  if (owner.kind !== 'Deployment') return controller.kind === owner.kind && controller.name === owner.name;
  if (controller.kind !== 'ReplicaSet') return false;
  const suffix = controller.name.slice(owner.name.length);
  return controller.name.startsWith(owner.name) && /^-[a-z0-9]+$/.test(suffix);
}
