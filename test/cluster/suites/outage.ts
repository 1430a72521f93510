/** An API server that goes and comes back: the same on the simulator and on a real control plane. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Watch } from '@kubernetes/client-node';
import { systemClock } from '../../../lib/base/clock.ts';
import { TransientError } from '../../../lib/base/errors.ts';
import type { KubernetesClient } from '../../../lib/clients/kubernetes/client.ts';
import type { V1Pod } from '../../../lib/clients/kubernetes/facade.ts';
import { kubernetesEksView } from '../../../lib/cluster-view/kubernetes-eks.ts';
import { kubernetesDrainer } from '../../../lib/node-provisioners/kubernetes-drainer.ts';
import { workloadPolicy } from '../../core/builders.ts';
import { TARGET_JOB } from '../../loop/actuate/world.ts';
import { until } from '../../support/until.ts';
import type { KubernetesFixture } from '../../simulator/cluster-server/kubernetes-conformance.ts';
import { actuating } from '../support/actuating.ts';

export type OutageFixture = KubernetesFixture & {
  /** The API server is gone, at once, and older versions of all objects with it; the newest and the nodes stay. */
  kill(): Promise<void>;
  /** It serves the same state at the same address again. */
  restart(): Promise<void>;
};

/** Controllers that have lost their API server again and again within two minutes ask anew after 30 s, and as much again by jitter; the rest is for a busy machine. */
const CONTROLLERS_MS_MAX = 240_000;

/** The virtual minute for which an action is refused in vain: so many attempts. */
const ATTEMPTS = 30;

/** Registers the suite. Needs an API server that nobody else uses, and 3 GPUs. */
export function outageSuite(server: string, create: () => Promise<OutageFixture>): void {
  describe(`an outage of the API server: ${server}`, () => {
    let fixture: OutageFixture;
    let kubernetes: KubernetesClient;
    const pods = async (): Promise<readonly V1Pod[]> => {
      const selected = { namespace: fixture.namespace, labelSelector: 'app=engine' };
      return (await kubernetes.call('list', (call) => kubernetes.core.listNamespacedPod(selected, call))).items;
    };
    const serving = (replicas: number): Promise<unknown> =>
      until(`${replicas} pods serve`, async () => {
        const all = await pods();
        return all.length === replicas && all.every((pod) => pod.status?.phase === 'Running');
      });
    /** A connection of before may be the first that is tried: that is one more transient error, and no more. */
    const comeBack = async (): Promise<void> => {
      await fixture.restart();
      await until('an answer', () =>
        pods().catch((error: unknown) => {
          if (error instanceof TransientError) return undefined;
          throw error;
        }),
      );
    };
    const observe = async () => {
      const policy = workloadPolicy({ target: { namespace: fixture.namespace, name: 'engine' } }, 'llama');
      const view = kubernetesEksView({ kubernetes, clock: systemClock });
      return (await view.observe({ workloads: [policy], nodeGroups: [] })).targets['llama'];
    };

    beforeAll(async () => {
      fixture = await create();
      kubernetes = fixture.client();
      await fixture.createDeployment('engine', 2);
      await serving(2);
    });
    afterAll(() => fixture.close());

    test('nothing is taken for empty or gone while it is away, and the same client goes on afterwards', async () => {
      const { target, ref } = actuating({ kubernetes, namespace: fixture.namespace });
      const drainer = kubernetesDrainer(kubernetes, { clock: systemClock });
      expect(await observe()).toMatchObject({ kind: 'observed', replicas: 2, ready: 2 });
      const before = await target.read(ref);
      const nodeName = (await pods())[0]?.spec?.nodeName ?? '';
      await fixture.kill();
      await expect(target.read(ref)).rejects.toBeInstanceOf(TransientError);
      await expect(target.scale(ref, { replicas: 3, expected: before, planSeq: 1 })).rejects.toBeInstanceOf(
        TransientError,
      );
      await expect(drainer.drainStep(nodeName)).rejects.toBeInstanceOf(TransientError);
      await expect(observe()).rejects.toBeInstanceOf(TransientError);
      await comeBack();
      expect(await target.read(ref)).toMatchObject({ replicas: 2, uid: before.uid });
      expect(await observe()).toMatchObject({ kind: 'observed', replicas: 2, ready: 2 });
    });

    test('an action waits through a minute of it and is done when the server is back, by the newest plan', async () => {
      const { plan, work, world } = actuating({ kubernetes, namespace: fixture.namespace });
      await plan({ replicas: 3 });
      await fixture.kill();
      const startMs = world.clock.nowMs();
      const errors = await work(TARGET_JOB, { steps: ATTEMPTS });
      expect(world.clock.nowMs() - startMs).toBeGreaterThanOrEqual(60_000);
      expect(errors.length).toBeGreaterThan(1);
      for (const error of errors) expect(error).toMatch(/expected an answer/);
      await comeBack();
      await plan({ replicas: 3 });
      await work(TARGET_JOB);
      expect(await world.record('target/llama')).toMatchObject({ outcome: 'applied' });
      await serving(3);
    });

    test('a list that was read half before it has expired: the rest is an error, never the end of the list', async () => {
      const page = (next: object) => {
        const asked = { namespace: fixture.namespace, limit: 1, ...next };
        return kubernetes.call('list', (call) => kubernetes.core.listNamespacedPod(asked, call));
      };
      const { _continue: rest } = (await page({})).metadata ?? {};
      if (rest === undefined || rest === '') throw new Error('the list has one page');
      const { plan, work } = actuating({ kubernetes, namespace: fixture.namespace });
      await plan({ replicas: 2 });
      await work(TARGET_JOB);
      await serving(2);
      await fixture.kill();
      await comeBack();
      const late = page({ _continue: rest });
      await expect(late).rejects.toBeInstanceOf(TransientError);
      await expect(late).rejects.toThrow(/expected a list that has not expired, current value is HTTP 410/);
      await plan({ replicas: 3 });
      await work(TARGET_JOB);
      await serving(3);
    });

    test('who watched before it gets 410 afterwards, because the server has forgotten; from a new list it goes on', async () => {
      const { namespace } = fixture;
      const path = `/api/v1/namespaces/${namespace}/pods`;
      const list = () => kubernetes.call('list', (call) => kubernetes.core.listNamespacedPod({ namespace }, call));
      const { metadata: old } = await list();
      const { plan, work } = actuating({ kubernetes, namespace });
      await plan({ replicas: 2 });
      await work(TARGET_JOB);
      await serving(2);
      await fixture.kill();
      await comeBack();
      const refused = await watchToEnd(fixture, { path, resourceVersion: old?.resourceVersion });
      expect(refused).toEqual([
        { type: 'ERROR', object: expect.objectContaining({ kind: 'Status', code: 410, reason: 'Expired' }) },
      ]);
      const { metadata: fresh } = await list();
      const seen: string[] = [];
      const from = { resourceVersion: fresh?.resourceVersion };
      let watch = await watchFrom(fixture, { path, from, seen });
      await plan({ replicas: 3 });
      await work(TARGET_JOB);
      const cameBack = async (): Promise<boolean> => {
        // A server that has just started may end a watch again; from the same version nothing is missed.
        if (watch.isOver()) watch = await watchFrom(fixture, { path, from, seen });
        return seen.includes('ADDED');
      };
      await until('an event', cameBack, { deadlineMs: CONTROLLERS_MS_MAX });
      watch.abort();
      await serving(3);
    });
  });
}

/** A watch whose events go to `seen` by their kind. */
async function watchFrom(
  fixture: OutageFixture,
  {
    path,
    from,
    seen,
  }: {
    readonly path: string;
    readonly from: { readonly resourceVersion: string | undefined };
    readonly seen: string[];
  },
): Promise<{ readonly isOver: () => boolean; readonly abort: () => void }> {
  let isOver = false;
  const onEvent = (type: string): void => void seen.push(type);
  const watch = await new Watch(fixture.kubeConfig).watch(path, from, onEvent, () => {
    isOver = true;
  });
  return { isOver: () => isOver, abort: () => watch.abort() };
}

type WatchEvent = { readonly type: string; readonly object: Record<string, unknown> };

async function watchToEnd(
  fixture: OutageFixture,
  of: { readonly path: string; readonly resourceVersion: string | undefined },
): Promise<WatchEvent[]> {
  const seen: WatchEvent[] = [];
  let isOver = false;
  await new Watch(fixture.kubeConfig).watch(
    of.path,
    { resourceVersion: of.resourceVersion },
    (type: string, object: Record<string, unknown>) => void seen.push({ type, object }),
    () => {
      isOver = true;
    },
  );
  await until('the end of the watch', async () => isOver);
  return seen;
}
