import { afterEach, describe, expect, test } from '@jest/globals';
import { ConfigError, TransientError } from '../../lib/base/errors.ts';
import { silentLogger } from '../../lib/base/log.ts';
import type { V1Pod } from '../../lib/clients/kubernetes/facade.ts';
import {
  endpointOf,
  kubernetesPods,
  REFRESH_MS,
  selectorText,
  STALE_MS_MAX,
  TERMINATING_MS_MAX,
} from '../../lib/load-sources/kubernetes-pods.ts';
import { watchedPods } from '../../lib/load-sources/watched-pods.ts';
import { startCluster } from '../clients/kubernetes/server.ts';
import type { Cluster } from '../clients/kubernetes/server.ts';
import { workloadPolicy } from '../core/builders.ts';

const policy = workloadPolicy({ bridge: { preset: 'vllm', port: 8_000, path: '/metrics' } }, 'llama');
const llama = { namespace: 'default', name: 'llama' };

describe('kubernetesPods on a simulated cluster', () => {
  let cluster: Cluster;
  afterEach(() => cluster.close());

  const start = async (of = policy) => {
    cluster = await startCluster({
      deployments: [
        { name: 'llama', replicas: 2 },
        { name: 'other', replicas: 1 },
        { name: 'canary', replicas: 1, servedAs: 'rollouts' },
      ],
      nodeGroups: [{ name: 'g5', desiredSize: 5 }],
    });
    return kubernetesPods({ client: cluster.kubernetes, policy: of, clock: cluster.clock });
  };

  test("finds the pods of the target by its own selector, nobody else's", async () => {
    const pods = await start();
    const expected = cluster.world.readyPods(llama).map(({ name, ip }) => ({
      source: `pod/${name}`,
      url: `http://${ip}:8000/metrics`,
      ready: true,
    }));
    expect(expected).toHaveLength(2);
    expect(await pods.list()).toEqual(expect.arrayContaining(expected));
    expect(await pods.list()).toHaveLength(2);
  });

  test("the policy's own selector wins", async () => {
    const pods = await start(
      workloadPolicy(
        { target: { kind: 'Deployment', namespace: 'default', name: 'llama', podSelector: 'app=other' } },
        'llama',
      ),
    );
    expect((await pods.list()).map(({ source }) => source)).toEqual([expect.stringMatching(/^pod\/other-/)]);
  });

  test('a pod that loads its model is listed as not ready, and as ready when it serves', async () => {
    const pods = await start();
    await pods.list();
    cluster.world.scale(llama, 3);
    await cluster.pass(20);
    await pods.list();
    await until(async () => (await pods.list()).length === 3);
    expect((await pods.list()).filter(({ ready }) => ready === false)).toHaveLength(1);
    await cluster.pass(120);
    await pods.list();
    await until(async () => (await pods.list()).every(({ ready }) => ready === true));
    expect(await pods.list()).toHaveLength(3);
  });

  test('the last list is kept for a minute while the API is away, and not longer', async () => {
    const pods = await start();
    const before = await pods.list();
    cluster.server.faults.add({ kind: 'drop' });
    await cluster.clock.advance(STALE_MS_MAX);
    expect(await pods.list()).toEqual(before);
    await cluster.clock.advance(1);
    await expect(pods.list()).rejects.toThrow(TransientError);
  });

  test('one watch serves all workloads of a namespace, and finds what lists find', async () => {
    const listed = await start();
    const { kubernetes: client, clock } = cluster;
    const watched = watchedPods({ client, clock, log: silentLogger, random: () => 0.5 });
    const mine = kubernetesPods({ client, policy, clock, watched });
    const others = kubernetesPods({
      client,
      policy: workloadPolicy({ target: { name: 'other' } }, 'other'),
      clock,
      watched,
    });
    try {
      expect(await mine.list()).toEqual(await listed.list());
      expect((await others.list()).map(({ source }) => source)).toEqual([expect.stringMatching(/^pod\/other-/)]);
      await until(async () => cluster.server.requests.of('watch pods').length === 1);
      cluster.server.requests.clear();
      cluster.world.scale(llama, 3);
      await cluster.pass(20);
      await until(async () => (await mine.list()).length === 3);
      await cluster.pass(4);
      await others.list();
      expect(cluster.server.requests.of('list pods')).toEqual([]);
    } finally {
      await watched.close();
    }
  });

  test('without permission to watch, one list every 3 s serves all workloads of a namespace', async () => {
    const rules = [{ apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list'] }];
    cluster = await startCluster(
      { deployments: [{ name: 'llama', replicas: 2 }], nodeGroups: [{ name: 'g5', desiredSize: 2 }] },
      { tokens: { least: { user: 'penstock', rules } } },
    );
    const { kubernetes: client, clock } = cluster;
    const watched = watchedPods({ client, clock, log: silentLogger, random: () => 0.5 });
    try {
      await until(async () => {
        await watched.of('default');
        return cluster.server.requests.of('watch pods').length === 1;
      });
      const workloads = Array.from({ length: 10 }, () => kubernetesPods({ client, policy, clock, watched }));
      cluster.server.requests.clear();
      for (let at = 0; at < 15; at++) {
        await clock.advance(1_000);
        for (const one of workloads) expect(await one.list()).toHaveLength(2);
      }
      expect(cluster.server.requests.of('list pods').length).toBeLessThanOrEqual(6);
      cluster.world.scale(llama, 1);
      await cluster.pass(20);
      for (const one of workloads) await until(async () => (await one.list()).length === 1);
    } finally {
      await watched.close();
    }
  });

  test('the list is not fetched more often than every few seconds', async () => {
    const pods = await start();
    await pods.list();
    const requests = () => cluster.server.requests.all().filter(({ path }) => path.includes('/pods')).length;
    const before = requests();
    for (let at = 0; at < 5; at++) await pods.list();
    expect(requests()).toBe(before);
    await cluster.clock.advance(REFRESH_MS);
    await pods.list();
    await until(async () => requests() === before + 1);
  });

  test('a target that does not exist is an error', async () => {
    const pods = await start(workloadPolicy({}, 'nothing'));
    await expect(pods.list()).rejects.toThrow(/nothing/);
  });

  test('the pods of another kind are those its Scale selects', async () => {
    const target = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', namespace: 'default', name: 'canary' };
    const pods = await start(workloadPolicy({ target }, 'canary'));
    expect((await pods.list()).map(({ source }) => source)).toEqual([expect.stringMatching(/^pod\/canary-/)]);
  });
});

const NOW_MS = 1_763_920_800_000;
const pod = (over: { metadata?: object; status?: object } = {}): V1Pod => ({
  metadata: { name: 'llama-1', ...over.metadata },
  status: { phase: 'Running', podIP: '10.0.0.7', conditions: [{ type: 'Ready', status: 'True' }], ...over.status },
});
const endpoint = (over: Parameters<typeof pod>[0], of = policy) => endpointOf(pod(over), { policy: of, nowMs: NOW_MS });

const annotated = (annotations: Record<string, string>) => endpoint({ metadata: { annotations } })?.url;
const deletedFor = (ms: number) =>
  endpoint({ metadata: { deletionTimestamp: new Date(NOW_MS - ms + 300_000), deletionGracePeriodSeconds: 300 } });

describe('endpointOf a pod', () => {
  test('annotations win over the policy, ones that make no sense do not', () => {
    expect(annotated({ 'prometheus.io/port': '9000', 'prometheus.io/path': '/m' })).toBe('http://10.0.0.7:9000/m');
    expect(annotated({ 'prometheus.io/port': 'http', 'prometheus.io/path': 'm' })).toBe('http://10.0.0.7:8000/metrics');
    expect(annotated({ 'prometheus.io/port': '70000' })).toBe('http://10.0.0.7:8000/metrics');
  });

  test('port and path are those of the policy, IPv6 addresses in brackets', () => {
    const own = workloadPolicy({ bridge: { preset: 'vllm', port: 30_000, path: '/stats' } }, 'llama');
    expect(endpoint({ status: { podIP: 'fd00::7' } }, own)?.url).toBe('http://[fd00::7]:30000/stats');
  });

  test.each([
    ['has no address yet', { status: { podIP: '' } }],
    ['is pending', { status: { phase: 'Pending' } }],
    ['has ended', { status: { phase: 'Succeeded' } }],
  ])('a pod that %s is not scraped', (_what, over) => {
    expect(endpoint(over)).toBeUndefined();
  });

  test('a pod being deleted is scraped for a while as not ready', () => {
    expect(deletedFor(0)).toMatchObject({ ready: false });
    expect(deletedFor(TERMINATING_MS_MAX)).toMatchObject({ ready: false });
    expect(deletedFor(TERMINATING_MS_MAX + 1)).toBeUndefined();
  });
});

test('selectorText says every kind of requirement, and refuses to match everything', () => {
  const matchExpressions = [
    { key: 'tier', operator: 'In', values: ['a', 'b'] },
    { key: 'canary', operator: 'NotIn', values: ['yes'] },
    { key: 'model', operator: 'Exists' },
    { key: 'old', operator: 'DoesNotExist' },
  ];
  expect(selectorText({ matchLabels: { app: 'x' }, matchExpressions }, 'read it')).toBe(
    'app=x,tier in (a,b),canary notin (yes),model,!old',
  );
  expect(() => selectorText({}, 'read it')).toThrow(ConfigError);
});

/** Polls; the deadline is only for a condition that never comes. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 30_000;
  while (!(await condition())) {
    if (performance.now() > endMs)
      throw new Error('Cannot wait any longer: expected the condition to hold, it does not');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
