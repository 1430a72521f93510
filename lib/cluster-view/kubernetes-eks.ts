/** What Kubernetes and EKS say about targets and node groups: a handful of lists, joined here. */
import type { EksNodeGroup } from '../clients/aws-node-groups.ts';
import type { V1Node, V1Pod, V2HorizontalPodAutoscaler } from '../clients/kubernetes-facade.ts';
import type { NodeGroupPolicy, ScalingPolicy } from '../core/policy.ts';
import type { NodeGroupObservation, TargetObservation } from '../core/types.ts';
import type { ClusterView } from './contract.ts';
import { NODE_GROUP_LABEL, loadByNode, nodeObservation } from './kubernetes-nodes.ts';
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
import type { KubernetesEksOptions } from './kubernetes-reads.ts';
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
        attempt(() => (asked.nodeGroups.length > 0 ? listNodes(options.kubernetes) : Promise.resolve([]))),
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
    readonly groups: ReadonlyMap<string, Part<EksNodeGroup>>;
  },
): Readonly<Record<string, NodeGroupObservation>> {
  const loads = loadByNode(parts.pods.ok ? parts.pods.value : []);
  const byGroup = nodesByGroup(parts.nodes.ok ? parts.nodes.value : []);
  return Object.fromEntries(
    policies.map((policy) => {
      const { name } = policy.metadata;
      const group = parts.groups.get(name);
      const failed = [group, parts.nodes, parts.pods].find((part) => part?.ok === false);
      if (failed?.ok === false) return [name, { kind: 'missing', reason: failed.reason }];
      if (group?.ok !== true) return [name, { kind: 'missing', reason: 'it was not described' }];
      const nodes = byGroup.get(policy.spec.provider.nodeGroup) ?? [];
      return [name, groupObservation(group.value, nodes, loads)];
    }),
  );
}

function groupObservation(
  group: EksNodeGroup,
  nodes: readonly V1Node[],
  loads: ReadonlyMap<string, NodeLoad>,
): NodeGroupObservation {
  const { min, max, desired, status, issues } = group;
  const observed = nodes.map((node) => nodeObservation(node, loads.get(node.metadata?.name ?? '')));
  return { kind: 'observed', min, max, desired, status, issues, nodes: observed };
}

function nodesByGroup(nodes: readonly V1Node[]): ReadonlyMap<string, readonly V1Node[]> {
  const groups = new Map<string, V1Node[]>();
  for (const node of nodes) {
    const group = node.metadata?.labels?.[NODE_GROUP_LABEL];
    if (group === undefined) continue;
    const others = groups.get(group);
    if (others === undefined) groups.set(group, [node]);
    else others.push(node);
  }
  return groups;
}
