import { describe, expect, test } from '@jest/globals';
import { seenScalable } from '../../lib/cluster-view/kubernetes-scalables.ts';
import { targetObservation } from '../../lib/cluster-view/kubernetes-targets.ts';
import { workloadPolicy } from '../core/builders.ts';
import { parseSelector } from '../../lib/clients/kubernetes/selector.ts';

const container = (gpus: number) => ({
  spec: { containers: [{ name: 'main', resources: { limits: { 'nvidia.com/gpu': String(gpus) } } }] },
});
const seen = (over: { spec?: object; status?: object; generation?: number }, podsPerReplica?: number) =>
  seenScalable(
    {
      object: {
        metadata: { generation: over.generation ?? 4, resourceVersion: '9' },
        spec: over.spec ?? {},
        status: over.status ?? {},
      },
      scale: { spec: { replicas: 2 } },
      selector: { matchLabels: { app: 'llama' } },
      podsPerReplica,
    },
    [{ spec: { containers: [{ name: 'main', resources: { limits: { 'nvidia.com/gpu': '4' } } }] } }],
  );

describe('seenScalable', () => {
  test('a replica of a LeaderWorkerSet has the GPUs of its whole group', () => {
    const workers = { size: 3, workerTemplate: container(8) };
    expect(seen({ spec: { leaderWorkerTemplate: workers } }).gpus).toEqual({ 'nvidia.com/gpu': 24 });
    const led = { ...workers, leaderTemplate: container(1) };
    expect(seen({ spec: { leaderWorkerTemplate: led } }).gpus).toEqual({ 'nvidia.com/gpu': 17 });
  });

  test('and says how many pods it has, which of them have GPUs, and what the largest needs', () => {
    const workers = { size: 3, workerTemplate: container(8) };
    expect(seen({ spec: { leaderWorkerTemplate: workers } }).replicaShape).toEqual({
      pods: 3,
      gpuPods: 3,
      gpusPerPod: { 'nvidia.com/gpu': 8 },
    });
    const led = { ...workers, leaderTemplate: { spec: { containers: [{ name: 'router' }] } } };
    expect(seen({ spec: { leaderWorkerTemplate: led } }).replicaShape).toMatchObject({ pods: 3, gpuPods: 2 });
    expect(seen({ spec: { leaderWorkerTemplate: { ...workers, size: 1 } } }).replicaShape).toBeUndefined();
  });

  test('a replica of another kind has as many pods as the policy says', () => {
    const said = seen({ spec: { template: container(4) } }, 2);
    expect(said.gpus).toEqual({ 'nvidia.com/gpu': 8 });
    expect(said.replicaShape).toEqual({ pods: 2, gpuPods: 2, gpusPerPod: { 'nvidia.com/gpu': 4 } });
  });

  test('GPUs come from the template where there is one, else from a pod', () => {
    expect(seen({ spec: { template: container(2) } }).gpus).toEqual({ 'nvidia.com/gpu': 2 });
    expect(seen({ spec: { workloadRef: { name: 'llama' } } }).gpus).toEqual({ 'nvidia.com/gpu': 4 });
  });

  test.each([
    ['has not seen the newest spec', { observedGeneration: 3 }, true],
    ['writes its generation as text', { observedGeneration: '3' }, true],
    ['has seen it', { observedGeneration: '4' }, false],
    ['writes a hash', { observedGeneration: '7f9c8' }, false],
    ['has pods of an old version', { observedGeneration: 4, replicas: 3, updatedReplicas: 1 }, true],
    ['does not count versions', { replicas: 3 }, false],
    ['says nothing', {}, false],
  ])('a rollout is told of a kind that %s', (_, status, expected) => {
    expect(seen({ status }).rolloutInProgress).toBe(expected);
  });
});

const pod = (group: number, index: number, isReady: boolean) => ({
  metadata: {
    name: `lws-${group}-${index}`,
    labels: { 'leaderworkerset.sigs.k8s.io/group-index': String(group), team: 'a' },
  },
  spec: container(index === 0 ? 0 : 8).spec,
  status: { conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
});

describe('targetObservation of replicas of several pods', () => {
  const pods = [pod(0, 0, true), pod(0, 1, true), pod(1, 0, true), pod(1, 1, false)];
  const observation = (target: object) =>
    targetObservation(workloadPolicy({ target: { kind: 'LeaderWorkerSet', name: 'lws', ...target } }, 'lws'), {
      seen: seen({ spec: { leaderWorkerTemplate: { size: 2, workerTemplate: container(8) } } }),
      pods,
      scaledBy: null,
    });

  test('ready counts groups whose pods are all ready, and each pod says of which it is', () => {
    expect(observation({})).toMatchObject({
      ready: 1,
      gpusPerReplica: { 'nvidia.com/gpu': 16 },
      replicaShape: { pods: 2 },
      pods: [{ replica: '0', withoutGpus: true }, { replica: '0' }, { replica: '1' }, { replica: '1', ready: false }],
    });
  });

  test('by another label where the policy names one', () => {
    expect(observation({ replicaLabel: 'team' })).toMatchObject({ ready: 0, pods: [{ replica: 'a' }, {}, {}, {}] });
  });
});

describe('parseSelector', () => {
  test('reads what a Scale says', () => {
    expect(parseSelector('app=llama,tier==gpu,zone in (a, b),old notin (x),!gone,there,not!=me')).toEqual({
      matchLabels: { app: 'llama', tier: 'gpu' },
      matchExpressions: [
        { key: 'zone', operator: 'In', values: ['a', 'b'] },
        { key: 'old', operator: 'NotIn', values: ['x'] },
        { key: 'gone', operator: 'DoesNotExist' },
        { key: 'there', operator: 'Exists' },
        { key: 'not', operator: 'NotIn', values: ['me'] },
      ],
    });
  });

  test.each(['', ' , ', 'a>3', 'a in b'])('"%s" selects nothing we understand', (text) => {
    expect(parseSelector(text)).toBeNull();
  });
});
