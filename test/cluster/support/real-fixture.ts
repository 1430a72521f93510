/** The cluster under test as the suites see it that the simulator passes too. */
import { PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import type { KubeConfig } from '@kubernetes/client-node';
import type { KubernetesFixture } from '../../simulator/cluster-server/kubernetes-conformance.ts';
import { isOwnCluster } from './control-plane.ts';
import { expiredToken } from './expired-token.ts';
import { openNamespace, withToken, type TestNamespace } from './namespace.ts';

const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

/** What the token of the fixture may do. */
const SCALER = [
  { apiGroups: ['apps'], resources: ['deployments/scale'], resourceNames: ['engine'], verbs: ['get', 'patch'] },
];

export type RealFixture = KubernetesFixture & TestNamespace;

/** A namespace with `nodes` one-GPU nodes of its own (none on a cluster of the user's). */
export async function realFixture(
  title: string,
  of: { readonly nodes?: number; readonly kubeConfig?: KubeConfig } = {},
): Promise<RealFixture> {
  const site = await openNamespace(title, of.kubeConfig);
  if (isOwnCluster()) await Promise.all(Array.from({ length: of.nodes ?? 4 }, () => site.addNode()));
  return {
    ...site,
    scalerToken: await site.tokenFor('scaler', SCALER),
    expiredToken: expiredToken({ namespace: site.namespace, name: 'scaler' }),
    withToken: (token) => withToken(site.kubeConfig, token),
    rollOut: async (name) => {
      const body = { spec: { template: { metadata: { annotations: { rolled: String(Math.random()) } } } } };
      await site.apps.patchNamespacedDeployment({ name, namespace: site.namespace, body }, merge);
    },
  };
}
