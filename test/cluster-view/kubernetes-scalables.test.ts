import { describe, expect, test } from '@jest/globals';
import { seenScalable } from '../../lib/cluster-view/kubernetes-scalables.ts';
import { parseSelector } from '../../lib/cluster-view/label-selector.ts';

const container = (gpus: number) => ({
  spec: { containers: [{ name: 'main', resources: { limits: { 'nvidia.com/gpu': String(gpus) } } }] },
});
const seen = (over: { spec?: object; status?: object; generation?: number }) =>
  seenScalable(
    {
      object: {
        metadata: { generation: over.generation ?? 4, resourceVersion: '9' },
        spec: over.spec ?? {},
        status: over.status ?? {},
      },
      scale: { spec: { replicas: 2 } },
      selector: { matchLabels: { app: 'llama' } },
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
