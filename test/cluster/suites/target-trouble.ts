/** The scale target among other writers, rollouts, deletions, wrong credentials and slow servers: the same on the simulator and on a real control plane. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ConflictError, DeniedError, NotFoundError, TransientError } from '../../../lib/base/errors.ts';
import { mergePatch } from '../../../lib/clients/kubernetes/client.ts';
import type { KubernetesClient } from '../../../lib/clients/kubernetes/client.ts';
import type { V1Deployment, V1Pod } from '../../../lib/clients/kubernetes/facade.ts';
import type { TargetState } from '../../../lib/targets/contract.ts';
import { kubernetesScale } from '../../../lib/targets/kubernetes-scale.ts';
import { PATIENT_MS } from '../../support/patience.ts';
import { until } from '../../support/until.ts';
import type { ConformanceOptions, KubernetesFixture } from '../../simulator/cluster-server/kubernetes-conformance.ts';
import { startProxy } from '../support/proxy.ts';

/** Deadline of our request where the server is slow [ms]; no honest answer has it. */
const IMPATIENT_MS = 500;
/** Later than any test ends [ms]. */
const NEVER_MS = 600_000;

/** Registers the suite. Needs 4 GPUs that nobody else uses, unless the cluster is `foreign`. */
export function targetTroubleSuite(
  server: string,
  create: () => Promise<KubernetesFixture>,
  { foreign }: ConformanceOptions = {},
): void {
  describe(`kubernetesScale in trouble: ${server}`, () => {
    let fixture: KubernetesFixture;
    let kubernetes: KubernetesClient;
    const ref = () => ({ kind: 'Deployment', namespace: fixture.namespace, name: 'engine' });
    const at = () => ({ namespace: fixture.namespace, name: 'engine' });
    const read = (): Promise<V1Deployment> =>
      kubernetes.call('read', (call) => kubernetes.apps.readNamespacedDeployment(at(), call));
    const patch = (body: object): Promise<V1Deployment> =>
      kubernetes.call('patch', (call) =>
        kubernetes.apps.patchNamespacedDeployment({ ...at(), body }, mergePatch(call)),
      );
    const pods = async (): Promise<readonly V1Pod[]> => {
      const selected = { namespace: fixture.namespace, labelSelector: 'app=engine' };
      return (await kubernetes.call('list', (call) => kubernetes.core.listNamespacedPod(selected, call))).items;
    };
    const settled = (replicas: number): Promise<unknown> =>
      until(`${replicas} ready and nothing going on`, async () => {
        const { metadata, spec, status } = await read();
        const isSeen = status?.observedGeneration === metadata?.generation && spec?.replicas === replicas;
        return isSeen && status?.readyReplicas === replicas && (await pods()).length === replicas;
      });
    const scaleTo = async (replicas: number, target = kubernetesScale(kubernetes)): Promise<TargetState> =>
      target.scale(ref(), { replicas, expected: await target.read(ref()), planSeq: 1 });
    /** As the actuator does it: a status write between read and patch is a reason to read again. */
    const scaleInTheEnd = (replicas: number): Promise<TargetState> =>
      until('a patch that nobody came between', () =>
        scaleTo(replicas).catch((error: unknown) => {
          if (error instanceof ConflictError) return undefined;
          throw error;
        }),
      );

    beforeAll(async () => {
      fixture = await create();
      kubernetes = fixture.client();
      await fixture.createDeployment('engine', 2);
      await settled(2);
    });
    afterAll(() => fixture.close());

    test('a count that goes up and down is followed by the pods', async () => {
      expect((await scaleInTheEnd(3)).replicas).toBe(3);
      await settled(3);
      expect((await scaleInTheEnd(2)).replicas).toBe(2);
      await settled(2);
    });

    test('a state that is no longer the present one is a conflict, and nothing is written', async () => {
      const target = kubernetesScale(kubernetes);
      const expected = await target.read(ref());
      await patch({ metadata: { labels: { touched: 'once' } } });
      const late = target.scale(ref(), { replicas: 3, expected, planSeq: 1 });
      await expect(late).rejects.toBeInstanceOf(ConflictError);
      expect((await read()).spec?.replicas).toBe(2);
    });

    test('during a rollout a patch may need another read; then the count holds', async () => {
      await settled(2);
      await fixture.rollOut('engine');
      await scaleInTheEnd(3);
      await settled(3);
      const hashes = (await pods()).map((pod) => pod.metadata?.labels?.['pod-template-hash']);
      expect(new Set(hashes).size).toBe(1);
      await scaleInTheEnd(2);
      await settled(2);
    });

    test('a Deployment that was deleted meanwhile is not found', async () => {
      await fixture.createDeployment('doomed', 1);
      const doomed = { ...ref(), name: 'doomed' };
      const target = kubernetesScale(kubernetes);
      const expected = await target.read(doomed);
      await fixture.removeDeployment('doomed');
      const late = target.scale(doomed, { replicas: 2, expected, planSeq: 1 });
      await expect(late).rejects.toBeInstanceOf(NotFoundError);
      await expect(target.read(doomed)).rejects.toBeInstanceOf(NotFoundError);
    });

    test('a token that was never good is denied, and says so', async () => {
      const target = kubernetesScale(fixture.client({ token: 'no-such-token' }));
      const denied = target.read(ref());
      await expect(denied).rejects.toBeInstanceOf(DeniedError);
      await expect(denied).rejects.toThrow(/expected credentials that the cluster accepts/);
    });

    (foreign === undefined ? test : test.skip)('an expired token is denied', async () => {
      const target = kubernetesScale(fixture.client({ token: fixture.expiredToken }));
      await expect(target.read(ref())).rejects.toBeInstanceOf(DeniedError);
    });

    test('beyond its role it is denied with the permission that is missing', async () => {
      const target = kubernetesScale(fixture.client({ token: fixture.scalerToken }));
      const { namespace } = fixture;
      const denied = target.read(ref());
      await expect(denied).rejects.toBeInstanceOf(DeniedError);
      await expect(denied).rejects.toThrow(`permission to get deployments of apps in namespace ${namespace}`);
      const expected = await kubernetesScale(kubernetes).read(ref());
      const scaled = await target.scale(ref(), { replicas: expected.replicas, expected, planSeq: 1 });
      expect(scaled.replicas).toBe(expected.replicas);
    });

    const testThroughProxy = (name: string, run: () => Promise<void>): void =>
      foreign === undefined ? test(name, run) : test.skip(`${name} (its certificate is not for 127.0.0.1)`, run);

    testThroughProxy(
      'a server that answers too late is transient, within the deadline, and fine when it is quick again',
      async () => {
        const proxy = await startProxy(fixture.kubeConfig.getCurrentCluster()?.server ?? '');
        try {
          let limitMs = PATIENT_MS;
          const deadlineOf = (): AbortSignal => AbortSignal.timeout(limitMs);
          const target = kubernetesScale(fixture.client({ server: proxy.url, deadlineOf }));
          await target.read(ref());
          proxy.delayMs.request = NEVER_MS;
          limitMs = IMPATIENT_MS;
          const slow = target.read(ref());
          await expect(slow).rejects.toBeInstanceOf(TransientError);
          await expect(slow).rejects.toThrow(/expected an answer, current value is none in time/);
          proxy.delayMs.request = 0;
          limitMs = PATIENT_MS;
          expect((await target.read(ref())).replicas).toBe(2);
        } finally {
          await proxy.cut();
        }
      },
    );

    testThroughProxy('a patch whose answer comes too late was made, and the next read tells', async () => {
      await settled(2);
      const proxy = await startProxy(fixture.kubeConfig.getCurrentCluster()?.server ?? '');
      try {
        let deadline = new AbortController();
        const target = kubernetesScale(fixture.client({ server: proxy.url, deadlineOf: () => deadline.signal }));
        // A connection that is there already: a handshake would wait for the server's answers too.
        for (let reads = 0; reads < 3; reads++) await target.read(ref());
        const expected = await target.read(ref());
        proxy.delayMs.answer = NEVER_MS;
        const late = target.scale(ref(), { replicas: 3, expected, planSeq: 1 });
        const ended = expect(late).rejects.toBeInstanceOf(TransientError);
        await until('the patch', async () => (await read()).spec?.replicas === 3);
        deadline.abort();
        await ended;
        deadline = new AbortController();
        proxy.delayMs.answer = 0;
        expect((await target.read(ref())).replicas).toBe(3);
        // Sent again as it was, it does no harm: the precondition no longer holds.
        await expect(target.scale(ref(), { replicas: 3, expected, planSeq: 1 })).rejects.toBeInstanceOf(ConflictError);
      } finally {
        await proxy.cut();
      }
      await scaleInTheEnd(2);
      await settled(2);
    });
  });
}
