/** The shipped ValidatingAdmissionPolicy on a real API server: an older plan is refused, whatever it read. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { KubernetesObjectApi, type KubernetesObject } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { ConfigError, ConflictError } from '../../lib/base/errors.ts';
import { kubernetesScale } from '../../lib/targets/kubernetes-scale.ts';
import type { TargetState } from '../../lib/targets/contract.ts';
import { until } from '../support/until.ts';
import { serviceAccountToken } from './support/namespace.ts';
import { realFixture, type RealFixture } from './support/real-fixture.ts';

describe('the fence in the cluster', () => {
  let site: RealFixture;
  let applied: KubernetesObject[] = [];
  let api: KubernetesObjectApi;
  const ref = () => ({ kind: 'Deployment', namespace: site.namespace, name: 'llama' });
  const fenced = () => ({ ...ref(), fence: 'planSequence' as const });

  beforeAll(async () => {
    site = await realFixture('fence', { nodes: 0 });
    api = KubernetesObjectApi.makeApiClient(site.kubeConfig);
    await site.createDeployment('llama', 0, { gpus: 0 });
    await site.core.createNamespacedServiceAccount({
      namespace: site.namespace,
      body: { metadata: { name: 'penstock' } },
    });
    const text = await readFile(join(process.cwd(), 'infra', 'kubernetes', 'fence.yaml'), 'utf8');
    const ours = text
      .replaceAll('penstock-fence ', `penstock-fence-${site.namespace} `)
      .replace('policyName: penstock-fence', `policyName: penstock-fence-${site.namespace}`)
      .replace('serviceaccount:penstock:penstock', `serviceaccount:${site.namespace}:penstock`)
      .replaceAll(/\b(namespace|metadata\.name): (penstock|inference)\b/g, `$1: ${site.namespace}`);
    applied = parseAllDocuments(ours).map((document) => document.toJS() as KubernetesObject);
    for (const object of applied) await api.create(object);
  });
  afterAll(async () => {
    for (const object of applied.slice(0, 2)) await api.delete(object);
    await site.close();
  });

  test('refuses an older plan, lets newer ones and people through', async () => {
    const token = await serviceAccountToken(site.core, { namespace: site.namespace, name: 'penstock' });
    const target = kubernetesScale(site.client({ token }));
    const scaleTo = async (replicas: number, planSeq: number): Promise<TargetState> => {
      for (;;) {
        const expected = await target.read(fenced());
        try {
          return await target.scale(fenced(), { replicas, expected, planSeq });
        } catch (error) {
          // The Deployment's controller writes its status meanwhile.
          if (!(error instanceof ConflictError)) throw error;
        }
      }
    };
    // A policy takes a moment to be in force.
    await until('the older plan is refused', async () => {
      await scaleTo(1, 2_000);
      return scaleTo(2, 1_000).then(
        () => false,
        () => true,
      );
    });
    const late = scaleTo(3, 1_999);
    await expect(late).rejects.toThrow('plan 1999 is older than 2000, which was written already');
    await expect(late).rejects.toBeInstanceOf(ConfigError);
    expect((await scaleTo(3, 2_000)).replicas).toBe(3);
    expect((await scaleTo(4, 2_001)).replicas).toBe(4);
    const person = kubernetesScale(site.client());
    await until('a person has set a count', async () => {
      const expected = await person.read(ref());
      return person
        .scale(ref(), { replicas: 2, expected, planSeq: 0 })
        .then(({ replicas }) => replicas === 2, isConflict);
    });
  });

  test('refuses the scale subresource to who is fenced', async () => {
    const rules = [{ apiGroups: ['apps'], resources: ['deployments/scale'], verbs: ['patch'] }];
    await site.rbac.createNamespacedRole({ namespace: site.namespace, body: { metadata: { name: 'scale' }, rules } });
    await site.rbac.createNamespacedRoleBinding({
      namespace: site.namespace,
      body: {
        metadata: { name: 'scale' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'scale' },
        subjects: [{ kind: 'ServiceAccount', name: 'penstock', namespace: site.namespace }],
      },
    });
    const token = await serviceAccountToken(site.core, { namespace: site.namespace, name: 'penstock' });
    const target = kubernetesScale(site.client({ token }));
    await until('the refusal', async () => {
      const expected = await target.read(ref());
      return target.scale(ref(), { replicas: expected.replicas + 1, expected, planSeq: 9_000 }).then(
        () => false,
        (error: unknown) => /a Scale carries no plan sequence/.test(String(error)),
      );
    });
  });
});

/** Again, then; any other error is one. */
function isConflict(error: unknown): false {
  if (error instanceof ConflictError) return false;
  throw error;
}
