import { afterEach, describe, expect, test } from '@jest/globals';
import { ConfigError, ConflictError, DeniedError, NotFoundError, TransientError } from '../../lib/base/errors.ts';
import { mergePatch } from '../../lib/clients/kubernetes/client.ts';
import { kubernetesScale } from '../../lib/targets/kubernetes-scale.ts';
import { startCluster } from '../clients/kubernetes/server.ts';
import type { Cluster } from '../clients/kubernetes/server.ts';
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

const rollout = { kind: 'Rollout', apiVersion: 'argoproj.io/v1alpha1', namespace: 'inference', name: 'llama' };
const rollouts = {
  deployments: [{ name: 'llama', namespace: 'inference', replicas: 3, gpusPerPod: 0, servedAs: 'rollouts' as const }],
  nodeGroups: settings.nodeGroups,
};

targetConformance('kubernetesScale of a custom kind', async () => {
  const cluster = await startCluster(rollouts);
  const { name, namespace } = rollout;
  const path = { group: 'argoproj.io', version: 'v1alpha1', plural: 'rollouts', namespace, name };
  const patch = (body: object) =>
    cluster.kubernetes.call('patch', (call) =>
      cluster.kubernetes.custom.patchNamespacedCustomObject({ ...path, body }, mergePatch(call)),
    );
  return {
    target: kubernetesScale(cluster.kubernetes),
    ref: rollout,
    put: async (replicas) => void (await patch({ spec: { replicas } })),
    touch: async () => void (await patch({ metadata: { labels: { touched: 'yes' } } })),
    remove: async () => cluster.world.removeDeployment(rollout),
    close: () => cluster.close(),
  };
});

describe('kubernetesScale of a custom kind', () => {
  let cluster: Cluster | undefined;
  const start = async (options: Parameters<typeof startCluster>[1] = {}) => {
    cluster = await startCluster(rollouts, options);
    return { requests: cluster.server.requests, target: kubernetesScale(cluster.kubernetes) };
  };
  afterEach(() => cluster?.close());

  test('finds the path through discovery, once', async () => {
    const { requests, target } = await start();
    await target.read(rollout);
    await target.read(rollout);
    expect(requests.all().filter(({ path }) => path === '/apis/argoproj.io/v1alpha1')).toHaveLength(1);
    expect(requests.of('get rollouts/scale').at(-1)?.path).toBe(
      '/apis/argoproj.io/v1alpha1/namespaces/inference/rollouts/llama/scale',
    );
  });

  test('asks discovery nothing when the resource is given', async () => {
    const { requests, target } = await start();
    expect(await target.read({ ...rollout, resource: 'rollouts' })).toMatchObject({ replicas: 3 });
    expect(requests.all().filter(({ path }) => path === '/apis/argoproj.io/v1alpha1')).toHaveLength(0);
  });

  test('a kind the cluster does not serve is looked for again at the next read', async () => {
    const { requests, target } = await start();
    const gizmo = { ...rollout, kind: 'Gizmo' };
    await expect(target.read(gizmo)).rejects.toThrow('expected a kind that the cluster serves');
    await expect(target.read(gizmo)).rejects.toBeInstanceOf(NotFoundError);
    expect(requests.all().filter(({ path }) => path === '/apis/argoproj.io/v1alpha1')).toHaveLength(2);
  });

  test('a kind without a scale subresource is a mistake in the policy', async () => {
    const { target } = await start();
    const budget = { ...rollout, apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' };
    await expect(target.read(budget)).rejects.toThrow('expected a kind with a scale subresource');
    await expect(target.read(budget)).rejects.toBeInstanceOf(ConfigError);
  });

  test('needs get of the object and its Scale, and patch of the Scale', async () => {
    const apiGroups = ['argoproj.io'];
    const rules = [
      { apiGroups, resources: ['rollouts'], verbs: ['get'] },
      { apiGroups, resources: ['rollouts/scale'], verbs: ['get', 'patch'] },
    ];
    const { target } = await start({ tokens: { least: { user: 'penstock', rules } } });
    const expected = await target.read(rollout);
    expect(await target.scale(rollout, { replicas: 5, expected, planSeq: 1 })).toMatchObject({ replicas: 5 });
  });
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

  test('with a fence, the object gets the count and the sequence of the plan in one write', async () => {
    const { cluster: running, target } = await start();
    const fenced = { ...ref, fence: 'planSequence' as const };
    const expected = await target.read(fenced);
    const scaled = await target.scale(fenced, { replicas: 5, expected, planSeq: 1841 });
    expect(scaled).toEqual(await target.read(fenced));
    expect(running.world.deployment(ref)).toMatchObject({
      replicas: 5,
      annotations: { 'penstock.dev/plan-seq': '1841' },
    });
    expect(running.server.requests.of('patch deployments/scale')).toHaveLength(0);
    const late = target.scale(fenced, { replicas: 7, expected, planSeq: 1842 });
    await expect(late).rejects.toBeInstanceOf(ConflictError);
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
