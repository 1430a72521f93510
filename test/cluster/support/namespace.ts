/** A namespace of a test file's own on the cluster under test, with nodes that only its pods may use. */
import { randomUUID } from 'node:crypto';
import {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  PolicyV1Api,
  RbacAuthorizationV1Api,
  type V1Node,
  type V1PolicyRule,
} from '@kubernetes/client-node';
import { systemClock } from '../../../lib/base/clock.ts';
import { kubernetesClient, type KubernetesClient } from '../../../lib/clients/kubernetes/client.ts';
import { KWOK_NODE } from '../../../lib/local/index.ts';
import { patientKubernetes, type DeadlineOf } from '../../support/patience.ts';
import { until } from '../../support/until.ts';
import { isOwnCluster, testKubeConfig } from './control-plane.ts';

/** On nodes of an own cluster, and in the node selector of every pod: files do not take each other's GPUs. */
export const SUITE_LABEL = 'penstock.dev/test';
const GPU = 'nvidia.com/gpu';
/** Nobody pulls it on a node that kwok plays; on a real one it is there already. */
const IMAGE = 'registry.k8s.io/pause:3.10';

/** What a kubelet says of its node when it registers and is not through with its start. */
const NOT_READY = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };
const STARTING = { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: 'starting' };

export type DeploymentOptions = {
  /** Default 1 on an own cluster, 0 on one of the user's. */
  readonly gpus?: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly graceSec?: number;
  readonly priorityClassName?: string;
  readonly podManagementPolicy?: 'OrderedReady' | 'Parallel';
};

export type NodeOptions = {
  /** Default: one of its own. */
  readonly name?: string;
  readonly gpus?: number;
  /** The EKS node group and the instance it claims to be of. */
  readonly group?: string;
  readonly instanceId?: string;
  /** False: it has registered and says that it is not Ready; nobody plays it, so it stays so. Default true. */
  readonly joins?: boolean;
};

export type TestNamespace = Awaited<ReturnType<typeof openNamespace>>;

/** Makes one, `penstock-test-TITLE-xxxxxxxx`. `close()` removes it with its nodes and does not wait for the end of it. */
export async function openNamespace(title: string, kubeConfig: KubeConfig = testKubeConfig()) {
  const namespace = `penstock-test-${title}-${randomUUID().slice(0, 8)}`;
  const core = kubeConfig.makeApiClient(CoreV1Api);
  const apps = kubeConfig.makeApiClient(AppsV1Api);
  const policy = kubeConfig.makeApiClient(PolicyV1Api);
  const rbac = kubeConfig.makeApiClient(RbacAuthorizationV1Api);
  const nodes = new Set<string>();
  const clients: KubernetesClient[] = [];
  await core.createNamespace({ body: { metadata: { name: namespace } } });

  /** Our own client, as the user of the kubeconfig or with another token; patient unless its deadlines are given. */
  const client = (of: { readonly token?: string; readonly server?: string; readonly deadlineOf?: DeadlineOf } = {}) => {
    const cluster = kubeConfig.getCurrentCluster();
    const { token, server = cluster?.server, deadlineOf = patientKubernetes.deadlineOf } = of;
    const text = JSON.stringify({
      ...(JSON.parse(kubeConfig.exportConfig()) as object),
      ...(server === undefined ? {} : { clusters: clustersAt(kubeConfig, server) }),
      ...(token === undefined ? {} : { users: [{ name: kubeConfig.getCurrentUser()?.name, user: { token } }] }),
    });
    const made = kubernetesClient({ kind: 'kubeconfigText', text }, { clock: systemClock, deadlineOf });
    clients.push(made);
    return made;
  };

  const createNode = async (options: NodeOptions = {}): Promise<string> => {
    const name = options.name ?? `node-${randomUUID().slice(0, 8)}`;
    nodes.add(name);
    await core.createNode({ body: nodeBody({ ...options, name, namespace }) });
    return name;
  };

  return {
    kubeConfig,
    namespace,
    core,
    apps,
    policy,
    rbac,
    client,
    /** A node that is there at once, Ready when kwok plays it. */
    createNode,
    /** A node, Ready and free of taints. */
    addNode: async (options: NodeOptions = {}): Promise<string> => {
      const name = await createNode(options);
      await until('the node is Ready', async () => isUsable(await core.readNode({ name })));
      return name;
    },
    removeNode: async (name: string): Promise<void> => {
      nodes.delete(name);
      await gone(() => core.deleteNode({ name }));
    },
    createDeployment: async (name: string, replicas: number, options: DeploymentOptions = {}): Promise<void> => {
      await apps.createNamespacedDeployment({
        namespace,
        body: deploymentBody({ ...options, name, namespace, replicas }),
      });
    },
    removeDeployment: async (name: string): Promise<void> => {
      await gone(() => apps.deleteNamespacedDeployment({ name, namespace }));
    },
    createStatefulSet: async (name: string, replicas: number, options: DeploymentOptions = {}): Promise<void> => {
      const { metadata, spec } = deploymentBody({ ...options, name, namespace, replicas });
      const { podManagementPolicy = 'Parallel' } = options;
      const body = { metadata, spec: { ...spec, serviceName: name, podManagementPolicy } };
      await apps.createNamespacedStatefulSet({ namespace, body });
    },
    removeStatefulSet: async (name: string): Promise<void> => {
      await gone(() => apps.deleteNamespacedStatefulSet({ name, namespace }));
    },
    createBudget: async (name: string, rule: { readonly app: string; readonly minAvailable: number }) => {
      const spec = { minAvailable: rule.minAvailable, selector: { matchLabels: { app: rule.app } } };
      await policy.createNamespacedPodDisruptionBudget({ namespace, body: { metadata: { name }, spec } });
    },
    removeBudget: async (name: string): Promise<void> => {
      await policy.deleteNamespacedPodDisruptionBudget({ namespace, name });
    },
    /** The token of a new service account with these rules in this namespace, in force when it comes back. */
    tokenFor: async (name: string, rules: readonly V1PolicyRule[]): Promise<string> => {
      await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name } } });
      await rbac.createNamespacedRole({ namespace, body: { metadata: { name }, rules: [...rules] } });
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name };
      const subjects = [{ kind: 'ServiceAccount', name, namespace }];
      await rbac.createNamespacedRoleBinding({ namespace, body: { metadata: { name }, roleRef, subjects } });
      return serviceAccountToken(core, { namespace, name });
    },
    close: async (): Promise<void> => {
      await Promise.all(clients.map((one) => one.close()));
      await gone(() => core.deleteNamespace({ name: namespace }));
      await Promise.all([...nodes].map((name) => gone(() => core.deleteNode({ name }))));
    },
  };
}

/** A token for ten minutes, the shortest that Kubernetes gives. */
export async function serviceAccountToken(
  core: CoreV1Api,
  of: { readonly namespace: string; readonly name: string },
): Promise<string> {
  const made = await core.createNamespacedServiceAccountToken({
    ...of,
    body: { spec: { audiences: [], expirationSeconds: 600 } },
  });
  return made.status?.token ?? '';
}

/** The same kubeconfig with another bearer token; undefined: none at all. */
export function withToken(kubeConfig: KubeConfig, token: string | undefined): KubeConfig {
  const copy = new KubeConfig();
  const user = kubeConfig.getCurrentUser();
  copy.loadFromOptions({
    clusters: kubeConfig.clusters,
    contexts: kubeConfig.contexts,
    currentContext: kubeConfig.currentContext,
    users: [{ name: user?.name ?? '', ...(token === undefined ? {} : { token }) }],
  });
  return copy;
}

function clustersAt(kubeConfig: KubeConfig, server: string) {
  const cluster = kubeConfig.getCurrentCluster();
  const authority = { 'certificate-authority-data': cluster?.caData, 'certificate-authority': cluster?.caFile };
  return [{ name: cluster?.name, cluster: { server, ...authority } }];
}

async function gone(remove: () => Promise<unknown>): Promise<void> {
  try {
    await remove();
  } catch (error) {
    if (!(error instanceof ApiException) || error.code !== 404) throw error;
  }
}

function isUsable(node: V1Node): boolean {
  const ready = node.status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true;
  return ready && (node.spec?.taints ?? []).length === 0;
}

function nodeBody(of: NodeOptions & { readonly name: string; readonly namespace: string }): V1Node {
  const { gpus = 1, group, instanceId = `i-${of.name.replaceAll('-', '')}`, joins = true, name, namespace } = of;
  const resources = { cpu: '32', memory: '256Gi', pods: '110', [GPU]: String(gpus) };
  return {
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'topology.kubernetes.io/zone': 'eu-west-1a',
        [SUITE_LABEL]: namespace,
        ...(group === undefined ? {} : { 'eks.amazonaws.com/nodegroup': group }),
      },
      annotations: joins ? { [KWOK_NODE.annotation]: KWOK_NODE.value } : {},
    },
    spec: { providerID: `aws:///eu-west-1a/${instanceId}`, ...(joins ? {} : { taints: [NOT_READY] }) },
    status: { capacity: resources, allocatable: resources, ...(joins ? {} : { conditions: [STARTING] }) },
  };
}

type DeploymentBody = DeploymentOptions & {
  readonly name: string;
  readonly namespace: string;
  readonly replicas: number;
};

function deploymentBody({ name, replicas, annotations = {}, ...options }: DeploymentBody) {
  return {
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name }, annotations }, spec: podSpec(options) },
    },
  };
}

/** A pod of a namespace that only its own nodes take. */
export function podSpec({
  namespace,
  graceSec,
  gpus,
  priorityClassName,
}: { readonly namespace: string } & DeploymentOptions) {
  const own = isOwnCluster();
  const gpuCount = gpus ?? (own ? 1 : 0);
  const limits = gpuCount > 0 ? { [GPU]: String(gpuCount) } : {};
  return {
    containers: [{ name: 'engine', image: IMAGE, resources: { limits } }],
    ...(graceSec === undefined ? {} : { terminationGracePeriodSeconds: graceSec }),
    ...(priorityClassName === undefined ? {} : { priorityClassName }),
    ...(own ? { nodeSelector: { [SUITE_LABEL]: namespace } } : {}),
  };
}
