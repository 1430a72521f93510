/** Each permission taken away in turn, on a real control plane: RBAC as the API server enforces it. */
import { describe, test } from '@jest/globals';
import { AuthorizationV1Api, type V1PolicyRule } from '@kubernetes/client-node';
import { until } from '../support/until.ts';
import { permissionSuite, type PermissionFixture } from './suites/permissions.ts';
import { isOwnCluster, NEEDS_OWN_CLUSTER } from './support/control-plane.ts';
import { openNamespace, serviceAccountToken } from './support/namespace.ts';
import type { Permission, Scope } from './support/needed-permissions.ts';

const BUFFER = 'penstock-buffer';

if (isOwnCluster()) permissionSuite('real control plane', realPermissions);
else describe('permissions', () => test.skip(`are taken away one by one (${NEEDS_OWN_CLUSTER})`, () => {}));

async function realPermissions(): Promise<PermissionFixture> {
  const site = await openNamespace('rights');
  const own = await openNamespace('buffer');
  const { core, namespace, policy, rbac } = site;
  const namespaces = { inference: namespace, penstock: own.namespace };
  await site.addNode();
  await site.createDeployment('engine', 1);
  await site.createStatefulSet('engine', 0);
  await own.createDeployment(BUFFER, 0);
  await site.createBudget('engine', { app: 'engine', minAvailable: 1 });
  const pod = await until('the pod runs', async () => {
    const [first] = (await core.listNamespacedPod({ namespace })).items;
    return first?.status?.phase === 'Running' && first;
  });
  await until('the budget is counted', async () => {
    const budget = await policy.readNamespacedPodDisruptionBudget({ namespace, name: 'engine' });
    return budget.status?.currentHealthy === 1;
  });
  const reviews = site.kubeConfig.makeApiClient(AuthorizationV1Api);
  const clusterRoles: string[] = [];
  let count = 0;

  const grant = async (name: string, scope: Scope, rules: V1PolicyRule[]): Promise<void> => {
    const subjects = [{ kind: 'ServiceAccount', name, namespace }];
    const metadata = { name };
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: scope === 'cluster' ? 'ClusterRole' : 'Role', name };
    if (scope === 'cluster') {
      clusterRoles.push(name);
      await rbac.createClusterRole({ body: { metadata, rules } });
      await rbac.createClusterRoleBinding({ body: { metadata, roleRef, subjects } });
    } else {
      await rbac.createNamespacedRole({ namespace: namespaces[scope], body: { metadata, rules } });
      await rbac.createNamespacedRoleBinding({ namespace: namespaces[scope], body: { metadata, roleRef, subjects } });
    }
  };

  /** The authorizer hears of new roles by watching them. */
  const isInForce = async (name: string, { verb, group, resource, scope }: Permission): Promise<boolean> => {
    const [main = '', subresource] = resource.split('/');
    const resourceAttributes = {
      verb,
      group,
      resource: main,
      ...(subresource === undefined ? {} : { subresource }),
      ...(scope === 'cluster' ? {} : { namespace: namespaces[scope] }),
    };
    const body = { spec: { user: `system:serviceaccount:${namespace}:${name}`, resourceAttributes } };
    return (await reviews.createSubjectAccessReview({ body })).status?.allowed === true;
  };

  return {
    namespaces,
    engine: { nodeName: pod.spec?.nodeName ?? '', podName: pod.metadata?.name ?? '' },
    buffer: BUFFER,
    client: async (granted) => {
      const name = `${namespace}-${count++}`;
      await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name } } });
      for (const scope of ['inference', 'penstock', 'cluster'] as const) {
        const rules = granted
          .filter((one) => one.scope === scope)
          .map(({ verb, group, resource }) => ({ verbs: [verb], apiGroups: [group], resources: [resource] }));
        if (rules.length > 0) await grant(name, scope, rules);
      }
      for (const one of granted) await until('the role is in force', () => isInForce(name, one));
      return site.client({ token: await serviceAccountToken(core, { namespace, name }) });
    },
    close: async () => {
      for (const name of clusterRoles) {
        await rbac.deleteClusterRoleBinding({ name });
        await rbac.deleteClusterRole({ name });
      }
      await site.close();
      await own.close();
    },
  };
}
