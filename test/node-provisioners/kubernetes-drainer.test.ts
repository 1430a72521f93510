import { afterEach, describe, expect, test } from '@jest/globals';
import { NotFoundError, TransientError } from '../../lib/base/errors.ts';
import { mergePatch } from '../../lib/clients/kubernetes/client.ts';
import { kubernetesDrainer } from '../../lib/node-provisioners/kubernetes-drainer.ts';
import type { DrainStep } from '../../lib/node-provisioners/contract.ts';
import type { DisruptionBudgetSettings } from '../../lib/simulator/world/settings.ts';
import { startCluster } from '../clients/kubernetes/server.ts';
import type { Cluster } from '../clients/kubernetes/server.ts';

const ref = { kind: 'Deployment', namespace: 'default', name: 'llama' };

describe('kubernetesDrainer', () => {
  let cluster: Cluster;
  afterEach(() => cluster.close());

  /** Two nodes with a pod each. */
  const start = async (disruptionBudgets: readonly DisruptionBudgetSettings[] = []) => {
    cluster = await startCluster({
      deployments: [{ name: 'llama', replicas: 2, drainSec: 5 }],
      nodeGroups: [{ name: 'g5', desiredSize: 2 }],
      disruptionBudgets,
    });
    const [pod] = cluster.world.readyPods(ref);
    const nodeName = [...cluster.world.state.nodes.values()].find(
      (node) => pod !== undefined && pod.node === node,
    )?.name;
    if (nodeName === undefined) throw new Error('no pod on a node');
    return { drainer: kubernetesDrainer(cluster.kubernetes, { clock: cluster.clock }), nodeName };
  };

  /** Steps until the answer is `state`, a second of simulated time apart. */
  const stepUntil = async (step: () => Promise<DrainStep>, state: DrainStep['state']): Promise<DrainStep> => {
    for (let steps = 0; steps < 60; steps++) {
      const answer = await step();
      if (answer.state === state) return answer;
      await cluster.pass(1);
    }
    throw new Error(`never ${state}`);
  };

  test('cordons, evicts what is there, and says empty when it is', async () => {
    const { drainer, nodeName } = await start();
    await drainer.cordon(nodeName);
    expect(cluster.world.node(nodeName).unschedulable).toBe(true);
    expect(await drainer.drainStep(nodeName)).toMatchObject({ state: 'draining', podsLeft: 1 });
    await stepUntil(() => drainer.drainStep(nodeName), 'empty');
    expect(cluster.server.requests.all().filter((one) => one.method === 'DELETE')).toEqual([]);
    expect(cluster.server.requests.of('create pods/eviction')).toHaveLength(1);
  });

  test('uncordon makes the node schedulable again', async () => {
    const { drainer, nodeName } = await start();
    await drainer.cordon(nodeName);
    await drainer.uncordon(nodeName);
    expect(cluster.world.node(nodeName).unschedulable).toBe(false);
  });

  test('a pod that a budget protects is named, and stays', async () => {
    const { drainer, nodeName } = await start([{ name: 'keep', matchLabels: { app: 'llama' }, minAvailable: 2 }]);
    await drainer.cordon(nodeName);
    const answer = await drainer.drainStep(nodeName);
    expect(answer).toMatchObject({ state: 'blocked', podsLeft: 1 });
    expect('detail' in answer && answer.detail).toMatch(/pod default\/llama-.* cannot be evicted: .*budget/i);
    expect(cluster.world.readyPods(ref)).toHaveLength(2);
    cluster.world.removeDisruptionBudget({ namespace: 'default', name: 'keep' });
    await stepUntil(() => drainer.drainStep(nodeName), 'empty');
  });

  test('a pod whose owner forbids to evict it is named, and stays', async () => {
    const { drainer, nodeName } = await start();
    const body = { metadata: { annotations: { 'karpenter.sh/do-not-disrupt': 'true' } } };
    for (const { name, namespace } of cluster.world.node(nodeName).pods) {
      await cluster.kubernetes.call('annotate the pod', (call) =>
        cluster.kubernetes.core.patchNamespacedPod({ name, namespace, body }, mergePatch(call)),
      );
    }
    const answer = await drainer.drainStep(nodeName);
    expect(answer).toMatchObject({ state: 'blocked', podsLeft: 1 });
    expect('detail' in answer ? answer.detail : '').toContain('karpenter.sh/do-not-disrupt');
    expect(cluster.server.requests.of('create pods/eviction')).toEqual([]);
  });

  test('a busy API server is not mistaken for a budget', async () => {
    const { drainer, nodeName } = await start();
    cluster.server.faults.add({ kind: 'throttle', operation: 'create pods/eviction', retryAfterSec: 3 });
    await expect(drainer.drainStep(nodeName)).rejects.toMatchObject({ code: 'transient', retryAfterMs: 3_000 });
  });

  test('a list that cannot be read is never taken for an empty node', async () => {
    const { drainer, nodeName } = await start();
    cluster.server.faults.add({ kind: 'error', operation: 'list pods' });
    await expect(drainer.drainStep(nodeName)).rejects.toBeInstanceOf(TransientError);
  });

  test('a node that is gone is not found', async () => {
    const { drainer } = await start();
    await expect(drainer.cordon('no-such-node')).rejects.toBeInstanceOf(NotFoundError);
  });
});
