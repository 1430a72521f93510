/** Nodes emptied through the Eviction API: the same on the simulator and on a real control plane. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CoreV1Api, type V1Pod } from '@kubernetes/client-node';
import { systemClock } from '../../../lib/base/clock.ts';
import { NotFoundError } from '../../../lib/base/errors.ts';
import type { DrainStep, NodeDrainer } from '../../../lib/node-provisioners/contract.ts';
import { kubernetesDrainer } from '../../../lib/node-provisioners/kubernetes-drainer.ts';
import { until } from '../../support/until.ts';
import type { KubernetesFixture } from '../../simulator/cluster-server/kubernetes-conformance.ts';

/** Registers the suite. Needs nodes of its own: 3 with a GPU each that nobody else uses. */
export function drainerSuite(server: string, create: () => Promise<KubernetesFixture>): void {
  describe(`kubernetesDrainer: ${server}`, () => {
    let fixture: KubernetesFixture;
    let drainer: NodeDrainer;
    /** Sees everything, which the drainer may not. */
    let core: CoreV1Api;
    const pods = async (): Promise<readonly V1Pod[]> => {
      const selected = { namespace: fixture.namespace, labelSelector: 'app=engine' };
      return (await core.listNamespacedPod(selected)).items;
    };
    const serving = (): Promise<readonly V1Pod[]> =>
      until('two pods serve', async () => {
        const all = await pods();
        return all.length === 2 && all.every(isReady) && all;
      });
    const busyNode = async (): Promise<string> => (await serving())[0]?.spec?.nodeName ?? '';
    const stepUntil = (nodeName: string, state: DrainStep['state']): Promise<DrainStep> =>
      until(`${nodeName} is ${state}`, async () => {
        const step = await drainer.drainStep(nodeName);
        return step.state === state && step;
      });
    const isUnschedulable = async (name: string): Promise<boolean> =>
      (await core.readNode({ name })).spec?.unschedulable === true;

    beforeAll(async () => {
      fixture = await create();
      core = fixture.kubeConfig.makeApiClient(CoreV1Api);
      drainer = kubernetesDrainer(fixture.client(), { clock: systemClock });
      await fixture.createDeployment('engine', 2);
      await serving();
    });
    afterAll(() => fixture.close());

    test('a cordoned node is emptied, its pods come back elsewhere, and it says empty only then', async () => {
      const nodeName = await busyNode();
      await drainer.cordon(nodeName);
      expect(await isUnschedulable(nodeName)).toBe(true);
      expect((await drainer.drainStep(nodeName)).state).not.toBe('empty');
      await stepUntil(nodeName, 'empty');
      const after = await serving();
      expect(after.map((pod) => pod.spec?.nodeName)).not.toContain(nodeName);
      await drainer.uncordon(nodeName);
      expect(await isUnschedulable(nodeName)).toBe(false);
    });

    test('cordon and uncordon can be repeated', async () => {
      const nodeName = await busyNode();
      await drainer.cordon(nodeName);
      await drainer.cordon(nodeName);
      await drainer.uncordon(nodeName);
      await drainer.uncordon(nodeName);
      expect(await isUnschedulable(nodeName)).toBe(false);
    });

    test('a budget that forbids it is named, the pods stay; without it they go', async () => {
      const nodeName = await busyNode();
      await fixture.createBudget('keep', { app: 'engine', minAvailable: 2 });
      await drainer.cordon(nodeName);
      // Until the budget's controller has counted, it forbids everything: blocked from the first step on.
      const blocked = await drainer.drainStep(nodeName);
      expect(blocked).toMatchObject({ state: 'blocked', podsLeft: 1 });
      expect('detail' in blocked ? blocked.detail : '').toMatch(
        /^pod \S+\/engine-\S+ cannot be evicted: .*disruption budget/i,
      );
      expect((await pods()).filter(isReady)).toHaveLength(2);
      await fixture.removeBudget('keep');
      await stepUntil(nodeName, 'empty');
      await drainer.uncordon(nodeName);
    });

    test('a budget that lets one pod go lets one node be emptied', async () => {
      const nodeName = await busyNode();
      await fixture.createBudget('one', { app: 'engine', minAvailable: 1 });
      await drainer.cordon(nodeName);
      await stepUntil(nodeName, 'empty');
      await fixture.removeBudget('one');
      await drainer.uncordon(nodeName);
    });

    test('a node that is gone is not found', async () => {
      await expect(drainer.cordon('no-such-node')).rejects.toBeInstanceOf(NotFoundError);
      await expect(drainer.uncordon('no-such-node')).rejects.toBeInstanceOf(NotFoundError);
    });
  });
}

function isReady(pod: V1Pod): boolean {
  const ready = pod.status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true;
  return ready && pod.metadata?.deletionTimestamp === undefined;
}
