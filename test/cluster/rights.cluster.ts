/** Who runs this tier on a cluster of theirs hears first what they may not do there. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '../support/until.ts';
import { isOwnCluster, NEEDS_OWN_CLUSTER } from './support/control-plane.ts';
import { openNamespace, serviceAccountToken, withToken, type TestNamespace } from './support/namespace.ts';
import { demandRights, missingRights, neededRights, RIGHTS_FILE } from './support/rights.ts';

describe('the rights that this tier needs', () => {
  let site: TestNamespace;
  beforeAll(async () => {
    site = await openNamespace('tester');
  });
  afterAll(() => site.close());

  test('whoever runs it here has them', async () => {
    expect(await missingRights(site.kubeConfig)).toEqual([]);
  });

  test('rights in one namespace are told not to be enough, with all that is missing in one message', async () => {
    const token = await site.tokenFor('namespace-admin', mutable(await neededRights()));
    const user = withToken(site.kubeConfig, token);
    const refused = demandRights(user, 'their.kubeconfig');
    await expect(refused).rejects.toThrow(
      `Cannot test on the cluster of their.kubeconfig: expected what ${RIGHTS_FILE} grants`,
    );
    await expect(refused).rejects.toThrow('a user who may not create, delete namespaces; create serviceaccounts; ');
    await expect(refused).rejects.toThrow('patch, update deployments/scale of apps');
  });

  test('nobody at all is told so', async () => {
    const nobody = withToken(site.kubeConfig, 'no-token-of-this-cluster');
    await expect(missingRights(nobody)).rejects.toThrow(
      'Cannot ask the cluster what this user may do: expected credentials that the cluster accepts, current value is HTTP 401',
    );
  });

  const title = `who has what ${RIGHTS_FILE} grants, and nothing else, may run it`;
  if (!isOwnCluster()) test.skip(`${title} (${NEEDS_OWN_CLUSTER})`, () => {});
  else {
    test(title, async () => {
      const { core, namespace, rbac } = site;
      const name = `${namespace}-tester`;
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name };
      const subjects = [{ kind: 'ServiceAccount', name: 'tester', namespace }];
      await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name: 'tester' } } });
      await rbac.createClusterRole({ body: { metadata: { name }, rules: mutable(await neededRights()) } });
      await rbac.createClusterRoleBinding({ body: { metadata: { name }, roleRef, subjects } });
      try {
        const user = withToken(site.kubeConfig, await serviceAccountToken(core, { namespace, name: 'tester' }));
        // The authorizer hears of new roles by watching them.
        await until('nothing is missing', async () => (await missingRights(user)).length === 0);
      } finally {
        await rbac.deleteClusterRoleBinding({ name });
        await rbac.deleteClusterRole({ name });
      }
    });
  }
});

type Rules = Awaited<ReturnType<typeof neededRights>>;

/** As the client's types want them. */
function mutable(rules: Rules) {
  return rules.map(({ apiGroups, resources, verbs }) => ({
    apiGroups: [...apiGroups],
    resources: [...resources],
    verbs: [...verbs],
  }));
}
