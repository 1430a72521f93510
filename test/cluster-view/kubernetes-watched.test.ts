import { afterEach, describe, expect, test } from '@jest/globals';
import { silentLogger } from '../../lib/base/log.ts';
import { mergePatch } from '../../lib/clients/kubernetes/client.ts';
import { PACE } from '../../lib/clients/kubernetes/pace.ts';
import type { ClusterView } from '../../lib/cluster-view/contract.ts';
import { kubernetesEksView } from '../../lib/cluster-view/kubernetes-eks.ts';
import { kubernetesWatchedView } from '../../lib/cluster-view/kubernetes-watched.ts';
import type { ScalingPolicy } from '../../lib/core/policy.ts';
import { eksNodeGroup } from '../../lib/node-provisioners/eks-node-group.ts';
import type { Identity } from '../../lib/simulator/cluster-server/kubernetes/access.ts';
import type { WorldSettings } from '../../lib/simulator/world/settings.ts';
import { kubernetesScale } from '../../lib/targets/kubernetes-scale.ts';
import { startCluster } from '../clients/kubernetes/server.ts';
import type { Cluster } from '../clients/kubernetes/server.ts';
import { clusterViewConformance } from '../conformance/cluster-view.ts';
import { groupPolicy, workloadPolicy } from '../core/builders.ts';
import { until } from '../support/until.ts';

const settings: WorldSettings = {
  deployments: [{ name: 'llama', replicas: 2 }],
  nodeGroups: [{ name: 'g5', desiredSize: 2 }],
};
const llama = workloadPolicy({}, 'llama');
const g5 = groupPolicy({}, 'g5');

const ROLLOUTS = [{ name: 'llama', replicas: 2, servedAs: 'rollouts' }] as const;
/** All that a view of one namespace reads beside its targets. */
const READ = [{ apiGroups: ['', 'autoscaling', 'keda.sh'], resources: ['*'], verbs: ['list', 'watch'] }];

clusterViewConformance('kubernetesWatched', async () => {
  const cluster = await startCluster(settings);
  const view = kubernetesWatchedView({ ...cluster, log: silentLogger, random: () => 0.5 });
  return {
    view,
    workload: llama,
    group: g5,
    unknownWorkload: workloadPolicy({}, 'nothing'),
    unknownGroup: groupPolicy({}, 'nothing'),
    nowMs: () => cluster.clock.nowMs(),
    pass: (sec) => cluster.pass(sec),
    cut: () => {
      cluster.server.faults.add({ kind: 'drop' });
      cluster.server.dropWatches();
    },
    currentSec: PACE.ageMsMax / 1000,
    close: async () => {
      await view.close();
      await cluster.close();
    },
  };
});

describe('kubernetesWatched', () => {
  let cluster: Cluster;
  let view: ClusterView;
  afterEach(async () => {
    await view.close();
    await cluster.close();
  });

  const warnings: string[] = [];
  const log = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
  const start = async (over: WorldSettings = {}, options: Parameters<typeof startCluster>[1] = {}) => {
    warnings.length = 0;
    cluster = await startCluster({ ...settings, ...over }, options);
    view = kubernetesWatchedView({ ...cluster, log, random: () => 0.5 });
  };
  const observe = (workloads = [llama], nodeGroups = [g5]) => view.observe({ workloads, nodeGroups });
  const llamaNow = async () => (await observe()).targets['llama'];
  /** Time passes a second at a time, with a word to the server in between, so that what it sends arrives in its order. */
  const pass = async (sec: number): Promise<void> => {
    for (let passed = 0; passed < sec; passed++) {
      await cluster.pass(1);
      await cluster.kubernetes.getJson('ask for the version', { path: '/version', query: {} });
    }
  };
  const provenAgeSec = async (): Promise<number> => {
    const { atMs, asOfMs = atMs } = await observe();
    return (atMs - asOfMs) / 1000;
  };
  const scale = (replicas: number): void => cluster.world.scale({ namespace: 'default', name: 'llama' }, replicas);
  const sees = (replicas: number) =>
    until(`${replicas} replicas`, async () => {
      const target = await llamaNow();
      return target?.kind === 'observed' && target.replicas === replicas;
    });

  test('shows what lists show: trimming leaves out nothing that is read', async () => {
    await start({
      deployments: [
        { name: 'llama', replicas: 4, drainSec: 60 },
        { name: 'chat', replicas: 1, gpusPerPod: 0 },
      ],
      nodeGroups: [{ name: 'g5', desiredSize: 3 }],
      podAutoscalers: [{ name: 'chat-hpa', deployment: 'chat', minReplicas: 2, maxReplicas: 5 }],
      scaledObjects: [{ name: 'llama', deployment: 'llama', annotations: { 'autoscaling.keda.sh/paused': 'true' } }],
    });
    const chat = workloadPolicy({}, 'chat');
    const listed = kubernetesEksView(cluster);
    const both = async () => {
      const [byWatch, byList] = [
        await observe([llama, chat]),
        await listed.observe({ workloads: [llama, chat], nodeGroups: [g5] }),
      ];
      const { targets, nodeGroups } = byList;
      return (
        JSON.stringify({ targets, nodeGroups }) ===
          JSON.stringify({ targets: byWatch.targets, nodeGroups: byWatch.nodeGroups }) && byList
      );
    };
    await until('the same at first', both);
    const [node] = cluster.world.state.nodes.values();
    if (node === undefined) throw new Error('no node');
    cluster.world.cordon(node, true);
    const body = { metadata: { annotations: { 'karpenter.sh/do-not-disrupt': 'true' } } };
    for (const { name, namespace } of cluster.world.state.pods.values()) {
      await cluster.kubernetes.call('mark the pod', (call) =>
        cluster.kubernetes.core.patchNamespacedPod({ name, namespace, body }, mergePatch(call)),
      );
    }
    scale(1);
    await cluster.pass(5);
    const seen = await until('the same after changes', both);
    const target = seen.targets['llama'];
    expect(target).toMatchObject({ kind: 'observed', replicas: 1 });
    expect(target?.kind === 'observed' && target.pods.some((pod) => pod.terminating && pod.evictable === false)).toBe(
      true,
    );
    expect(seen.targets['chat']).toMatchObject({ scaledBy: 'HorizontalPodAutoscaler/chat-hpa' });
  });

  test('sees every change, and asks for nothing but watches while nothing changes', async () => {
    await start();
    await sees(2);
    cluster.server.requests.clear();
    for (let looks = 0; looks < 40; looks++) {
      await pass(2);
      await observe();
    }
    const asked = new Set(cluster.server.requests.all().map(({ operation }) => operation));
    expect([...asked].filter((one) => !one.startsWith('watch ') && one !== 'get /version')).toEqual([]);
    // Pods, nodes, HPAs, ScaledObjects, Deployments: a watch of 16 to 20 s each.
    expect(cluster.server.requests.all().filter(({ operation }) => operation.startsWith('watch ')).length).toBeLessThan(
      5 * 8,
    );
    expect(cluster.server.requests.of('DescribeNodegroup').length).toBeLessThanOrEqual(5);
    scale(3);
    await sees(3);
  });

  test('proves how current it is, never later than the server said, and within 22 s while all is well', async () => {
    await start();
    await sees(2);
    for (let looks = 0; looks < 30; looks++) {
      await pass(2);
      expect(await provenAgeSec()).toBeLessThanOrEqual(22);
    }
  });

  test('what a watch has missed and the server has forgotten is listed anew', async () => {
    await start({}, { watchHistory: 5 });
    await sees(2);
    cluster.server.faults.add({ kind: 'drop', operation: 'watch deployments' });
    cluster.server.dropWatches();
    for (let replicas = 3; replicas < 9; replicas++) {
      scale(replicas);
      await pass(1);
    }
    cluster.server.requests.clear();
    cluster.server.faults.clear();
    await until('the newest count', async () => {
      await pass(1);
      const target = await llamaNow();
      return target?.kind === 'observed' && target.replicas === 8;
    });
    expect(cluster.server.requests.of('list deployments').length).toBeGreaterThan(0);
  });

  test('a watch that goes silent ages, is replaced, and what it did not say is seen', async () => {
    await start();
    await sees(2);
    await pass(10);
    cluster.server.faults.add({ kind: 'muteWatch' });
    cluster.server.dropWatches();
    scale(5);
    await pass(20);
    expect(await provenAgeSec()).toBeGreaterThanOrEqual(20);
    expect(await llamaNow()).toMatchObject({ kind: 'observed', replicas: 2 });
    cluster.server.faults.clear();
    await until('what it did not say', async () => {
      await pass(1);
      const target = await llamaNow();
      return target?.kind === 'observed' && target.replicas === 5;
    });
    await pass(10);
    expect(await provenAgeSec()).toBeLessThanOrEqual(22);
  });

  test('after 45 s without proof it is missing, never as it was', async () => {
    await start();
    await sees(2);
    cluster.server.faults.add({ kind: 'muteWatch' });
    // Else a list would prove it.
    cluster.server.faults.add({ kind: 'drop', operation: 'list pods' });
    cluster.server.dropWatches();
    await pass(50);
    await expect(observe()).rejects.toThrow(
      /expected proof within 45 s that no change was missed, current value is \d+ s without/,
    );
  });

  test('a server whose cache stands still is found out, and its store is listed', async () => {
    await start();
    await sees(2);
    cluster.server.faults.add({ kind: 'stallWatch' });
    scale(6);
    await until('what is in the store', async () => {
      await pass(1);
      const target = await llamaNow();
      return target?.kind === 'observed' && target.replicas === 6;
    });
    expect(warnings).toContain('watch stood still, listed anew');
  });

  test('what is quiet stays proven where the server hears of other kinds only now and then', async () => {
    await start();
    await sees(2);
    cluster.server.faults.add({ kind: 'stallWatch' });
    for (let turn = 0; turn < 12; turn++) {
      cluster.world.state.version += 1;
      await pass(10);
      const { atMs, asOfMs = atMs } = await observe();
      expect(atMs - asOfMs).toBeLessThan(30_000);
    }
    expect(warnings).toEqual([]);
  });

  const gets = (): string[] =>
    cluster.server.requests
      .all()
      .flatMap(({ operation }) => (/^(get|list) rollouts/.test(operation) ? [operation] : []));
  const startAs = (verbs: readonly string[], ofScale: readonly string[] = ['get']) =>
    start(
      { deployments: ROLLOUTS },
      {
        tokens: {
          least: {
            user: 'penstock',
            rules: [
              ...READ,
              { apiGroups: ['argoproj.io'], resources: ['rollouts'], verbs },
              { apiGroups: ['argoproj.io'], resources: ['rollouts/scale'], verbs: ofScale },
            ],
          },
        },
      },
    );

  describe('of another kind', () => {
    const target = { kind: 'Rollout', apiVersion: 'argoproj.io/v1alpha1', namespace: 'default', name: 'llama' };
    const rollout = workloadPolicy({ target }, 'llama');
    const rolloutNow = async () => (await observe([rollout], [])).targets['llama'];
    const seesRollout = (replicas: number) =>
      until(`${replicas} replicas`, async () => {
        const seen = await rolloutNow();
        return seen?.kind === 'observed' && seen.replicas === replicas;
      });
    test('an object is watched, and its Scale is read only when it has changed', async () => {
      await startAs(['list', 'watch']);
      await seesRollout(2);
      await until('the Scale is known', async () => {
        cluster.server.requests.clear();
        await rolloutNow();
        return gets().length === 0;
      });
      cluster.server.requests.clear();
      for (let looks = 0; looks < 10; looks++) {
        await pass(2);
        await rolloutNow();
      }
      expect(gets()).toEqual([]);
      scale(4);
      await seesRollout(4);
      expect(new Set(gets())).toEqual(new Set(['get rollouts/scale']));
      await cluster.pass(60);
      cluster.world.removeDeployment(target);
      await until('it is gone', async () => (await rolloutNow().catch(() => undefined))?.kind !== 'observed');
      await expect(observe([rollout], [])).rejects.toThrow(/expected an existing object/);
      expect(warnings).toEqual([]);
    });

    test.each<readonly [string, ScalingPolicy, NonNullable<WorldSettings['deployments']>]>([
      ['Rollout', rollout, ROLLOUTS],
      [
        'LeaderWorkerSet',
        workloadPolicy({ target: { kind: 'LeaderWorkerSet', namespace: 'default', name: 'llama' } }, 'llama'),
        [{ name: 'llama', replicas: 1, servedAs: 'leaderworkersets', podsPerReplica: 2 }],
      ],
    ])('a %s shows what two GETs show', async (_, policy, of) => {
      await start({ deployments: of });
      const listed = kubernetesEksView(cluster);
      const asked = { workloads: [policy], nodeGroups: [] };
      await until('it is seen', async () => (await view.observe(asked)).targets['llama']?.kind === 'observed');
      expect((await view.observe(asked)).targets).toEqual((await listed.observe(asked)).targets);
    });

    test('where the kind may not be listed each object is read at every look, and that is said once', async () => {
      await startAs(['get']);
      await seesRollout(2);
      cluster.server.requests.clear();
      for (let looks = 0; looks < 5; looks++) await rolloutNow();
      expect(gets().filter((one) => one === 'get rollouts')).toHaveLength(5);
      expect(gets().filter((one) => one === 'get rollouts/scale')).toHaveLength(5);
      expect(gets().filter((one) => one === 'list rollouts')).toEqual([]);
      scale(4);
      expect(await rolloutNow()).toMatchObject({ kind: 'observed', replicas: 4 });
      expect(warnings).toEqual(['may not list, reads each object at every look']);
    });

    test('where it may be listed and not watched, it is listed', async () => {
      await startAs(['list']);
      await until('lists', async () => {
        await rolloutNow();
        return warnings.length > 0;
      });
      expect(warnings).toEqual(['may not watch, lists at every look']);
      scale(4);
      expect(await rolloutNow()).toMatchObject({ kind: 'observed', replicas: 4 });
    });

    test('without permission for its Scale it is missing, with the permission in the reason', async () => {
      await startAs(['list', 'watch'], []);
      await expect(rolloutNow()).rejects.toThrow(
        /permission to get rollouts\/scale of argoproj.io in namespace default/,
      );
    });

    test('is never older than our own writes', async () => {
      await start({ deployments: ROLLOUTS });
      await seesRollout(2);
      const scaler = kubernetesScale(cluster.kubernetes);
      await scaler.scale(target, { replicas: 5, expected: await scaler.read(target), planSeq: 1 });
      expect(await rolloutNow()).toMatchObject({ kind: 'observed', replicas: 5 });
    });
  });

  test('where it may not watch it lists at every look, and says so once', async () => {
    const rules = [
      { apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list'] },
      { apiGroups: ['autoscaling'], resources: ['*'], verbs: ['watch'] },
    ];
    await start({}, { tokens: { least: { user: 'penstock', rules } } });
    await until('lists', async () => {
      await observe();
      return warnings.length === 4;
    });
    scale(4);
    expect(await llamaNow()).toMatchObject({ kind: 'observed', replicas: 4 });
    await pass(60);
    await observe();
    expect(warnings).toEqual(Array.from({ length: 4 }, () => 'may not watch, lists at every look'));
  });

  test('a token that has run out is no missing permission: with a new one it goes on', async () => {
    const tokens = new Map<string, Identity>([['t', { user: 'penstock', rules: 'admin' }]]);
    await start({}, { tokens });
    await sees(2);
    tokens.delete('t');
    cluster.server.dropWatches();
    scale(3);
    for (let passed = 0; passed < 50; passed++) await cluster.pass(1);
    await expect(observe()).rejects.toThrow(/credentials that the cluster accepts/);
    expect(warnings).toEqual([]);
    tokens.set('t', { user: 'penstock', rules: 'admin' });
    await until('the new count', async () => {
      await cluster.pass(1);
      const seen = await observe().catch(() => undefined);
      const target = seen?.targets['llama'];
      return target?.kind === 'observed' && target.replicas === 3;
    });
  });

  test('is never older than our own writes', async () => {
    await start();
    await sees(2);
    const target = kubernetesScale(cluster.kubernetes);
    const ref = { kind: 'Deployment', namespace: 'default', name: 'llama' };
    await target.scale(ref, { replicas: 3, expected: await target.read(ref), planSeq: 1 });
    expect(await llamaNow()).toMatchObject({ kind: 'observed', replicas: 3 });
    cluster.server.faults.add({ kind: 'muteWatch' });
    await target.scale(ref, { replicas: 4, expected: await target.read(ref), planSeq: 2 });
    const late = observe();
    await cluster.pass(2);
    expect((await late).targets['llama']).toMatchObject({
      kind: 'missing',
      reason: expect.stringMatching(/expected our own write at version/),
    });
  });

  test('an outage of the API leaves what was seen with its age, and is over when the API is back', async () => {
    await start();
    await sees(2);
    cluster.server.faults.add({ kind: 'drop' });
    cluster.server.dropWatches();
    scale(7);
    for (let passed = 0; passed < 30; passed++) await cluster.pass(1);
    const seen = await observe();
    expect(seen.targets['llama']).toMatchObject({ kind: 'observed', replicas: 2 });
    expect(seen.atMs - (seen.asOfMs ?? 0)).toBeGreaterThanOrEqual(30_000);
    cluster.server.faults.clear();
    await until('the new count', async () => {
      await pass(1);
      const target = (await observe().catch(() => undefined))?.targets['llama'];
      return target?.kind === 'observed' && target.replicas === 7;
    });
  });

  test('quiet groups may be described long before the rest was seen, and say so; after our own change they are described at once', async () => {
    await start();
    await sees(2);
    await observe();
    const provisioner = eksNodeGroup(cluster.aws);
    cluster.server.requests.clear();
    await pass(60);
    const { atMs, asOfMs = atMs, groupsAsOfMs = atMs } = await observe();
    expect(cluster.server.requests.of('DescribeNodegroup')).toHaveLength(0);
    expect(atMs - groupsAsOfMs).toBeGreaterThanOrEqual(60_000);
    expect(atMs - asOfMs).toBeLessThanOrEqual(30_000);
    const fresh = await view.observe({ workloads: [llama], nodeGroups: [g5], groupsMsMax: 30_000 });
    expect([fresh.groupsAsOfMs, cluster.server.requests.of('DescribeNodegroup').length]).toEqual([undefined, 1]);
    await provisioner.resize(g5, { min: 0, max: 20, desired: 3, token: 'one' });
    cluster.server.requests.clear();
    expect((await observe()).nodeGroups['g5']).toMatchObject({ kind: 'observed', status: 'updating' });
    await observe();
    await observe();
    expect(cluster.server.requests.of('DescribeNodegroup')).toHaveLength(3);
  });

  test('what no policy names any more is not watched any longer', async () => {
    await start();
    await sees(2);
    for (let passed = 0; passed < 31; passed++) {
      await pass(10);
      await view.observe({ workloads: [], nodeGroups: [] });
    }
    cluster.server.requests.clear();
    await pass(30);
    expect(cluster.server.requests.all().filter(({ operation }) => operation.startsWith('watch'))).toEqual([]);
  });
});
