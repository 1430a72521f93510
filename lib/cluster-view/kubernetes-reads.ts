/** The lists an observation is made of: each whole, or with the reason why it is not there. */
import type { Clock } from '../base/clock.ts';
import { ConfigError } from '../base/errors.ts';
import { describeAutoScalingGroup } from '../clients/aws/auto-scaling-groups.ts';
import { describeEksNodeGroup } from '../clients/aws/node-groups.ts';
import type { GroupState } from '../clients/aws/group-state.ts';
import type { AwsClients } from '../clients/aws/clients.ts';
import type { V1Node, V1Pod, V2HorizontalPodAutoscaler } from '../clients/kubernetes/facade.ts';
import { listAll } from '../clients/kubernetes/list.ts';
import type { KubernetesClient } from '../clients/kubernetes/client.ts';
import type { NodeGroupPolicy, ScalingPolicy } from '../core/policy.ts';
import { NODE_GROUP_LABEL } from './kubernetes-nodes.ts';
import type { Workload } from './kubernetes-targets.ts';
import { attempt } from './parts.ts';
import type { Part } from './parts.ts';

export type KubernetesEksOptions = {
  readonly kubernetes: KubernetesClient;
  /** Left out: node groups are missing, with that reason. */
  readonly aws?: AwsClients;
  readonly clock: Clock;
};

/** What is to be observed. */
export type Asked = {
  readonly workloads: readonly ScalingPolicy[];
  readonly nodeGroups: readonly NodeGroupPolicy[];
  /** See `ClusterView.observe`. */
  readonly groupsMsMax?: number;
};

/** Kinds whose objects are listed. Others are read one by one, with their Scale. */
const LISTED_KINDS = new Set(['Deployment', 'StatefulSet']);

/** Whether a target's object is in a list. */
export function isListed({ kind, apiVersion }: ScalingPolicy['spec']['target']): boolean {
  return LISTED_KINDS.has(kind) && (apiVersion === undefined || apiVersion === 'apps/v1');
}

/** Finished pods hold nothing; leaving them out at the server keeps lists of job-heavy clusters short. */
export const UNFINISHED = 'status.phase!=Succeeded,status.phase!=Failed';

/** DescribeNodegroup calls under way at once: EKS throttles bursts. */
const DESCRIBES_MAX = 5;

/** Unfinished pods of a namespace; `null` is all of them. */
export function listPods(client: KubernetesClient, namespace: string | null): Promise<readonly V1Pod[]> {
  return listAll(client, `list the pods of ${scopeName(namespace)}`, (page, call) =>
    namespace === null
      ? client.core.listPodForAllNamespaces({ ...page, fieldSelector: UNFINISHED }, call)
      : client.core.listNamespacedPod({ ...page, namespace, fieldSelector: UNFINISHED }, call),
  );
}

/** Nodes of any EKS node group; all nodes where a group is known by other marks. */
export function listNodes(client: KubernetesClient, policies: readonly NodeGroupPolicy[]): Promise<readonly V1Node[]> {
  const onlyEks = policies.every((policy) => policy.spec.provider.kind === 'eksNodeGroup');
  return listAll(client, 'list the nodes', (page, call) =>
    client.core.listNode({ ...page, ...(onlyEks ? { labelSelector: NODE_GROUP_LABEL } : {}) }, call),
  );
}

/** HPAs of a namespace; `null` is all of them. */
export function listAutoscalers(
  client: KubernetesClient,
  namespace: string | null,
): Promise<readonly V2HorizontalPodAutoscaler[]> {
  return listAll(client, `list the HorizontalPodAutoscalers of ${scopeName(namespace)}`, (page, call) =>
    namespace === null
      ? client.autoscaling.listHorizontalPodAutoscalerForAllNamespaces(page, call)
      : client.autoscaling.listNamespacedHorizontalPodAutoscaler({ ...page, namespace }, call),
  );
}

/** In sentences. */
export function scopeName(namespace: string | null): string {
  return namespace === null ? 'all namespaces' : `namespace "${namespace}"`;
}

/** Deployments or StatefulSets of one namespace. */
export function listObjects(
  client: KubernetesClient,
  { kind, namespace }: { readonly kind: 'Deployment' | 'StatefulSet'; readonly namespace: string },
): Promise<readonly Workload[]> {
  const what = `list the ${kind}s of namespace "${namespace}"`;
  return kind === 'StatefulSet'
    ? listAll<Workload>(client, what, (page, call) =>
        client.apps.listNamespacedStatefulSet({ ...page, namespace }, call),
      )
    : listAll<Workload>(client, what, (page, call) =>
        client.apps.listNamespacedDeployment({ ...page, namespace }, call),
      );
}

/** What the cloud says of a group. */
export type DescribedGroup = GroupState;

/** Node groups by policy name. A Karpenter node pool has no sizes of its own. */
export async function describeGroups(
  options: KubernetesEksOptions,
  policies: readonly NodeGroupPolicy[],
): Promise<ReadonlyMap<string, Part<DescribedGroup>>> {
  const { aws } = options;
  const parts = new Map<string, Part<DescribedGroup>>();
  const waiting = policies.filter((policy) => policy.spec.provider.kind !== 'karpenterNodePool');
  const worker = async (): Promise<void> => {
    for (let policy = waiting.shift(); policy !== undefined; policy = waiting.shift()) {
      const { provider } = policy.spec;
      const part: Part<DescribedGroup> =
        aws === undefined
          ? { ok: false, reason: 'no AWS client is configured' }
          : await attempt(() => describe(aws, provider));
      parts.set(policy.metadata.name, part);
    }
  };
  await Promise.all(Array.from({ length: DESCRIBES_MAX }, worker));
  return parts;
}

function describe(aws: AwsClients, provider: NodeGroupPolicy['spec']['provider']): Promise<DescribedGroup> {
  if (provider.kind === 'eksNodeGroup') return describeEksNodeGroup(aws, provider);
  if (provider.kind === 'autoScalingGroup') return describeAutoScalingGroup(aws, provider.name);
  throw new ConfigError(`Cannot describe node pool "${provider.nodePool}": expected a group of AWS`);
}

/** Namespaces of the targets, each once. */
export function namespacesOf(asked: Asked): readonly string[] {
  return [...new Set(asked.workloads.map((policy) => policy.spec.target.namespace))];
}
