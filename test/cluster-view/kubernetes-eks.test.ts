import { afterEach, describe, expect, test } from '@jest/globals';
import { silentLogger } from '../../lib/base/log.ts';
import { kubernetesEksView } from '../../lib/cluster-view/kubernetes-eks.ts';
import { kubernetesWatchedView } from '../../lib/cluster-view/kubernetes-watched.ts';
import type { NodeGroupObservation, TargetObservation } from '../../lib/core/types.ts';
import type { WorldSettings } from '../../lib/simulator/world/settings.ts';
import { startCluster } from '../clients/kubernetes/server.ts';
import type { Cluster } from '../clients/kubernetes/server.ts';
import { clusterViewConformance } from '../conformance/cluster-view.ts';
import { groupPolicy, workloadPolicy } from '../core/builders.ts';

const settings: WorldSettings = {
  deployments: [{ name: 'llama', replicas: 2 }],
  nodeGroups: [{ name: 'g5', desiredSize: 2 }],
};
const llama = workloadPolicy({}, 'llama');
const g5 = groupPolicy({}, 'g5');

clusterViewConformance('kubernetesEks', async () => {
  const cluster = await startCluster(settings);
  return {
    view: kubernetesEksView(cluster),
    workload: llama,
    group: g5,
    unknownWorkload: workloadPolicy({}, 'nothing'),
    unknownGroup: groupPolicy({}, 'nothing'),
    nowMs: () => cluster.clock.nowMs(),
    pass: (sec) => cluster.pass(sec),
    cut: () => void cluster.server.faults.add({ kind: 'drop' }),
    close: () => cluster.close(),
  };
});

const KEDA = 'autoscaling.keda.sh/paused';
const chat = (annotations: Record<string, string>) => ({
  scaledObjects: [{ name: 'chat', deployment: 'llama', annotations }],
});

const may = (resources: string[], namespaces: string[]) => ({
  apiGroups: ['*'],
  resources,
  verbs: ['get', 'list', 'watch'],
  namespaces,
});

describe('kubernetesEks', () => {
  let cluster: Cluster;
  afterEach(() => cluster.close());

  const start = async (over: WorldSettings = {}) => {
    cluster = await startCluster({ ...settings, ...over });
  };
  const observe = (workloads = [llama], nodeGroups = [g5]) =>
    kubernetesEksView(cluster).observe({ workloads, nodeGroups });
  const llamaNow = async (): Promise<Extract<TargetObservation, { kind: 'observed' }>> => {
    const target = (await observe()).targets['llama'];
    if (target?.kind !== 'observed') throw new Error(`missing: ${target?.reason}`);
    return target;
  };
  const g5Now = async (): Promise<Extract<NodeGroupObservation, { kind: 'observed' }>> => {
    const group = (await observe()).nodeGroups['g5'];
    if (group?.kind !== 'observed') throw new Error(`missing: ${group?.reason}`);
    return group;
  };

  test('tells GPUs of the pod template, unless the policy says so', async () => {
    await start({ deployments: [{ name: 'llama', replicas: 1, gpusPerPod: 1 }] });
    expect((await llamaNow()).gpusPerReplica).toEqual({ 'nvidia.com/gpu': 1 });
    const own = workloadPolicy({ gpusPerReplica: { 'nvidia.com/gpu': 4 } }, 'llama');
    expect((await observe([own])).targets['llama']).toMatchObject({ gpusPerReplica: { 'nvidia.com/gpu': 4 } });
  });

  test('tells instance, zone, GPUs in use and cordons of nodes', async () => {
    await start({ deployments: [{ name: 'llama', replicas: 1 }] });
    const before = await g5Now();
    const busy = before.nodes.find((node) => node.podCount > 0);
    const idle = before.nodes.find((node) => node.podCount === 0);
    expect(busy).toMatchObject({ gpusUsed: { 'nvidia.com/gpu': 1 }, gpusAllocatable: { 'nvidia.com/gpu': 1 } });
    expect(idle?.gpusUsed['nvidia.com/gpu'] ?? 0).toBe(0);
    expect(idle).toMatchObject({ ready: true, schedulable: true, zone: 'eu-west-1a' });
    expect(idle?.instanceId).toBe(cluster.world.node(idle?.name ?? '').instance.id);
    cluster.world.cordon(cluster.world.node(idle?.name ?? ''), true);
    expect((await g5Now()).nodes.find((node) => node.name === idle?.name)?.schedulable).toBe(false);
  });

  test('tells pods that fit nowhere, and pods that are being deleted', async () => {
    await start({ deployments: [{ name: 'llama', replicas: 2, drainSec: 20 }] });
    cluster.world.scale({ namespace: 'default', name: 'llama' }, 3);
    await cluster.pass(1);
    const short = await llamaNow();
    expect(short).toMatchObject({ replicas: 3, ready: 2 });
    expect(short.pods.filter((pod) => pod.unschedulable)).toHaveLength(1);
    cluster.world.scale({ namespace: 'default', name: 'llama' }, 1);
    await cluster.pass(1);
    const leaving = await llamaNow();
    expect(leaving).toMatchObject({ replicas: 1, ready: 1 });
    expect(leaving.pods.filter((pod) => pod.terminating)).toHaveLength(1);
  });

  test('tells an HPA that owns the count', async () => {
    await start({ podAutoscalers: [{ name: 'llama-hpa', deployment: 'llama', maxReplicas: 5 }] });
    expect((await llamaNow()).scaledBy).toBe('HorizontalPodAutoscaler/llama-hpa');
  });

  describe('beside other autoscalers', () => {
    test('a ScaledObject owns the count, and is told once though its HPA does, too', async () => {
      await start(chat({}));
      expect((await llamaNow()).scaledBy).toBe('ScaledObject/chat');
    });

    test('a paused ScaledObject owns nothing; one that holds a count does', async () => {
      await start(chat({ [KEDA]: 'true' }));
      expect((await llamaNow()).scaledBy).toBeNull();
      await cluster.close();
      await start(chat({ [KEDA]: 'true', 'autoscaling.keda.sh/paused-replicas': '3' }));
      expect((await llamaNow()).scaledBy).toBe('ScaledObject/chat');
    });

    test('where ScaledObjects may not be read, the HPA of KEDA tells, and they are not asked for at every look', async () => {
      const verbs = ['get', 'list'];
      const rules = [{ apiGroups: ['', 'apps', 'autoscaling'], resources: ['*'], verbs }];
      cluster = await startCluster({ ...settings, ...chat({}) }, { tokens: { least: { user: 'penstock', rules } } });
      const view = kubernetesEksView(cluster);
      for (let looks = 0; looks < 3; looks++) {
        const { targets } = await view.observe({ workloads: [llama], nodeGroups: [g5] });
        expect(targets['llama']).toMatchObject({ scaledBy: 'ScaledObject/chat' });
      }
      expect(cluster.server.requests.of('list scaledobjects')).toHaveLength(1);
    });

    test.each([
      ['whose bounds hold ours', { min: 2, max: 9 }, null],
      ['that would lower us', { min: 2, max: 11 }, 'HorizontalPodAutoscaler/llama-hpa'],
      ['that would raise us', { min: 1, max: 9 }, 'HorizontalPodAutoscaler/llama-hpa'],
    ])('an HPA with both directions disabled lets go %s', async (_, replicas, expected) => {
      const disabled = { selectPolicy: 'Disabled' };
      const behavior = { scaleUp: disabled, scaleDown: disabled };
      const hpa = { name: 'llama-hpa', deployment: 'llama', minReplicas: 2, maxReplicas: 10, behavior };
      await start({ podAutoscalers: [hpa] });
      expect((await observe([workloadPolicy({ replicas }, 'llama')])).targets['llama']).toMatchObject({
        scaledBy: expected,
      });
    });

    test('an HPA with one direction disabled does not let go', async () => {
      const behavior = { scaleDown: { selectPolicy: 'Disabled' } };
      await start({ podAutoscalers: [{ name: 'llama-hpa', deployment: 'llama', maxReplicas: 50, behavior }] });
      expect((await llamaNow()).scaledBy).toBe('HorizontalPodAutoscaler/llama-hpa');
    });
  });

  test('observes a custom kind by its Scale', async () => {
    const rollout = { kind: 'Rollout', apiVersion: 'argoproj.io/v1alpha1', namespace: 'default', name: 'llama' };
    const policy = workloadPolicy({ target: rollout }, 'llama');
    await start({ deployments: [{ name: 'llama', replicas: 2, servedAs: 'rollouts' }] });
    const now = async () => (await observe([policy])).targets['llama'];
    expect(await now()).toMatchObject({
      replicas: 2,
      ready: 2,
      generation: 1,
      gpusPerReplica: { 'nvidia.com/gpu': 1 },
      rolloutInProgress: false,
      scaledBy: null,
    });
    cluster.world.scale(rollout, 0);
    await cluster.pass(1);
    expect(await now()).toMatchObject({ replicas: 0, ready: 0, pods: [] });
    cluster.world.removeDeployment(rollout);
    expect(await now()).toMatchObject({
      kind: 'missing',
      reason: expect.stringContaining('expected an existing object'),
    });
  });

  test('nodes that are still to come are counted in desired only', async () => {
    await start();
    cluster.world.editGroup('g5', { desiredSize: 4 });
    await cluster.pass(5);
    const group = await g5Now();
    expect(group.desired).toBe(4);
    expect(group.nodes).toHaveLength(2);
  });

  test.each([
    ['list deployments', 'target'],
    ['list horizontalpodautoscalers', 'target'],
    ['list pods', 'both'],
    ['list nodes', 'group'],
    ['DescribeNodegroup', 'group'],
  ] as const)('when "%s" fails, exactly what needs it is missing (%s)', async (operation, what) => {
    await start();
    cluster.server.faults.add({ kind: 'error', operation });
    if (what === 'both') {
      await expect(observe()).rejects.toThrow(/Cannot observe the cluster/);
      return;
    }
    const snapshot = await observe();
    expect(snapshot.targets['llama']?.kind).toBe(what === 'target' ? 'missing' : 'observed');
    expect(snapshot.nodeGroups['g5']?.kind).toBe(what === 'group' ? 'missing' : 'observed');
  });

  test('a denied list names the missing permission', async () => {
    const rules = [{ apiGroups: ['', 'apps'], resources: ['*'], verbs: ['*'] }];
    cluster = await startCluster(settings, { tokens: { weak: { user: 'penstock', rules } } });
    const snapshot = await observe();
    expect(snapshot.targets['llama']).toMatchObject({
      kind: 'missing',
      reason: expect.stringMatching(/permission to list horizontalpodautoscalers of autoscaling at the cluster scope/),
    });
  });

  test('one namespace that cannot be read spoils no other', async () => {
    await start({
      deployments: [
        { name: 'llama', replicas: 1 },
        { name: 'other', namespace: 'team-b', replicas: 1 },
      ],
    });
    const other = workloadPolicy({ target: { namespace: 'team-b', name: 'other' } }, 'other');
    cluster.server.faults.add({ kind: 'error', operation: 'list deployments', count: 1 });
    const snapshot = await observe([llama, other]);
    const kinds = new Set([snapshot.targets['llama']?.kind, snapshot.targets['other']?.kind]);
    expect(kinds).toEqual(new Set(['missing', 'observed']));
  });

  test.each(['pods', 'horizontalpodautoscalers'])(
    'where one namespace may not list %s, others are seen',
    async (kind) => {
      const others = ['pods', 'horizontalpodautoscalers', 'deployments'].filter((one) => one !== kind);
      const rules = [may(['*'], ['default']), may(others, ['team-b'])];
      cluster = await startCluster(
        {
          deployments: [
            { name: 'llama', replicas: 1 },
            { name: 'other', namespace: 'team-b', replicas: 1 },
          ],
        },
        { tokens: { weak: { user: 'penstock', rules } } },
      );
      const other = workloadPolicy({ target: { namespace: 'team-b', name: 'other' } }, 'other');
      const listed = kubernetesEksView(cluster);
      const watched = kubernetesWatchedView({ ...cluster, log: silentLogger, random: () => 0.5 });
      for (const view of [listed, watched]) {
        const { targets } = await view.observe({ workloads: [llama, other], nodeGroups: [] });
        expect(targets['llama']).toMatchObject({ kind: 'observed', replicas: 1 });
        expect(targets['other']).toMatchObject({
          kind: 'missing',
          reason: expect.stringMatching(new RegExp(`permission to list ${kind}.* in namespace team-b`)),
        });
      }
      await watched.close();
    },
  );

  test('where one namespace may not list ScaledObjects, those of others are seen at every look', async () => {
    const rules = [may(['*'], ['default']), may(['pods', 'horizontalpodautoscalers', 'deployments'], ['team-b'])];
    cluster = await startCluster(
      {
        deployments: [
          { name: 'llama', replicas: 1 },
          { name: 'other', namespace: 'team-b', replicas: 1 },
        ],
        scaledObjects: [{ name: 'chat', deployment: 'llama' }],
      },
      { tokens: { weak: { user: 'penstock', rules } } },
    );
    const other = workloadPolicy({ target: { namespace: 'team-b', name: 'other' } }, 'other');
    const view = kubernetesEksView(cluster);
    for (let looks = 0; looks < 2; looks++) {
      const { targets } = await view.observe({ workloads: [llama, other], nodeGroups: [] });
      expect(targets['llama']).toMatchObject({ kind: 'observed', scaledBy: 'ScaledObject/chat' });
      expect(targets['other']).toMatchObject({ kind: 'observed', scaledBy: null });
    }
    const asked = cluster.server.requests.of('list scaledobjects').map(({ path }) => path);
    expect(asked.filter((path) => path.includes('/default/'))).toHaveLength(2);
    expect(asked.filter((path) => path.includes('/team-b/'))).toHaveLength(1);
  });

  test('targets without node groups need no cluster-wide list', async () => {
    await start();
    expect((await observe([llama], [])).targets['llama']?.kind).toBe('observed');
    const paths = cluster.server.requests.all().map((one) => one.path);
    expect(paths.every((path) => path.includes('/namespaces/default/'))).toBe(true);
  });

  test('a thousand workloads take three calls, one per namespace and one per node group', async () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `model-${index}`);
    await start({
      deployments: names.map((name, index) => ({
        name,
        namespace: `team-${index % 4}`,
        replicas: 2,
        gpusPerPod: 0,
      })),
    });
    const workloads = names.map((name, index) =>
      workloadPolicy({ target: { namespace: `team-${index % 4}`, name } }, name),
    );
    const snapshot = await observe(workloads);
    const requests = cluster.server.requests.all();
    const pages = (operation: string) => requests.filter((one) => one.operation === operation).length;
    expect(new Set(requests.map((one) => `${one.operation} ${one.path}`)).size).toBeLessThanOrEqual(4 + 4 + 1);
    expect(pages('list pods')).toBe(4);
    const targets = Object.values(snapshot.targets);
    expect(targets).toHaveLength(1_000);
    expect(targets.every((one) => one.kind === 'observed' && one.pods.length === 2)).toBe(true);
  });

  test('a list that breaks off between two pages is not taken for a whole one', async () => {
    await start({ deployments: [{ name: 'llama', replicas: 600, gpusPerPod: 0 }] });
    cluster.server.faults.add({ kind: 'error', operation: 'list pods', ratio: 0.5 });
    const counts = new Set<number | string>();
    for (let look = 0; look < 12; look++) {
      const seen = await observe().catch(() => undefined);
      const target = seen?.targets['llama'];
      counts.add(target?.kind === 'observed' ? target.pods.length : 'missing');
    }
    expect(counts).toEqual(new Set([600, 'missing']));
  });
});
