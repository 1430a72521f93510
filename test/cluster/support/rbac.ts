/** The RBAC that is shipped (`infra/kubernetes/rbac*.yaml`), applied as it is but for the names. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KubernetesObjectApi, type KubernetesObject } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { serviceAccountToken, type TestNamespace } from './namespace.ts';

const FILES = ['rbac.yaml', 'rbac-node-groups.yaml', 'rbac-owned-nodes.yaml'];

/** Namespaces that the files name: both become the test's own. */
const NAMESPACES = /\bnamespace: (penstock|inference)\b/g;

/** Applies it and returns a token of its ServiceAccount `penstock`. What is cluster-wide gets the namespace into its name and is removed by `remove`. */
export async function shippedRbac(
  site: TestNamespace,
): Promise<{ readonly token: string; readonly remove: () => Promise<void> }> {
  const { kubeConfig, namespace } = site;
  const folder = join(process.cwd(), 'infra', 'kubernetes');
  const texts = await Promise.all(FILES.map((file) => readFile(join(folder, file), 'utf8')));
  const ours = texts
    .join('---\n')
    .replace(NAMESPACES, `namespace: ${namespace}`)
    .replace(/\bname: penstock-(observe|nodes)\b/g, `name: ${namespace}-$1`);
  const objects = parseAllDocuments(ours).map((document) => document.toJS() as KubernetesObject);
  const api = KubernetesObjectApi.makeApiClient(kubeConfig);
  for (const object of objects) await api.create(object);
  const clusterWide = objects.filter((object) => object.kind?.startsWith('ClusterRole') === true);
  return {
    token: await serviceAccountToken(site.core, { namespace, name: 'penstock' }),
    remove: async () => {
      for (const object of clusterWide) await api.delete(object);
    },
  };
}
