/** What Kubernetes and EKS say about targets and node groups: a handful of lists, joined here. */
import type { V1Node, V1Pod, V2HorizontalPodAutoscaler } from '../clients/kubernetes-facade.ts';
import { groupNameOf } from '../core/nodes/provider.ts';
import type { NodeGroupPolicy, ScalingPolicy } from '../core/policy.ts';
import type { NodeGroupObservation, TargetObservation } from '../core/types.ts';
import type { ClusterView } from './contract.ts';
import {
  NODE_GROUP_LABEL,
  NODE_POOL_LABEL,
  instanceIdOf,
  loadByNode,
  nodeObservation,
  placeholdersByGroup,
} from './kubernetes-nodes.ts';
import type { NodeLoad } from './kubernetes-nodes.ts';
import { podsByOwner } from './kubernetes-pods.ts';
import {
  LISTED_KINDS,
  describeGroups,
  listAutoscalers,
  listNodes,
  listObjects,
  listPods,
  namespacesOf,
} from './kubernetes-reads.ts';
import type { DescribedGroup, KubernetesEksOptions } from './kubernetes-reads.ts';
import { ownersOfCount, targetKey, targetObservation } from './kubernetes-targets.ts';
import type { Workload } from './kubernetes-targets.ts';
import { attempt, refuseNothing } from './parts.ts';
import type { Part } from './parts.ts';

/**
 * Calls per observation: pods, nodes and HPAs once for the whole cluster (nodes and foreign pods matter where node groups are managed; otherwise
 * pods and HPAs per namespace, so that no cluster-wide permission is needed), one list per namespace and kind of target, one DescribeNodegroup per group.
 */
export function kubernetesEksView(options: KubernetesEksOptions): ClusterView {
  return {
    observe: async (asked) => {
      const atMs = options.clock.nowMs();
      const scopes = asked.nodeGroups.length > 0 ? [null] : namespacesOf(asked);
      const [pods, nodes, autoscalers, objects, groups] = await Promise.all([
        attempt(() => listPods(options.kubernetes, scopes)),
        attempt(() =>
          asked.nodeGroups.length > 0 ? listNodes(options.kubernetes, asked.nodeGroups) : Promise.resolve([]),
        ),
        attempt(() => listAutoscalers(options.kubernetes, scopes)),
        listObjects(options.kubernetes, asked),
        describeGroups(options, asked.nodeGroups),
      ]);
      const snapshot = {
        atMs,
        targets: joinTargets(asked.workloads, { pods, autoscalers, objects }),
        nodeGroups: joinNodeGroups(asked.nodeGroups, { pods, nodes, groups }),
      };
      refuseNothing(snapshot);
      return snapshot;
    },
    close: () => options.kubernetes.close(),
  };
}

function joinTargets(
  workloads: readonly ScalingPolicy[],
  parts: {
    readonly pods: Part<readonly V1Pod[]>;
    readonly autoscalers: Part<readonly V2HorizontalPodAutoscaler[]>;
    readonly objects: ReadonlyMap<string, Part<ReadonlyMap<string, Workload>>>;
  },
): Readonly<Record<string, TargetObservation>> {
  const { pods, autoscalers, objects } = parts;
  const scaledBy = autoscalers.ok ? ownersOfCount(autoscalers.value) : new Map<string, string>();
  const owners = new Map(
    workloads.flatMap((policy) => {
      const { kind, namespace, name } = policy.spec.target;
      const list = objects.get(`${kind}/${namespace}`);
      const object = list?.ok === true ? list.value.get(name) : undefined;
      const selector = object?.spec?.selector;
      return object === undefined ? [] : [[policy, { object, namespace, kind, name, selector }] as const];
    }),
  );
  const podsOf = podsByOwner([...owners.values()], pods.ok ? pods.value : []);
  return Object.fromEntries(
    workloads.map((policy) => {
      const { kind, namespace } = policy.spec.target;
      const failed = [objects.get(`${kind}/${namespace}`), pods, autoscalers].find((part) => part?.ok === false);
      const owner = owners.get(policy);
      const observation: TargetObservation =
        failed?.ok === false || owner === undefined
          ? { kind: 'missing', reason: failed?.ok === false ? failed.reason : absence(policy) }
          : targetObservation(policy, {
              object: owner.object,
              pods: podsOf.get(owner) ?? [],
              scaledBy: scaledBy.get(targetKey(policy.spec.target)) ?? null,
            });
      return [policy.metadata.name, observation];
    }),
  );
}

function absence(policy: ScalingPolicy): string {
  const { kind, namespace, name } = policy.spec.target;
  if (!LISTED_KINDS.has(kind)) return `targets of kind ${kind} cannot be observed yet`;
  return `${kind} "${namespace}/${name}" does not exist`;
}

function joinNodeGroups(
  policies: readonly NodeGroupPolicy[],
  parts: {
    readonly pods: Part<readonly V1Pod[]>;
    readonly nodes: Part<readonly V1Node[]>;
    readonly groups: ReadonlyMap<string, Part<DescribedGroup>>;
  },
): Readonly<Record<string, NodeGroupObservation>> {
  const loads = loadByNode(parts.pods.ok ? parts.pods.value : []);
  const placeholders = placeholdersByGroup(parts.pods.ok ? parts.pods.value : []);
  const nodesOf = nodesByGroup(parts.nodes.ok ? parts.nodes.value : []);
  return Object.fromEntries(
    policies.map((policy) => {
      const { name } = policy.metadata;
      const group = parts.groups.get(name);
      const failed = [group, parts.nodes, parts.pods].find((part) => part?.ok === false);
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
  const { min, max, desired, status, issues } = group;
  const observed = nodes.map((node) => nodeObservation(node, loads.get(node.metadata?.name ?? '')));
  return { kind: 'observed', min, max, desired, status, issues, nodes: observed };
}

/** Nodes of a group: by the label that EKS or Karpenter puts on them, or by the instances of an Auto Scaling group. */
function nodesByGroup(
  nodes: readonly V1Node[],
): (policy: NodeGroupPolicy, described: Pick<DescribedGroup, 'instanceIds'>) => readonly V1Node[] {
  const byMark = new Map<string, V1Node[]>();
  for (const node of nodes) {
    for (const mark of marksOf(node)) {
      const others = byMark.get(mark);
      if (others === undefined) byMark.set(mark, [node]);
      else others.push(node);
    }
  }
  return (policy, { instanceIds = [] }) => {
    const { kind } = policy.spec.provider;
    if (kind === 'autoScalingGroup') return instanceIds.flatMap((id) => byMark.get(`instance/${id}`) ?? []);
    return byMark.get(`${kind}/${groupNameOf(policy)}`) ?? [];
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
