import { afterEach, describe, expect, test } from '@jest/globals';
import { ConfigError, DeniedError, TransientError } from '../../lib/base/errors.ts';
import { mergePatch } from '../../lib/clients/kubernetes.ts';
import { kubernetesScale } from '../../lib/targets/kubernetes-scale.ts';
import { startCluster } from '../clients/kubernetes-server.ts';
import type { Cluster } from '../clients/kubernetes-server.ts';
import { targetConformance } from '../conformance/target.ts';

const ref = { kind: 'Deployment', namespace: 'inference', name: 'llama' };
const settings = {
  deployments: [{ name: 'llama', namespace: 'inference', replicas: 3, gpusPerPod: 0 }],
  nodeGroups: [{ name: 'g5', desiredSize: 1 }],
};

targetConformance('kubernetesScale', async () => {
  const cluster = await startCluster(settings);
  const { name, namespace } = ref;
  const patch = (body: object) =>
    cluster.kubernetes.call('patch', (call) =>
      cluster.kubernetes.apps.patchNamespacedDeployment({ name, namespace, body }, mergePatch(call)),
    );
  return {
    target: kubernetesScale(cluster.kubernetes),
    ref,
    put: async (replicas) => void (await patch({ spec: { replicas } })),
    touch: async () => void (await patch({ metadata: { labels: { touched: 'yes' } } })),
    remove: async () => cluster.world.removeDeployment(ref),
    close: () => cluster.close(),
  };
});

describe('kubernetesScale', () => {
  let cluster: Cluster | undefined;
  const start = async (options: Parameters<typeof startCluster>[1] = {}) => {
    cluster = await startCluster(settings, options);
    return { cluster, target: kubernetesScale(cluster.kubernetes) };
  };
  afterEach(() => cluster?.close());

  test('sends a merge patch with a precondition to the scale subresource', async () => {
    const { cluster: running, target } = await start();
    const expected = await target.read(ref);
    await target.scale(ref, { replicas: 5, expected, planSeq: 1 });
    const [patch] = running.server.requests.of('patch deployments/scale');
    expect(patch).toMatchObject({ method: 'PATCH', status: 200 });
    expect(patch?.path).toBe('/apis/apps/v1/namespaces/inference/deployments/llama/scale');
    expect(JSON.parse(patch?.body ?? '')).toEqual({
      metadata: { resourceVersion: expected.resourceVersion },
      spec: { replicas: 5 },
    });
  });

  test('names the missing permission', async () => {
    const rules = [{ apiGroups: ['apps'], resources: ['deployments'], verbs: ['get'] }];
    const { target } = await start({ tokens: { weak: { user: 'system:serviceaccount:ops:penstock', rules } } });
    const expected = await target.read(ref);
    const denied = target.scale(ref, { replicas: 5, expected, planSeq: 1 });
    await expect(denied).rejects.toThrow(/permission to patch deployments\/scale of apps in namespace inference/);
    await expect(denied).rejects.toBeInstanceOf(DeniedError);
  });

  test('passes on how long a 429 asks to wait', async () => {
    const { cluster: running, target } = await start();
    running.server.faults.add({ kind: 'throttle', service: 'kubernetes', retryAfterSec: 7 });
    await expect(target.read(ref)).rejects.toMatchObject({ code: 'transient', retryAfterMs: 7_000 });
  });

  test('gives up on a server that does not answer', async () => {
    const { cluster: running, target } = await start({ requestMsMax: 100 });
    running.server.faults.add({ kind: 'hang', service: 'kubernetes' });
    await expect(target.read(ref)).rejects.toThrow(/expected an answer, current value is none in time/);
    await expect(target.read(ref)).rejects.toBeInstanceOf(TransientError);
  });

  test('a lost answer is transient, and the count is there at the next read', async () => {
    const { cluster: running, target } = await start();
    const expected = await target.read(ref);
    running.server.faults.add({ kind: 'loseAnswer', operation: 'patch deployments/scale', count: 1 });
    const lost = target.scale(ref, { replicas: 5, expected, planSeq: 1 });
    await expect(lost).rejects.toBeInstanceOf(TransientError);
    expect((await target.read(ref)).replicas).toBe(5);
  });

  test('a kind it does not know is a mistake in the policy', async () => {
    const { target } = await start();
    await expect(target.read({ ...ref, kind: 'Gizmo' })).rejects.toBeInstanceOf(ConfigError);
  });

  test('marks pods that should go first and takes only its own marks back', async () => {
    const { cluster: running, target } = await start();
    const [first, second] = running.world.readyPods(ref).map((pod) => pod.name);
    if (first === undefined || second === undefined) throw new Error('no pods');
    await target.preferVictims?.(ref, { first: [first], release: [] });
    await target.preferVictims?.(ref, { first: [first], release: [second] });
    expect(running.server.requests.of('patch pods')).toHaveLength(1);
    const costOf = async (name: string) => {
      const pod = await running.kubernetes.call('read', (call) =>
        running.kubernetes.core.readNamespacedPod({ name, namespace: ref.namespace }, call),
      );
      return pod.metadata?.annotations?.['controller.kubernetes.io/pod-deletion-cost'];
    };
    expect(Number(await costOf(first))).toBeLessThan(0);
    await target.preferVictims?.(ref, { first: [], release: [first] });
    expect(await costOf(first)).toBeUndefined();
  });
});
