/** Namespaces and identities of the demo on a real control plane: the RBAC that is shipped, as it is. */
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubernetesClient } from '../../../clients/kubernetes/client.ts';
import { kubeconfigText } from '../../../local/index.ts';
import type { ControlPlaneHandle } from '../../../local/index.ts';
import type { DemoCluster, Role } from './cluster.ts';
import { NAMESPACE } from '../scene.ts';

/** Everything a controller of replicas and owned node groups needs. */
const FILES = ['rbac.yaml', 'rbac-node-groups.yaml', 'rbac-owned-nodes.yaml'];
/** Where the shipped manifests have the two ServiceAccounts. */
const HOME = 'penstock';
/** Above the longest demo, an hour [s]. */
const TOKEN_SEC = 7_200;

type Manifest = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
};

export type AccessOptions = {
  readonly controlPlane: Pick<ControlPlaneHandle, 'url' | 'caPem' | 'kubeconfigFile'>;
  /** Where the kubeconfigs go. */
  readonly folder: string;
  /** The folder with `infra/kubernetes`. */
  readonly root: string;
};

/** Creates the namespaces, applies the manifests, and writes a kubeconfig for each process and one for people. Throws what the client throws. */
export async function giveAccess(
  kubernetes: KubernetesClient,
  { controlPlane, folder, root }: AccessOptions,
): Promise<DemoCluster['kubeconfigFiles']> {
  for (const name of [NAMESPACE, HOME]) {
    await kubernetes.call(`create namespace "${name}"`, (call) =>
      kubernetes.core.createNamespace({ body: { metadata: { name } } }, call),
    );
  }
  const texts = await Promise.all(FILES.map((file) => readFile(join(root, 'infra', 'kubernetes', file), 'utf8')));
  for (const document of parseAllDocuments(texts.join('---\n'))) {
    await create(kubernetes, document.toJS() as Manifest);
  }
  const kubeconfig = async (role: Role, account: string): Promise<string> => {
    const token = await tokenOf(kubernetes, account);
    const file = join(folder, `${role}.kubeconfig`);
    await writeFile(file, kubeconfigText({ server: controlPlane.url, caPem: controlPlane.caPem, token }), {
      mode: 0o600,
    });
    return file;
  };
  // Under a name short enough to be typed.
  const operator = join(folder, 'kubeconfig');
  await copyFile(controlPlane.kubeconfigFile, operator);
  return {
    operator,
    run: await kubeconfig('run', 'penstock'),
    bridge: await kubeconfig('bridge', 'penstock-bridge'),
  };
}

/** ServiceAccounts, Roles and their bindings: all that the files hold. */
async function create(kubernetes: KubernetesClient, manifest: Manifest): Promise<void> {
  const { apiVersion, kind, metadata } = manifest;
  const { namespace } = metadata;
  const what = `create ${kind} "${metadata.name}"`;
  if (kind === 'ServiceAccount') {
    await kubernetes.call(what, (options) =>
      kubernetes.core.createNamespacedServiceAccount({ namespace: namespace ?? HOME, body: { metadata } }, options),
    );
    return;
  }
  const [group = '', version = ''] = apiVersion.split('/');
  const of = { group, version, plural: `${kind.toLowerCase()}s`, body: manifest };
  await kubernetes.call(what, (options) =>
    namespace === undefined
      ? kubernetes.custom.createClusterCustomObject(of, options)
      : kubernetes.custom.createNamespacedCustomObject({ ...of, namespace }, options),
  );
}

async function tokenOf(kubernetes: KubernetesClient, name: string): Promise<string> {
  const body = { spec: { audiences: [], expirationSeconds: TOKEN_SEC } };
  const made = await kubernetes.call(`get a token of "${name}"`, (options) =>
    kubernetes.core.createNamespacedServiceAccountToken({ namespace: HOME, name, body }, options),
  );
  return made.status?.token ?? '';
}
