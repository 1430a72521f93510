/** The API suite that the simulator passes, on a real control plane. */
import { PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { kubernetesConformance } from '../simulator/cluster-server/kubernetes-conformance.ts';
import { isOwnCluster, NEEDS_OWN_CLUSTER } from './support/control-plane.ts';
import { expiredToken } from './support/expired-token.ts';
import { openNamespace, withToken } from './support/namespace.ts';

const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

kubernetesConformance(
  'real control plane',
  async () => {
    const site = await openNamespace('api');
    if (isOwnCluster()) await Promise.all(Array.from({ length: 4 }, () => site.addNode()));
    const scalerToken = await site.tokenFor('scaler', [
      { apiGroups: ['apps'], resources: ['deployments/scale'], resourceNames: ['engine'], verbs: ['get', 'patch'] },
    ]);
    return {
      ...site,
      scalerToken,
      expiredToken: expiredToken({ namespace: site.namespace, name: 'scaler' }),
      withToken: (token) => withToken(site.kubeConfig, token),
      rollOut: async (name) => {
        const body = { spec: { template: { metadata: { annotations: { rolled: String(Math.random()) } } } } };
        await site.apps.patchNamespacedDeployment({ name, namespace: site.namespace, body }, merge);
      },
    };
  },
  isOwnCluster() ? {} : { foreign: NEEDS_OWN_CLUSTER },
);
