/** Which pods come and go, by the kind of their owner and by priority, as far as decisions rest on it: the same on the simulator and on a real control plane. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CoreV1Api, PatchStrategy, setHeaderOptions, type V1Pod } from '@kubernetes/client-node';
import { systemClock } from '../../../lib/base/clock.ts';
import { ConflictError } from '../../../lib/base/errors.ts';
import type { KubernetesClient } from '../../../lib/clients/kubernetes/client.ts';
import { kubernetesEksView } from '../../../lib/cluster-view/kubernetes-eks.ts';
import type { TargetObservation } from '../../../lib/core/types.ts';
import { kubernetesScale } from '../../../lib/targets/kubernetes-scale.ts';
import { workloadPolicy } from '../../core/builders.ts';
import type { KubernetesFixture } from '../../simulator/cluster-server/kubernetes-conformance.ts';
import { until } from '../../support/until.ts';

const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

/** Whatever has no end-of-work is gone at once. */
export type PriorityOptions = { readonly value: number; readonly preempts: boolean; readonly endsAfterMs?: number };

/** Pods are labelled `app: NAME` and ask for one GPU each. */
export type KindsFixture = KubernetesFixture & {
  createSet(name: string, replicas: number, of: { readonly podManagement: 'OrderedReady' | 'Parallel' }): Promise<void>;
  /** A LeaderWorkerSet of groups of `size` pods. */
  createGroups(name: string, replicas: number, of: { readonly size: number }): Promise<void>;
  /** A Deployment whose pods have a PriorityClass of their own. */
  createWithPriority(name: string, replicas: number, of: PriorityOptions): Promise<void>;
};

type Shown = { readonly name: string; readonly ready: boolean; readonly waiting: boolean; readonly going: boolean };

/** Registers the suite. Needs nodes of its own: 4 with a GPU each that nobody else uses. */
export function kindsSuite(server: string, create: () => Promise<KindsFixture>): void {
  describe(`kinds and priorities: ${server}`, () => {
    let fixture: KindsFixture;
    /** Sees everything. */
    let core: CoreV1Api;
    let client: KubernetesClient;
    beforeAll(async () => {
      fixture = await create();
      client = fixture.client();
      core = fixture.kubeConfig.makeApiClient(CoreV1Api);
    });
    afterAll(() => fixture.close());

    const podsOf = async (app: string): Promise<readonly V1Pod[]> =>
      (await core.listNamespacedPod({ namespace: fixture.namespace, labelSelector: `app=${app}` })).items;
    const shown = async (app: string): Promise<readonly Shown[]> => (await podsOf(app)).map(show).toSorted(byName);
    const shows = (app: string, what: string, holds: (pods: readonly Shown[]) => boolean): Promise<readonly Shown[]> =>
      until(`${app}: ${what}`, async () => {
        const pods = await shown(app);
        return holds(pods) && pods;
      });
    const refOf = (kind: string, name: string) => ({ kind, namespace: fixture.namespace, name });
    const scaleTo = async (ref: ReturnType<typeof refOf>, replicas: number): Promise<void> => {
      const target = kubernetesScale(client);
      await until(`${ref.name} is set to ${replicas}`, async () => {
        const expected = await target.read(ref);
        return target.scale(ref, { replicas, expected, planSeq: 1 }).catch((error: unknown) => {
          // Its controller wrote the status in between.
          if (!(error instanceof ConflictError)) throw error;
        });
      });
    };
    const observe = async (ref: ReturnType<typeof refOf>): Promise<TargetObservation | undefined> => {
      const view = kubernetesEksView({ kubernetes: client, clock: systemClock });
      const policy = workloadPolicy({ target: ref }, 'seen');
      return (await view.observe({ workloads: [policy], nodeGroups: [] })).targets['seen'];
    };
    const remove = async (ref: ReturnType<typeof refOf>): Promise<void> => {
      await scaleTo(ref, 0);
      await shows(ref.name, 'gone', (pods) => pods.length === 0);
    };

    test('a StatefulSet one by one: the next pod only when the one before is Ready, the highest goes first whatever it costs', async () => {
      await fixture.createSet('ordered', 0, { podManagement: 'OrderedReady' });
      const ref = refOf('StatefulSet', 'ordered');
      await scaleTo(ref, 6);
      // Four GPUs: the fifth pod waits, so the sixth is not made.
      const pods = await shows(
        'ordered',
        'four serve and one waits',
        (all) => all.filter(isReady).length === 4 && all.some((pod) => pod.waiting),
      );
      expect(pods.map(({ name }) => name)).toEqual([0, 1, 2, 3, 4].map((at) => `ordered-${at}`));
      expect(await observe(ref)).toMatchObject({ replicas: 6, ready: 4, rolloutInProgress: false });
      const body = { metadata: { annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-1000' } } };
      await core.patchNamespacedPod({ name: 'ordered-0', namespace: fixture.namespace, body }, merge);
      await scaleTo(ref, 2);
      const left = await shows('ordered', 'two are left', (all) => all.length === 2);
      expect(left.map(({ name }) => name)).toEqual(['ordered-0', 'ordered-1']);
      await remove(ref);
    });

    test('a StatefulSet one by one: none goes while one that stays is not Ready', async () => {
      await fixture.createSet('careful', 0, { podManagement: 'OrderedReady' });
      const ref = refOf('StatefulSet', 'careful');
      await scaleTo(ref, 2);
      await shows('careful', 'two serve', (all) => all.filter(isReady).length === 2);
      await fixture.createDeployment('filler', 2);
      await shows('filler', 'two serve', (all) => all.filter(isReady).length === 2);
      const nodeName =
        (await podsOf('careful')).find((pod) => pod.metadata?.name === 'careful-0')?.spec?.nodeName ?? '';
      await core.patchNode({ name: nodeName, body: { spec: { unschedulable: true } } }, merge);
      await core.deleteNamespacedPod({ name: 'careful-0', namespace: fixture.namespace });
      await shows('careful', 'its first waits', ([first]) => first?.name === 'careful-0' && first.waiting);
      await scaleTo(ref, 1);
      await until('the controller has seen it', async () => {
        const seen = await observe(ref);
        return seen?.kind === 'observed' && !seen.rolloutInProgress;
      });
      expect((await shown('careful')).map(({ name, going }) => [name, going])).toEqual([
        ['careful-0', false],
        ['careful-1', false],
      ]);
      await core.patchNode({ name: nodeName, body: { spec: { unschedulable: null } } }, merge);
      await shows('careful', 'its second is gone', (all) => all.length === 1 && all.every(isReady));
      await remove(ref);
      await remove(refOf('Deployment', 'filler'));
    });

    test('a StatefulSet in parallel: all at once', async () => {
      await fixture.createSet('parallel', 0, { podManagement: 'Parallel' });
      const ref = refOf('StatefulSet', 'parallel');
      await scaleTo(ref, 6);
      await shows(
        'parallel',
        'four serve and two wait',
        (all) => all.filter(isReady).length === 4 && all.filter((pod) => pod.waiting).length === 2,
      );
      await scaleTo(ref, 1);
      const left = await shows('parallel', 'one is left', (all) => all.length === 1);
      expect(left.map(({ name }) => name)).toEqual(['parallel-0']);
      await remove(ref);
    });

    test('a LeaderWorkerSet: counted, resized and ready by group, the highest group goes, a group comes back whole', async () => {
      await fixture.createGroups('llama', 0, { size: 2 });
      const ref = refOf('LeaderWorkerSet', 'llama');
      await scaleTo(ref, 3);
      // Four GPUs: two groups serve.
      await shows(
        'llama',
        'four serve and two wait',
        (all) => all.filter(isReady).length === 4 && all.filter((pod) => pod.waiting).length === 2,
      );
      const seen = await observe(ref);
      expect(seen).toMatchObject({ replicas: 3, gpusPerReplica: { 'nvidia.com/gpu': 2 } });
      expect(seen).toMatchObject({ replicaShape: { pods: 2, gpuPods: 2, gpusPerPod: { 'nvidia.com/gpu': 1 } } });
      const parts = seen?.kind === 'observed' ? seen.pods.map(({ name, replica }) => [name, replica]) : [];
      expect(Object.fromEntries(parts)).toEqual({
        'llama-0': '0',
        'llama-0-1': '0',
        'llama-1': '1',
        'llama-1-1': '1',
        'llama-2': '2',
        'llama-2-1': '2',
      });
      await scaleTo(ref, 2);
      const left = await shows('llama', 'two groups are left', (all) => all.length === 4 && all.every(isReady));
      expect(left.map(({ name }) => name)).toEqual(['llama-0', 'llama-0-1', 'llama-1', 'llama-1-1']);
      expect(await observe(ref)).toMatchObject({ ready: 2 });
      const before = new Map((await podsOf('llama')).map(({ metadata }) => [metadata?.name, metadata?.uid]));
      await core.deleteNamespacedPod({ name: 'llama-1-1', namespace: fixture.namespace });
      await until('the second group is another', async () => {
        const pods = await podsOf('llama');
        const others = pods.filter(({ metadata }) => before.get(metadata?.name) !== metadata?.uid);
        return pods.length === 4 && others.length === 2 && pods.map(show).every(isReady);
      });
      const same = (await podsOf('llama')).filter(({ metadata }) => before.get(metadata?.name) === metadata?.uid);
      expect(same.map(({ metadata }) => metadata?.name ?? '').toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
        'llama-0',
        'llama-0-1',
      ]);
      await remove(ref);
    });

    test('pods of low priority make room for others and wait, those of a class that never preempts take nobody’s place', async () => {
      await fixture.createWithPriority('holder', 4, { value: -10, preempts: false });
      await shows('holder', 'four hold a place', (all) => all.filter(isReady).length === 4);
      await fixture.createDeployment('chat', 2);
      await shows('chat', 'two serve', (all) => all.filter(isReady).length === 2);
      await shows(
        'holder',
        'two hold a place and two wait',
        (all) => all.filter(isReady).length === 2 && all.filter((pod) => pod.waiting).length === 2,
      );
      await fixture.createWithPriority('meek', 1, { value: 1000, preempts: false });
      const [meek] = await shows('meek', 'it waits', (all) => all.some((pod) => pod.waiting));
      expect(meek).toMatchObject({ ready: false });
      expect((await shown('holder')).filter(isReady)).toHaveLength(2);
      // Who of those that wait comes first when there is room is not promised: the real scheduler lets a pod rest that it has just tried.
      await remove(refOf('Deployment', 'holder'));
      await shows('meek', 'it serves', (all) => all.length === 1 && all.every(isReady));
      for (const name of ['chat', 'meek']) await remove(refOf('Deployment', name));
    });

    test('a place is kept while the pod that makes room ends its work', async () => {
      await fixture.createWithPriority('slow', 4, { value: -10, preempts: false, endsAfterMs: 1_500 });
      await shows('slow', 'four hold a place', (all) => all.filter(isReady).length === 4);
      await fixture.createDeployment('urgent', 1);
      const promised = await until(
        'a place is promised',
        async () => (await podsOf('urgent'))[0]?.status?.nominatedNodeName,
      );
      const going = (await podsOf('slow')).filter(({ metadata }) => metadata?.deletionTimestamp !== undefined);
      expect(going.map(({ spec }) => spec?.nodeName)).toEqual([promised]);
      await shows('urgent', 'it serves', (all) => all.every(isReady));
      expect((await podsOf('urgent')).map(({ spec }) => spec?.nodeName)).toEqual([promised]);
      for (const name of ['urgent', 'slow']) await remove(refOf('Deployment', name));
    });
  });
}

function show({ metadata, status }: V1Pod): Shown {
  const conditionOf = (type: string) => status?.conditions?.find((one) => one.type === type);
  return {
    name: metadata?.name ?? '',
    ready: conditionOf('Ready')?.status === 'True',
    waiting: conditionOf('PodScheduled')?.reason === 'Unschedulable',
    going: metadata?.deletionTimestamp !== undefined,
  };
}

function isReady(pod: Shown): boolean {
  return pod.ready && !pod.going;
}

function byName(a: Shown, b: Shown): number {
  return a.name < b.name ? -1 : 1;
}
