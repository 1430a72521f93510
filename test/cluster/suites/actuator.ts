/** The actuate stage with the real adapters: the same on the simulator and on a real control plane. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { KubernetesClient } from '../../../lib/clients/kubernetes/client.ts';
import { mergePatch } from '../../../lib/clients/kubernetes/client.ts';
import type { V1Pod } from '../../../lib/clients/kubernetes/facade.ts';
import { GROUP_JOB, TARGET_JOB } from '../../loop/actuate/world.ts';
import { until } from '../../support/until.ts';
import type { ConformanceOptions, KubernetesFixture } from '../../simulator/cluster-server/kubernetes-conformance.ts';
import { actuating } from '../support/actuating.ts';

/** Registers the suite. Needs 4 GPUs that nobody else uses, unless the cluster is `foreign`. */
export function actuatorSuite(
  server: string,
  create: () => Promise<KubernetesFixture>,
  { foreign }: ConformanceOptions = {},
): void {
  describe(`actuate: ${server}`, () => {
    let fixture: KubernetesFixture;
    let kubernetes: KubernetesClient;
    const at = () => ({ namespace: fixture.namespace, name: 'engine' });
    const start = () => actuating({ kubernetes, namespace: fixture.namespace });
    const patch = (body: object): Promise<unknown> =>
      kubernetes.call('patch', (call) =>
        kubernetes.apps.patchNamespacedDeployment({ ...at(), body }, mergePatch(call)),
      );
    const count = async (): Promise<number | undefined> =>
      (await kubernetes.call('read', (call) => kubernetes.apps.readNamespacedDeployment(at(), call))).spec?.replicas;
    const pods = async (): Promise<readonly V1Pod[]> => {
      const selected = { namespace: fixture.namespace, labelSelector: 'app=engine' };
      return (await kubernetes.call('list', (call) => kubernetes.core.listNamespacedPod(selected, call))).items;
    };
    const serving = (replicas: number): Promise<readonly V1Pod[]> =>
      until(`${replicas} pods serve`, async () => {
        const all = await pods();
        const isRight = all.length === replicas && all.every((pod) => isReady(pod));
        const { status, metadata } = await kubernetes.call('read', (call) =>
          kubernetes.apps.readNamespacedDeployment(at(), call),
        );
        return isRight && status?.observedGeneration === metadata?.generation && status?.replicas === replicas && all;
      });

    beforeAll(async () => {
      fixture = await create();
      kubernetes = fixture.client();
      await fixture.createDeployment('engine', 2);
      await serving(2);
    });
    afterAll(() => fixture.close());

    test('a Deployment follows the plan up and down, and the same plan again writes nothing', async () => {
      const { plan, work, world, target, ref } = start();
      await plan({ replicas: 3 });
      expect(await work(TARGET_JOB)).toEqual([]);
      expect(await world.record('target/llama')).toMatchObject({ outcome: 'applied', detail: '2 → 3 replicas' });
      await serving(3);
      const before = await target.read(ref);
      await work(TARGET_JOB);
      expect(await world.record('target/llama')).toMatchObject({ outcome: 'already' });
      expect(await target.read(ref)).toEqual(before);
      await plan({ replicas: 2 });
      await work(TARGET_JOB);
      expect(await world.record('target/llama')).toMatchObject({ outcome: 'applied' });
      await serving(2);
    });

    test('a plan made before somebody else scaled is stale: their count stays, and it is decided again', async () => {
      const { plan, work, world } = start();
      await plan({ replicas: 3 });
      await patch({ spec: { replicas: 1 } });
      await work(TARGET_JOB, { steps: 1 });
      expect(await world.record('target/llama')).toMatchObject({ outcome: 'stale' });
      expect(await count()).toBe(1);
      expect(world.evaluated).toEqual([['llama']]);
      await patch({ spec: { replicas: 2 } });
      await serving(2);
    });

    test('a lower count decided before an annotation was written is decided again', async () => {
      const { plan, work, world } = start();
      await plan({ replicas: 1 });
      await patch({ metadata: { annotations: { 'example.com/owner': String(Math.random()) } } });
      await work(TARGET_JOB, { steps: 1 });
      expect(await world.record('target/llama')).toMatchObject({ outcome: 'stale' });
      expect(await count()).toBe(2);
    });

    test('in a rollout the status writes of its controller do not keep the count from being set', async () => {
      const { plan, work, world } = start();
      await fixture.rollOut('engine');
      await plan({ replicas: 3 });
      await work(TARGET_JOB);
      expect(await world.record('target/llama')).toMatchObject({ outcome: 'applied' });
      await serving(3);
      await plan({ replicas: 2 });
      await work(TARGET_JOB);
      await serving(2);
    });

    test('a role that may not scale is told by name, once per attempt, and nothing changes', async () => {
      const weak = fixture.client({ token: fixture.scalerToken });
      const { world, work, plan } = actuating({ kubernetes, namespace: fixture.namespace });
      const denied = actuating({ kubernetes: weak, namespace: fixture.namespace });
      await plan({ replicas: 3 });
      const stored = (await world.state.plans.read('default'))?.value;
      if (stored === undefined) throw new Error('no plan');
      await denied.world.storePlan(stored);
      const errors = await denied.work(TARGET_JOB, { steps: 1 });
      expect(errors[0]).toContain(`permission to get deployments of apps in namespace ${fixture.namespace}`);
      expect(await count()).toBe(2);
      await work(TARGET_JOB);
      await serving(3);
      await plan({ replicas: 2 });
      await work(TARGET_JOB);
      await serving(2);
    });

    (foreign === undefined ? test : test.skip)(
      'a node is cordoned, waits for its budget, is emptied, and only then ended',
      async () => {
        const left: number[] = [];
        const podsOn = async (nodeName: string): Promise<number> => {
          const on = { fieldSelector: `spec.nodeName=${nodeName}` };
          return (await kubernetes.call('list', (call) => kubernetes.core.listPodForAllNamespaces(on, call))).items
            .length;
        };
        const [pod] = await serving(2);
        const nodeName = pod?.spec?.nodeName ?? '';
        const { plan, work, world } = actuating({
          kubernetes,
          namespace: fixture.namespace,
          onTerminate: async () => void left.push(await podsOn(nodeName)),
        });
        const victims = [{ nodeName, instanceId: 'i-g5-0' }];
        await fixture.createBudget('keep', { app: 'engine', minAvailable: 2 });
        await plan({ nodes: 2, victims });
        await work(GROUP_JOB, { steps: 10 });
        expect(await world.record('nodeGroup/g5')).toMatchObject({
          outcome: 'inProgress',
          detail: expect.stringMatching(/cannot be evicted: .*disruption budget/i),
        });
        expect(left).toEqual([]);
        expect((await pods()).filter((one) => isReady(one))).toHaveLength(2);
        await fixture.removeBudget('keep');
        await plan({ nodes: 2, victims });
        await work(GROUP_JOB);
        expect(left).toEqual([0]);
        expect(world.group).toMatchObject({ desired: 2 });
        expect(world.nodes.calls).toEqual([{ call: 'terminate', instanceId: 'i-g5-0', podsLeft: 0, cordoned: false }]);
        const after = await serving(2);
        expect(after.map((one) => one.spec?.nodeName)).not.toContain(nodeName);
      },
    );

    // The last one: it takes the Deployment away.
    test('a Deployment that was deleted meanwhile is told, and not tried for ever', async () => {
      const { plan, work, world } = start();
      await plan({ replicas: 3 });
      await fixture.removeDeployment('engine');
      const errors = await work(TARGET_JOB, { steps: 1 });
      expect(errors[0]).toMatch(/Deployment ".+\/engine": expected an existing object/);
      expect(await world.record('target/llama')).toMatchObject({ outcome: 'failed', failures: 1 });
    });
  });
}

function isReady(pod: V1Pod): boolean {
  const ready = pod.status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true;
  return ready && pod.metadata?.deletionTimestamp === undefined;
}
