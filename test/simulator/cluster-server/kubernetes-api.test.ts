import { afterEach, describe, expect, test } from '@jest/globals';
import {
  AppsV1Api,
  AutoscalingV2Api,
  CoreV1Api,
  KubeConfig,
  PatchStrategy,
  Watch,
  setHeaderOptions,
} from '@kubernetes/client-node';
import { VirtualClock } from '../../../lib/base/clock.ts';
import { startClusterServer } from '../../../lib/simulator/cluster-server/server.ts';
import type { ClusterServer, ClusterServerOptions } from '../../../lib/simulator/cluster-server/server.ts';
import { createWorld } from '../../../lib/simulator/world/world.ts';
import type { World } from '../../../lib/simulator/world/world.ts';
import type { WorldSettings } from '../../../lib/simulator/world/settings.ts';
import { deployment, group } from '../world/builders.ts';
import { until } from '../../support/until.ts';
import { kubernetesConformance, refusalOf } from './kubernetes-conformance.ts';
import { simulatorFixture } from './simulator-fixture.ts';

function eksToken(url: string): string {
  return `Bearer k8s-aws-v1.${Buffer.from(url).toString('base64url')}`;
}

function kubeConfigOf(server: ClusterServer, token: string | undefined = server.token): KubeConfig {
  const kubeConfig = new KubeConfig();
  const [user] = server.kubeconfig.users;
  kubeConfig.loadFromOptions({ ...server.kubeconfig, users: [{ ...user, token }] });
  return kubeConfig;
}

kubernetesConformance('simulator', () => simulatorFixture());

describe('simulator server', () => {
  const open: ClusterServer[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((server) => server.close()));
  });

  type Running = { world: World; clock: VirtualClock; server: ClusterServer; apps: AppsV1Api; core: CoreV1Api };

  async function start(settings: WorldSettings = {}, options: Partial<ClusterServerOptions> = {}): Promise<Running> {
    const clock = new VirtualClock();
    const world = createWorld({ nodeGroups: [group()], deployments: [deployment()], ...settings }, clock.nowMs());
    const server = await startClusterServer({ world, clock, tickMs: 1000, ...options });
    open.push(server);
    const kubeConfig = kubeConfigOf(server);
    return {
      world,
      clock,
      server,
      apps: kubeConfig.makeApiClient(AppsV1Api),
      core: kubeConfig.makeApiClient(CoreV1Api),
    };
  }

  const chat = { namespace: 'default', name: 'chat' };
  const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

  type WatchParameters = Record<string, string | number | boolean | undefined>;

  async function watchPods(server: ClusterServer, parameters: WatchParameters) {
    const events: { type: string; object: Record<string, unknown> }[] = [];
    let ended = false;
    const controller = await new Watch(kubeConfigOf(server)).watch(
      '/api/v1/pods',
      parameters,
      (type: string, object: Record<string, unknown>) => void events.push({ type, object }),
      () => {
        ended = true;
      },
    );
    return { events, hasEnded: () => ended, abort: () => controller.abort() };
  }

  test('L17 the world follows the clock: a request sees what is due by now', async () => {
    const { apps, clock, core } = await start();
    await apps.patchNamespacedDeploymentScale({ ...chat, body: { spec: { replicas: 1 } } }, merge);
    expect((await core.listNamespacedPod({ namespace: 'default' })).items).toHaveLength(2);
    await clock.advance(500);
    expect((await core.listNamespacedPod({ namespace: 'default' })).items).toHaveLength(1);
  });

  test('L18 a watch from a forgotten version gets 410 as an ERROR event and ends', async () => {
    const { server, world, core } = await start({}, { watchHistory: 5 });
    const { metadata } = await core.listNamespacedPod({ namespace: 'default' });
    for (let replicas = 3; replicas < 23; replicas++) world.scale('chat', replicas);
    const watch = await watchPods(server, { resourceVersion: metadata?.resourceVersion });
    await until('the end', async () => watch.hasEnded());
    expect(watch.events).toHaveLength(1);
    expect(watch.events[0]).toMatchObject({
      type: 'ERROR',
      object: {
        kind: 'Status',
        code: 410,
        reason: 'Expired',
        message: expect.stringMatching(/^too old resource version/),
      },
    });
  });

  test('bookmarks come only when asked for, with the newest version', async () => {
    const { server, clock, world } = await start();
    const asking = await watchPods(server, { resourceVersion: world.state.version, allowWatchBookmarks: true });
    const silent = await watchPods(server, { resourceVersion: world.state.version });
    await clock.advance(61_000);
    await until('a bookmark', async () => asking.events.length === 1);
    expect(asking.events[0]).toMatchObject({
      type: 'BOOKMARK',
      object: { kind: 'Pod', metadata: { resourceVersion: String(world.state.version) } },
    });
    expect(silent.events).toHaveLength(0);
    asking.abort();
    silent.abort();
  });

  test('timeoutSeconds ends a watch, dropWatches cuts it, muteWatch leaves it open and silent', async () => {
    const { server, clock, world } = await start();
    const timed = await watchPods(server, { resourceVersion: world.state.version, timeoutSeconds: 5 });
    const muted = await watchPods(server, { resourceVersion: world.state.version });
    server.faults.add({ kind: 'muteWatch' });
    world.scale('chat', 1);
    await clock.advance(6_000);
    await until('the end', async () => timed.hasEnded());
    expect(muted.events).toHaveLength(0);
    expect(muted.hasEnded()).toBe(false);
    server.dropWatches();
    await until('the cut', async () => muted.hasEnded());
  });

  test('sendInitialEvents ends the present state with a marked bookmark', async () => {
    const { server } = await start();
    const watch = await watchPods(server, { sendInitialEvents: true, allowWatchBookmarks: true });
    await until('the bookmark', async () => watch.events.length === 3);
    watch.abort();
    expect(watch.events.map((event) => event.type)).toEqual(['ADDED', 'ADDED', 'BOOKMARK']);
    expect(watch.events[2]?.object).toMatchObject({
      metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } },
    });
  });

  test('faults: 429 with Retry-After, 500, 403, and only as often as asked', async () => {
    const { server, apps } = await start();
    const read = (): Promise<unknown> => apps.readNamespacedDeployment(chat);
    server.faults.add({ kind: 'throttle', count: 1, retryAfterSec: 7, operation: 'get deployments' });
    const throttled = await refusalOf(read);
    expect(throttled).toMatchObject({ code: 429, headers: { 'retry-after': '7' } });
    await read();
    server.faults.add({ kind: 'error', count: 1 });
    expect(await refusalOf(read)).toMatchObject({ code: 500, body: { reason: 'InternalError' } });
    server.faults.add({ kind: 'forbid', count: 1 });
    expect(await refusalOf(read)).toMatchObject({ code: 403, body: { reason: 'Forbidden' } });
    server.faults.add({ kind: 'unauthenticated', count: 1 });
    expect(await refusalOf(read)).toMatchObject({ code: 401 });
    await read();
  });

  test('faults: a lost answer has done its work, a cut connection has not, a hung one never answers', async () => {
    const { server, apps, world } = await start();
    const scaleTo = (replicas: number): Promise<unknown> =>
      apps.patchNamespacedDeploymentScale({ ...chat, body: { spec: { replicas } } }, merge);
    server.faults.add({ kind: 'loseAnswer', count: 1 });
    await expect(scaleTo(1)).rejects.toThrow();
    expect(world.deployment('chat').replicas).toBe(1);
    server.faults.add({ kind: 'drop', count: 1 });
    await expect(scaleTo(5)).rejects.toThrow();
    expect(world.deployment('chat').replicas).toBe(1);
    const removeFault = server.faults.add({ kind: 'hang', operation: 'patch deployments/scale' });
    const hung = scaleTo(4).then(
      () => 'answered',
      () => 'cut',
    );
    await until('its arrival', async () => server.requests.of('patch deployments/scale').length === 3);
    removeFault();
    await server.close();
    expect(await hung).toBe('cut');
    expect(world.deployment('chat').replicas).toBe(1);
  });

  test('a slow answer takes the clock’s time', async () => {
    const { server, apps, clock } = await start();
    server.faults.add({ kind: 'slow', count: 1, delayMs: 5000 });
    let answered = false;
    const reading = apps.readNamespacedDeployment(chat).then(() => {
      answered = true;
    });
    await until('its arrival', async () => server.requests.of('get deployments').length === 1);
    expect(answered).toBe(false);
    await clock.advance(5000);
    await reading;
  });

  test('the requests log says when a scaling patch arrived', async () => {
    const { server, apps, clock } = await start();
    await clock.advance(1234);
    await apps.patchNamespacedDeploymentScale({ ...chat, body: { spec: { replicas: 1 } } }, merge);
    expect(server.requests.of('patch deployments/scale')).toEqual([
      expect.objectContaining({
        service: 'kubernetes',
        path: '/apis/apps/v1/namespaces/default/deployments/chat/scale',
        status: 200,
        atMs: clock.nowMs(),
        body: '{"spec":{"replicas":1}}',
      }),
    ]);
  });

  test('an anonymous request is refused except for health and version', async () => {
    const { server } = await start();
    expect((await fetch(`${server.kubernetesUrl}/readyz`)).status).toBe(200);
    expect((await fetch(`${server.kubernetesUrl}/api/v1/nodes`)).status).toBe(403);
    expect((await fetch(`${server.kubernetesUrl}/apis`)).status).toBe(403);
    const headers = { authorization: `Bearer ${server.token}` };
    const groups = (await (await fetch(`${server.kubernetesUrl}/apis`, { headers })).json()) as { groups: object[] };
    expect(groups.groups).toContainEqual(expect.objectContaining({ name: 'apps' }));
    const served = (await (await fetch(`${server.kubernetesUrl}/apis/apps/v1`, { headers })).json()) as object;
    expect(served).toMatchObject({ kind: 'APIResourceList', groupVersion: 'apps/v1' });
  });

  test('a well-formed EKS token is accepted where the table allows it', async () => {
    const tokens = { 'k8s-aws-v1.*': { user: 'arn:aws:sts::123456789012:assumed-role/x', rules: 'admin' as const } };
    const { server } = await start({}, { tokens });
    const url =
      'https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Signature=00';
    const read = (authorization: string): Promise<Response> =>
      fetch(`${server.kubernetesUrl}/api/v1/nodes`, { headers: { authorization } });
    expect((await read(eksToken(url))).status).toBe(200);
    expect((await read(eksToken('https://sts.amazonaws.com/?Action=Other'))).status).toBe(401);
  });

  test('HorizontalPodAutoscalers of the settings are listed', async () => {
    const { server } = await start({ podAutoscalers: [{ name: 'hpa', deployment: 'chat', maxReplicas: 9 }] });
    const { items } = await kubeConfigOf(server)
      .makeApiClient(AutoscalingV2Api)
      .listNamespacedHorizontalPodAutoscaler({ namespace: 'default' });
    expect(items[0]?.spec).toMatchObject({ maxReplicas: 9, scaleTargetRef: { kind: 'Deployment', name: 'chat' } });
  });

  test('a change of the pod template is refused, not ignored', async () => {
    const { apps } = await start();
    const body = { spec: { template: { metadata: { labels: { version: '2' } } } } };
    const refused = await refusalOf(() => apps.patchNamespacedDeployment({ ...chat, body }, merge));
    expect(refused).toMatchObject({ code: 422, body: { reason: 'Invalid' } });
  });

  test('a body over 3 MiB is refused', async () => {
    const { server } = await start();
    const answer = await fetch(`${server.kubernetesUrl}/apis/apps/v1/namespaces/default/deployments/chat`, {
      method: 'PATCH',
      body: 'x'.repeat(4 * 1024 * 1024),
    }).then(
      ({ status }) => status,
      () => 413,
    );
    expect(answer).toBe(413);
  });

  test('200 pods, 50 nodes and 1,000 Deployments are listed in a few milliseconds of work', async () => {
    const deployments = Array.from({ length: 1000 }, (_, index) =>
      deployment({ name: `d${index}`, replicas: index < 100 ? 2 : 0 }),
    );
    const { server } = await start({
      deployments,
      nodeGroups: [group({ desiredSize: 50, maxSize: 50, gpusPerNode: 8 })],
    });
    const headers = { authorization: `Bearer ${server.token}` };
    /** Of the processor, so that what else the machine does is not counted; client and server are in this process. */
    const medianMs = async (path: string, count: number): Promise<number> => {
      const times: number[] = [];
      for (let run = 0; run < 15; run++) {
        const before = process.cpuUsage();
        const text = await (await fetch(`${server.kubernetesUrl}${path}`, { headers })).text();
        const { user, system } = process.cpuUsage(before);
        times.push((user + system) / 1_000);
        if (run === 0) expect((JSON.parse(text) as { items: unknown[] }).items).toHaveLength(count);
      }
      return times.toSorted((a, b) => a - b)[7] ?? Infinity;
    };
    // Several times what it needs, so that a slow processor passes and a quadratic list does not.
    expect(await medianMs('/api/v1/pods', 200)).toBeLessThan(40);
    expect(await medianMs('/api/v1/nodes', 50)).toBeLessThan(40);
    expect(await medianMs('/apis/apps/v1/deployments', 1000)).toBeLessThan(100);
  });
});
