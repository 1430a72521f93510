import { describe, expect, test } from '@jest/globals';
import type { V1Pod } from '../../lib/clients/kubernetes/facade.ts';
import { gpusOfPod } from '../../lib/cluster-view/kubernetes-gpus.ts';
import { loadByNode } from '../../lib/cluster-view/kubernetes-nodes.ts';
import { podsByOwner } from '../../lib/cluster-view/kubernetes-pods.ts';
import type { PodOwner } from '../../lib/cluster-view/kubernetes-pods.ts';
import { seenWorkload, targetObservation } from '../../lib/cluster-view/kubernetes-targets.ts';
import { workloadPolicy } from '../core/builders.ts';

type PodParts = {
  readonly labels?: Record<string, string>;
  readonly namespace?: string;
  readonly owner?: { readonly kind: string; readonly name: string };
  readonly phase?: string;
  readonly nodeName?: string;
  readonly gpus?: string;
};

function pod(name: string, parts: PodParts = {}): V1Pod {
  const { labels = { app: 'llama' }, namespace = 'default', phase = 'Running', gpus = '1' } = parts;
  const controlledBy = parts.owner ?? { kind: 'ReplicaSet', name: 'llama-6d4b75cb6d' };
  return {
    metadata: {
      name,
      namespace,
      labels,
      ownerReferences: [{ apiVersion: 'v1', uid: 'u', controller: true, ...controlledBy }],
    },
    spec: {
      containers: [{ name: 'c', resources: { limits: { 'nvidia.com/gpu': gpus } } }],
      ...(parts.nodeName === undefined ? {} : { nodeName: parts.nodeName }),
    },
    status: { phase },
  };
}

function owner(name: string, parts: Partial<PodOwner> = {}): PodOwner {
  return { namespace: 'default', kind: 'Deployment', name, selector: { matchLabels: { app: name } }, ...parts };
}

const namesOf = (owners: readonly PodOwner[], pods: readonly V1Pod[]) =>
  [...podsByOwner(owners, pods).values()].map((found) => found.map((one) => one.metadata?.name));

describe('podsByOwner', () => {
  test('takes pods by selector in the own namespace, and confirms the controller', () => {
    const pods = [
      pod('mine'),
      pod('elsewhere', { namespace: 'other' }),
      pod('a-job', { owner: { kind: 'Job', name: 'llama' } }),
      pod('a-lookalike', { owner: { kind: 'ReplicaSet', name: 'llama-large-6d4b75cb6d' } }),
      pod('of-another', { labels: { app: 'mistral' } }),
      pod('finished', { phase: 'Failed' }),
    ];
    expect(namesOf([owner('llama')], pods)).toEqual([['mine']]);
  });

  test('two Deployments with overlapping labels each get their own', () => {
    const selector = { matchLabels: { team: 'a' } };
    const owners = [owner('llama', { selector }), owner('mistral', { selector })];
    const pods = [
      pod('l', { labels: { team: 'a' } }),
      pod('m', { labels: { team: 'a' }, owner: { kind: 'ReplicaSet', name: 'mistral-75cb6d' } }),
    ];
    expect(namesOf(owners, pods)).toEqual([['l'], ['m']]);
  });

  test('understands selectors made of expressions only', () => {
    const selector = {
      matchExpressions: [
        { key: 'app', operator: 'In', values: ['llama', 'llama2'] },
        { key: 'canary', operator: 'DoesNotExist' },
        { key: 'tier', operator: 'NotIn', values: ['batch'] },
        { key: 'app', operator: 'Exists' },
      ],
    };
    const pods = [
      pod('yes'),
      pod('canary', { labels: { app: 'llama', canary: 'true' } }),
      pod('batch', { labels: { app: 'llama', tier: 'batch' } }),
      pod('unlabelled', { labels: {} }),
    ];
    expect(namesOf([owner('llama', { selector })], pods)).toEqual([['yes']]);
  });

  test('a StatefulSet owns its pods directly', () => {
    const set = owner('llama', { kind: 'StatefulSet' });
    const pods = [pod('llama-0', { owner: { kind: 'StatefulSet', name: 'llama' } }), pod('not-mine')];
    expect(namesOf([set], pods)).toEqual([['llama-0']]);
  });
});

const gpus = (count: number) => ({ resources: { limits: { 'nvidia.com/gpu': String(count), cpu: '2' } } });

describe('gpusOfPod', () => {
  test('is the sum of containers and sidecars, or the largest init step', () => {
    const containers = [
      { name: 'a', ...gpus(2) },
      { name: 'b', ...gpus(1) },
    ];
    expect(gpusOfPod({ containers })).toEqual({ 'nvidia.com/gpu': 3 });
    const sidecar = { name: 's', restartPolicy: 'Always', ...gpus(1) };
    expect(gpusOfPod({ containers, initContainers: [sidecar] })).toEqual({ 'nvidia.com/gpu': 4 });
    const initContainers = [sidecar, { name: 'i', ...gpus(7) }];
    expect(gpusOfPod({ containers, initContainers })).toEqual({ 'nvidia.com/gpu': 8 });
  });

  test('counts slices and other makers by their names, and nothing that is no accelerator', () => {
    const limits = { 'nvidia.com/mig-1g.5gb': '2', 'aws.amazon.com/neuron': '1', 'vpc.amazonaws.com/pod-eni': '1' };
    expect(gpusOfPod({ containers: [{ name: 'a', resources: { limits } }] })).toEqual({
      'nvidia.com/mig-1g.5gb': 2,
      'aws.amazon.com/neuron': 1,
    });
  });
});

describe('loadByNode', () => {
  test('sums what unfinished pods hold, and counts those that would have to leave', () => {
    const pods = [
      pod('a', { nodeName: 'n1', gpus: '2' }),
      pod('b', { nodeName: 'n1' }),
      pod('done', { nodeName: 'n1', phase: 'Succeeded' }),
      pod('daemon', { nodeName: 'n1', owner: { kind: 'DaemonSet', name: 'plugin' }, gpus: '0' }),
      pod('unbound'),
    ];
    const loads = loadByNode(pods);
    expect([...loads.keys()]).toEqual(['n1']);
    expect(loads.get('n1')).toEqual({ gpus: new Map([['nvidia.com/gpu', 3]]), podCount: 2 });
  });
});

describe('targetObservation', () => {
  const status = { observedGeneration: 4, replicas: 3, updatedReplicas: 3 };
  const seen = (over: Partial<typeof status>) =>
    targetObservation(workloadPolicy(), {
      seen: seenWorkload({
        metadata: { generation: 4, resourceVersion: '9' },
        spec: { replicas: 3, selector: {}, template: {} },
        status: { ...status, ...over },
      }),
      pods: [],
      scaledBy: null,
    });

  test('a rollout is under way while the newest spec was not seen or old pods exist', () => {
    expect(seen({})).toMatchObject({ rolloutInProgress: false });
    expect(seen({ observedGeneration: 3 })).toMatchObject({ rolloutInProgress: true });
    expect(seen({ replicas: 4 })).toMatchObject({ rolloutInProgress: true });
  });

  test('an answer without a version is missing, not zero', () => {
    const object = { metadata: {}, spec: { selector: {}, template: {} } };
    const observation = targetObservation(workloadPolicy(), { seen: seenWorkload(object), pods: [], scaledBy: null });
    expect(observation.kind).toBe('missing');
  });
});
