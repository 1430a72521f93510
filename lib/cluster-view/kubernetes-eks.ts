/** What Kubernetes and EKS say about targets and node groups: a handful of collections, joined here. */
import { scalableKinds } from '../clients/kubernetes/kinds.ts';
import type { Seen } from '../clients/kubernetes/collection.ts';
import type { V1Node, V1Pod } from '../clients/kubernetes/facade.ts';
import { groupNameOf } from '../core/nodes/provider.ts';
import type { NodeGroupPolicy, ScalingPolicy } from '../core/policy.ts';
import type { NodeGroupObservation, TargetObservation } from '../core/types.ts';
import type { ClusterView } from './contract.ts';
import {
  NODE_GROUP_LABEL,
  NODE_POOL_LABEL,
  instanceIdOf,
  isShutDown,
  loadByNode,
  nodeObservation,
  placeholdersByGroup,
} from './kubernetes-nodes.ts';
import type { NodeLoad } from './kubernetes-nodes.ts';
import { ownersOfCount, scaledByOf } from './kubernetes-owners.ts';
import type { CountOwner } from './kubernetes-owners.ts';
import { podsByOwner } from './kubernetes-pods.ts';
import type { PodOwner } from './kubernetes-pods.ts';
import { isListed, namespacesOf } from './kubernetes-reads.ts';
import type { Asked, DescribedGroup, KubernetesEksOptions } from './kubernetes-reads.ts';
import { readScalables, seenScalable } from './kubernetes-scalables.ts';
import type { Scalable } from './kubernetes-scalables.ts';
import { listedSource } from './kubernetes-source.ts';
import type { ClusterSource, Scope } from './kubernetes-source.ts';
import { seenWorkload, targetObservation } from './kubernetes-targets.ts';
import type { SeenTarget, Workload } from './kubernetes-targets.ts';
import { attempt, refuseNothing } from './parts.ts';
import type { Part } from './parts.ts';

/**
 * Lists everything at every look: pods, nodes, HPAs and (where KEDA is) ScaledObjects once for the whole cluster (nodes and foreign pods matter where node groups are managed; otherwise
 * pods, HPAs and ScaledObjects per namespace, so that no cluster-wide permission is needed), one list per namespace of Deployments and of StatefulSets, two GETs per target of
 * another kind, one DescribeNodegroup per group. For hosts that live as long as one look; others watch: `kubernetesWatchedView`.
 */
export function kubernetesEksView(options: KubernetesEksOptions): ClusterView {
  return viewOf(options, listedSource(options));
}

/** The view of what `source` brings. */
export function viewOf(options: KubernetesEksOptions, source: ClusterSource): ClusterView {
  const kinds = scalableKinds(options.kubernetes);
  return {
    observe: async (asked) => {
      const beganMs = options.clock.nowMs();
      const others = asked.workloads.filter(({ spec }) => !isListed(spec.target));
      const [seen, scalables] = await Promise.all([
        lookAtAll(source, asked),
        readScalables(source.scalable, kinds, others),
      ]);
      const { pods, nodes, owners, objects, groups } = seen;
      const ages = [nodes, ...pods.values(), ...owners.values(), ...objects.values()].flatMap((part) =>
        part.ok ? [part.value.asOfMs] : [],
      );
      for (const part of scalables.values()) ages.push(part.ok ? (part.value.asOfMs ?? beganMs) : beganMs);
      const described = [...groups.values()].flatMap((group) => (group.ok ? [group.asOfMs] : []));
      const asOfMs = Math.min(beganMs, ...ages);
      const groupsAsOfMs = Math.min(beganMs, ...described);
      const snapshot = {
        atMs: beganMs,
        ...(asOfMs < beganMs ? { asOfMs } : {}),
        ...(groupsAsOfMs < beganMs ? { groupsAsOfMs } : {}),
        targets: joinTargets(asked.workloads, { pods, owners, objects, scalables }),
        nodeGroups: joinNodeGroups(asked.nodeGroups, { pods, nodes, groups }),
      };
      source.note(snapshot);
      refuseNothing(snapshot);
      return snapshot;
    },
    close: () => source.close(),
  };
}

async function lookAtAll(source: ClusterSource, asked: Asked) {
  const hasGroups = asked.nodeGroups.length > 0;
  const scopes: readonly Scope[] = hasGroups ? [null] : namespacesOf(asked);
  const [pods, nodes, owners, objects, groups] = await Promise.all([
    byScope(scopes, (scope) => source.pods(scope)),
    attempt(async () => (hasGroups ? source.nodes(asked.nodeGroups) : { items: [], asOfMs: Infinity })),
    byScope(scopes, async (scope) => {
      const [autoscalers, scaled] = await Promise.all([source.autoscalers(scope), source.scaledObjects(scope)]);
      const asOfMs = Math.min(autoscalers.asOfMs, scaled.asOfMs);
      return { byTarget: ownersOfCount(autoscalers.items, scaled.items), asOfMs };
    }),
    lookAtObjects(source, asked),
    source.groups(asked.nodeGroups, asked),
  ]);
  return { pods, nodes, owners, objects, groups };
}

/** Each whole or with its reason: a namespace that cannot be seen spoils no other. */
type ByScope<T> = ReadonlyMap<Scope, Part<T>>;

async function byScope<T>(scopes: readonly Scope[], look: (scope: Scope) => Promise<T>): Promise<ByScope<T>> {
  return new Map(await Promise.all(scopes.map(async (scope) => [scope, await attempt(() => look(scope))] as const)));
}

/** The part that holds a namespace; without one, of all of them. */
function partOf<T>(parts: ByScope<T>, namespace: Scope = null): Part<T> {
  return parts.get(null) ?? parts.get(namespace) ?? { ok: false, reason: 'it was not looked at' };
}

/** Of one scope the same array again, so that nothing is copied while nothing changes. */
function allOf<T>(parts: ByScope<Seen<T>>): readonly T[] {
  const seen = [...parts.values()].flatMap((part) => (part.ok ? [part.value.items] : []));
  const [first] = seen;
  return seen.length === 1 && first !== undefined ? first : seen.flat();
}

/** By `KIND/NAMESPACE`; each a map by name. */
async function lookAtObjects(
  source: ClusterSource,
  { workloads }: Asked,
): Promise<ReadonlyMap<string, Part<SeenObjects>>> {
  const asked = new Map(
    workloads.flatMap(({ spec: { target } }) =>
      isListed(target) ? [[`${target.kind}/${target.namespace}`, target] as const] : [],
    ),
  );
  const parts = [...asked].map(async ([key, { kind, namespace }]) => {
    const part = await attempt(async () => {
      const { items, asOfMs } = await source.objects(kind === 'StatefulSet' ? kind : 'Deployment', namespace);
      return { byName: new Map(items.map((object) => [object.metadata?.name ?? '', object])), asOfMs };
    });
    return [key, part] as const;
  });
  return new Map(await Promise.all(parts));
}

type SeenObjects = { readonly byName: ReadonlyMap<string, Workload>; readonly asOfMs: number };
type SeenOwners = { readonly byTarget: ReadonlyMap<string, readonly CountOwner[]>; readonly asOfMs: number };

type TargetParts = {
  readonly pods: ByScope<Seen<V1Pod>>;
  readonly owners: ByScope<SeenOwners>;
  readonly objects: ReadonlyMap<string, Part<SeenObjects>>;
  readonly scalables: ReadonlyMap<ScalingPolicy, Part<Scalable>>;
};

/** A target that was found: whose pods it has, and what it says of itself. */
type FoundTarget = { readonly owner: PodOwner; readonly seen: (pods: readonly V1Pod[]) => SeenTarget };

function joinTargets(
  workloads: readonly ScalingPolicy[],
  parts: TargetParts,
): Readonly<Record<string, TargetObservation>> {
  const looks = new Map(workloads.map((policy) => [policy, findTarget(policy, parts)]));
  const owners = [...looks.values()].flatMap((look) => (look.ok ? [look.value.owner] : []));
  const podsOf = podsByOwner(owners, allOf(parts.pods));
  return Object.fromEntries(
    [...looks].map(([policy, look]) => {
      const { namespace } = policy.spec.target;
      const [pods, countOwners] = [partOf(parts.pods, namespace), partOf(parts.owners, namespace)];
      const failed = [look, pods, countOwners].find((part) => !part.ok);
      if (failed?.ok === false || !look.ok || !countOwners.ok) {
        return [policy.metadata.name, { kind: 'missing', reason: failed?.ok === false ? failed.reason : '' }];
      }
      const own = podsOf.get(look.value.owner) ?? [];
      const observation = targetObservation(policy, {
        seen: look.value.seen(own),
        pods: own,
        scaledBy: scaledByOf(policy, countOwners.value.byTarget),
      });
      return [policy.metadata.name, observation];
    }),
  );
}

function findTarget(policy: ScalingPolicy, { objects, scalables }: TargetParts): Part<FoundTarget> {
  const { kind, namespace, name } = policy.spec.target;
  const owner = { kind, namespace, name };
  if (!isListed(policy.spec.target)) {
    const part = scalables.get(policy) ?? { ok: false, reason: 'it was not read' };
    if (!part.ok) return part;
    const { selector } = part.value;
    return {
      ok: true,
      value: { owner: { ...owner, selector, anyController: true }, seen: (pods) => seenScalable(part.value, pods) },
    };
  }
  const list = objects.get(`${kind}/${namespace}`);
  if (list?.ok === false) return list;
  const object = list?.value.byName.get(name);
  if (object === undefined) return { ok: false, reason: `${kind} "${namespace}/${name}" does not exist` };
  return {
    ok: true,
    value: { owner: { ...owner, selector: object.spec?.selector }, seen: () => seenWorkload(object) },
  };
}

function joinNodeGroups(
  policies: readonly NodeGroupPolicy[],
  parts: {
    readonly pods: ByScope<Seen<V1Pod>>;
    readonly nodes: Part<Seen<V1Node>>;
    readonly groups: ReadonlyMap<string, Part<DescribedGroup>>;
  },
): Readonly<Record<string, NodeGroupObservation>> {
  const pods = allOf(parts.pods);
  const loads = loadByNode(pods);
  const placeholders = placeholdersByGroup(pods);
  const nodesOf = nodesByGroup(parts.nodes.ok ? parts.nodes.value.items : []);
  return Object.fromEntries(
    policies.map((policy) => {
      const { name } = policy.metadata;
      const group = parts.groups.get(name);
      const failed = [group, parts.nodes, partOf(parts.pods)].find((part) => part?.ok === false);
      if (failed?.ok === false) return [name, { kind: 'missing', reason: failed.reason }];
      const described = group?.ok === true ? group.value : poolOf(policy, nodesOf(policy, {}).length);
      if (described === null) return [name, { kind: 'missing', reason: 'it was not described' }];
      const observed = groupObservation(described, nodesOf(policy, described), loads);
      return [name, { ...observed, placeholders: placeholders.get(name) ?? 0 }];
    }),
  );
}

/** Karpenter's node pools have the nodes they have; the policy says how many there may be. */
function poolOf({ spec: { provider, nodes } }: NodeGroupPolicy, count: number): DescribedGroup | null {
  if (provider.kind !== 'karpenterNodePool') return null;
  const max = Math.max(nodes.max, count);
  return { min: 0, max, desired: count, status: 'active', issues: [], scalingGroups: [] };
}

function groupObservation(
  group: DescribedGroup,
  nodes: readonly V1Node[],
  loads: ReadonlyMap<string, NodeLoad>,
): Extract<NodeGroupObservation, { kind: 'observed' }> {
  const { min, max, desired, status, issues, warmInstances } = group;
  const observed = nodes.map((node) => nodeObservation(node, loads.get(node.metadata?.name ?? '')));
  const warm = warmInstances === undefined ? {} : { warm: warmInstances };
  return { kind: 'observed', min, max, desired, status, issues, nodes: observed, ...warm };
}

/** Nodes of a group: by the label that EKS or Karpenter puts on them, or by the instances of an Auto Scaling group. Those of stopped instances are none. */
function nodesByGroup(
  nodes: readonly V1Node[],
): (policy: NodeGroupPolicy, described: Pick<DescribedGroup, 'instanceIds'>) => readonly V1Node[] {
  const byMark = new Map<string, V1Node[]>();
  for (const node of nodes) {
    if (isShutDown(node)) continue;
    for (const mark of marksOf(node)) {
      const others = byMark.get(mark);
      if (others === undefined) byMark.set(mark, [node]);
      else others.push(node);
    }
  }
  return (policy, { instanceIds }) => {
    const { kind } = policy.spec.provider;
    if (kind === 'autoScalingGroup') return (instanceIds ?? []).flatMap((id) => byMark.get(`instance/${id}`) ?? []);
    const marked = byMark.get(`${kind}/${groupNameOf(policy)}`) ?? [];
    if (instanceIds === undefined) return marked;
    // The label stays on a node whose instance went back to a warm pool.
    const ids = new Set(instanceIds);
    return marked.filter(({ spec }) => {
      const id = instanceIdOf(spec?.providerID);
      return id === null || ids.has(id);
    });
  };
}

function marksOf({ metadata, spec }: V1Node): readonly string[] {
  const eks = metadata?.labels?.[NODE_GROUP_LABEL];
  const pool = metadata?.labels?.[NODE_POOL_LABEL];
  const instance = instanceIdOf(spec?.providerID);
  return [
    ...(eks === undefined ? [] : [`eksNodeGroup/${eks}`]),
    ...(pool === undefined ? [] : [`karpenterNodePool/${pool}`]),
    ...(instance === null ? [] : [`instance/${instance}`]),
  ];
}
