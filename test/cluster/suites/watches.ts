/** The view that is kept by watches, and what may happen to them: the same on the simulator and on a real control plane. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../../lib/base/clock.ts';
import { ConflictError, TransientError, messageOf } from '../../../lib/base/errors.ts';
import { silentLogger } from '../../../lib/base/log.ts';
import { mergePatch } from '../../../lib/clients/kubernetes/client.ts';
import type { KubernetesClient } from '../../../lib/clients/kubernetes/client.ts';
import { PACE, UNPROVEN_MS } from '../../../lib/clients/kubernetes/pace.ts';
import type { Pace } from '../../../lib/clients/kubernetes/pace.ts';
import type { ClusterView } from '../../../lib/cluster-view/contract.ts';
import { kubernetesWatchedView } from '../../../lib/cluster-view/kubernetes-watched.ts';
import { kubernetesScale } from '../../../lib/targets/kubernetes-scale.ts';
import { workloadPolicy } from '../../core/builders.ts';
import { until } from '../../support/until.ts';
import { startProxy } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import type { OutageFixture } from './outage.ts';

/** A third of the time that the process host gives a watch, so that a test takes seconds. */
const QUICK: Pace = { watchSec: 6, quickSec: 4, ageMsMax: 15_000 };
/** Where nothing is to be missing: what a busy machine shows late is shown all the same. */
const PATIENT: Pace = { ...QUICK, ageMsMax: 60_000 };
/** How late answers come in the test of a slow server [ms]. */
const LATE_MS = 1_500;
/** Looks while nothing happens, a quarter of a second apart. */
const QUIET_LOOKS = 150;

/** `checks`: lists of one object, which tell how far the store is. */
type Counted = { lists: number; checks: number; watches: number };

/** Registers the suite. Needs an API server that nobody else uses, and 4 GPUs. */
export function watchSuite(server: string, create: () => Promise<OutageFixture>): void {
  describe(`kubernetesWatched through thick and thin: ${server}`, () => {
    let fixture: OutageFixture;
    let proxy: Proxy;
    let view: ClusterView;
    let counted: Counted;
    const policy = () => workloadPolicy({ target: { namespace: fixture.namespace, name: 'engine' } }, 'llama');
    const look = () => view.observe({ workloads: [policy()], nodeGroups: [] });
    const llamaNow = async () => (await look()).targets['llama'];
    const provenAgeMs = async (): Promise<number> => {
      const { atMs, asOfMs = atMs } = await look();
      return atMs - asOfMs;
    };
    /** A quiet kind takes a check and a list more; where answers are late, now and then nothing proves it within the limit, and it says so. */
    const ageMsIfProven = (): Promise<number | undefined> =>
      provenAgeMs().catch((error: unknown) => {
        expect(messageOf(error)).toContain('expected proof within 15 s');
        return undefined;
      });
    const sees = (replicas: number): Promise<unknown> =>
      until(`${replicas} replicas, all ready`, async () => {
        const target = await llamaNow().catch(() => undefined);
        return target?.kind === 'observed' && target.replicas === replicas && target.ready === replicas;
      });
    /** By somebody else, past the proxy. */
    const scale = async (replicas: number): Promise<void> => {
      const target = kubernetesScale(fixture.client());
      const ref = { kind: 'Deployment', namespace: fixture.namespace, name: 'engine' };
      await until('a patch that nobody came between', async () => {
        try {
          return await target.scale(ref, { replicas, expected: await target.read(ref), planSeq: 1 });
        } catch (error) {
          if (error instanceof ConflictError || error instanceof TransientError) return undefined;
          throw error;
        }
      });
    };
    const open = async (pace: Pace = QUICK): Promise<void> => {
      proxy = await startProxy(fixture.kubeConfig.getCurrentCluster()?.server ?? '');
      counted = { lists: 0, checks: 0, watches: 0 };
      // With its own deadlines: what the proxy swallowed is given up as in life.
      const client = fixture.client({ server: proxy.url, deadlineOf: (ms) => AbortSignal.timeout(ms) });
      const kubernetes = counting(client, counted);
      view = kubernetesWatchedView({ kubernetes, clock: systemClock, log: silentLogger, random: Math.random, pace });
      await sees(2);
    };

    beforeAll(async () => {
      fixture = await create();
      await fixture.createDeployment('engine', 2);
    });
    afterEach(async () => {
      await view.close();
      await proxy.cut();
      await scale(2);
    });
    afterAll(() => fixture.close());

    test('changes are seen as they happen; with nothing to do only watches are asked for, and each bookmark is a proof', async () => {
      await open(PATIENT);
      await scale(3);
      await sees(3);
      await until('the first proofs', async () => (await provenAgeMs()) < QUICK.watchSec * 1000);
      const before = { ...counted };
      let oldestMs = 0;
      let looks = 0;
      await until('a quiet time', async () => {
        // As in every cluster something else is written meanwhile: here a node that no policy is about.
        if (looks % 10 === 0) await touchNode(fixture.client(), String(looks));
        oldestMs = Math.max(oldestMs, await provenAgeMs());
        return ++looks === QUIET_LOOKS;
      });
      expect(counted.lists - before.lists).toBe(0);
      // These watches end sooner than a server hears from its store that nothing has changed (5 s).
      expect(counted.checks - before.checks).toBeLessThanOrEqual(counted.watches - before.watches);
      // 11 s on a quiet machine; after 30 s without a proof it would have been listed.
      expect(oldestMs).toBeLessThan(UNPROVEN_MS);
    });

    test('a watch through which nothing comes any more ages, is replaced, and nothing is missed', async () => {
      await open(PATIENT);
      proxy.isSilent = true;
      await scale(4);
      await until('an old proof', async () => (await provenAgeMs()) > 5_000);
      expect(await llamaNow()).toMatchObject({ kind: 'observed', replicas: 2 });
      proxy.isSilent = false;
      await sees(4);
    });

    test('what stays silent is missing in the end, with the reason, and not as it was', async () => {
      await open();
      proxy.isSilent = true;
      const reason = await until('it is missing', async () => look().then(() => undefined, messageOf));
      expect(reason).toMatch(/expected proof within 15 s that no change was missed, current value is \d+ s without/);
    });

    test('answers that come late prove what was when they were sent, and not when they came', async () => {
      await open();
      proxy.delayMs.answer = LATE_MS;
      await until('an old proof', async () => ((await ageMsIfProven()) ?? 0) > QUICK.watchSec * 1000);
      let looks = 0;
      await until('a while', async () => {
        const provenMs = await ageMsIfProven();
        if (provenMs === undefined) return false;
        expect(provenMs).toBeGreaterThanOrEqual(LATE_MS - 100);
        return ++looks === QUIET_LOOKS;
      });
    });

    test('an API server that is killed and has forgotten everything is listed anew when it is back', async () => {
      await open(PACE);
      await scale(3);
      await sees(3);
      await fixture.kill();
      const lists = counted.lists;
      expect(await llamaNow()).toMatchObject({ kind: 'observed', replicas: 3 });
      await fixture.restart();
      await scale(4);
      await sees(4);
      expect(counted.lists).toBeGreaterThan(lists);
    });

    test('a token that has run out is told as such', async () => {
      await open();
      const kubernetes = fixture.client({ token: fixture.expiredToken });
      const late = kubernetesWatchedView({ kubernetes, clock: systemClock, log: silentLogger, random: Math.random });
      const blind = late.observe({ workloads: [policy()], nodeGroups: [] });
      await expect(blind).rejects.toThrow(/expected credentials that the cluster accepts/);
      await late.close();
    });
  });
}

async function touchNode(kubernetes: KubernetesClient, value: string): Promise<void> {
  const { items } = await kubernetes.call('list', (call) => kubernetes.core.listNode({ limit: 1 }, call));
  const name = items[0]?.metadata?.name ?? '';
  const body = { metadata: { annotations: { touched: value } } };
  await kubernetes.call('touch', (call) => kubernetes.core.patchNode({ name, body }, mergePatch(call)));
}

/** Every request for JSON is a list of some length, every one for lines a watch. */
function counting(client: KubernetesClient, counted: Counted): KubernetesClient {
  return {
    ...client,
    getJson: (what, request, limits) => {
      counted[request.query['limit'] === 1 ? 'checks' : 'lists'] += 1;
      return client.getJson(what, request, limits);
    },
    lines: (...asked) => {
      counted.watches += 1;
      return client.lines(...asked);
    },
  };
}
