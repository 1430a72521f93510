/** What pods and nodes say of themselves: who goes, who must not be evicted, who only holds a place. */
import { describe, expect, test } from '@jest/globals';
import { loadByNode, nodeObservation, placeholdersByGroup } from '../../lib/cluster-view/kubernetes-nodes.ts';
import { podObservation } from '../../lib/cluster-view/kubernetes-pods.ts';
import { kubernetesEksView } from '../../lib/cluster-view/kubernetes-eks.ts';
import type { V1Node, V1Pod } from '../../lib/clients/kubernetes/facade.ts';
import { startCluster } from '../clients/kubernetes/server.ts';
import { groupPolicy } from '../core/builders.ts';

const node = (keys: readonly string[], labels: Readonly<Record<string, string>> = {}): V1Node => ({
  metadata: { name: 'n', labels },
  spec: { taints: keys.map((key) => ({ key, effect: 'NoSchedule' })) },
});

const pod = (over: {
  annotations?: Record<string, string>;
  labels?: Record<string, string>;
  deleted?: boolean;
}): V1Pod => ({
  metadata: { name: 'p', ...over, ...(over.deleted === true ? { deletionTimestamp: new Date(0) } : {}) },
  spec: { nodeName: 'n', containers: [{ name: 'c', resources: { limits: { 'nvidia.com/gpu': '1' } } }] },
});

describe('nodes that were announced to go', () => {
  test.each([
    ['aws-node-termination-handler/spot-itn', 'spotInterruption'],
    ['aws-node-termination-handler/asg-lifecycle-termination', 'terminating'],
    ['aws-node-termination-handler/rebalance-recommendation', 'rebalance'],
    ['aws-node-termination-handler/scheduled-maintenance', 'maintenance'],
    ['karpenter.sh/disrupted', 'terminating'],
    ['ToBeDeletedByClusterAutoscaler', 'terminating'],
  ])('%s means %s', (key, leaving) => {
    expect(nodeObservation(node(['nvidia.com/gpu', key]), undefined).leaving).toBe(leaving);
  });

  test('the most pressing of several counts, the label of the event too; other taints say nothing', () => {
    const both = ['aws-node-termination-handler/rebalance-recommendation', 'aws-node-termination-handler/spot-itn'];
    expect(nodeObservation(node(both), undefined).leaving).toBe('spotInterruption');
    const labelled = node([], { 'aws-node-termination-handler/event-id': 'spot-itn-6f1b' });
    expect(nodeObservation(labelled, undefined).leaving).toBe('spotInterruption');
    expect('leaving' in nodeObservation(node(['nvidia.com/gpu']), undefined)).toBe(false);
  });

  test('a reclaimed node of the simulated cloud is seen as one', async () => {
    const cluster = await startCluster({ nodeGroups: [{ name: 'g5', market: 'SPOT', desiredSize: 2 }] });
    try {
      cluster.world.reclaim('g5', 1);
      const { nodeGroups } = await kubernetesEksView(cluster).observe({
        workloads: [],
        nodeGroups: [groupPolicy({}, 'g5')],
      });
      const seen = nodeGroups['g5'];
      const leaving = seen?.kind === 'observed' ? seen.nodes.map((one) => one.leaving) : [];
      expect(leaving.filter((one) => one === 'spotInterruption')).toHaveLength(1);
    } finally {
      await cluster.close();
    }
  });
});

test.each([
  ['cluster-autoscaler.kubernetes.io/safe-to-evict', 'false'],
  ['karpenter.sh/do-not-disrupt', 'true'],
])('a pod with %s: %s must not be evicted', (annotation, value) => {
  expect(podObservation(pod({ annotations: { [annotation]: value } })).evictable).toBe(false);
  expect('evictable' in podObservation(pod({ annotations: { [annotation]: 'other' } }))).toBe(false);
});

test('placeholder pods are counted, and hold nothing on their node', () => {
  const buffer = { labels: { 'penstock.dev/buffer': 'g5' } };
  const pods = [pod({}), pod(buffer), pod(buffer), pod({ ...buffer, deleted: true })];
  expect(placeholdersByGroup(pods)).toEqual(new Map([['g5', 2]]));
  expect(loadByNode(pods).get('n')?.podCount).toBe(1);
  expect(nodeObservation(node([]), loadByNode(pods).get('n')).gpusUsed).toEqual({ 'nvidia.com/gpu': 1 });
});

test('a Karpenter node pool has the nodes with its label, and no sizes of its own', async () => {
  const labels = { 'karpenter.sh/nodepool': 'gpu' };
  const cluster = await startCluster({ nodeGroups: [{ name: 'any', desiredSize: 2, labels }] });
  try {
    const provider = { kind: 'karpenterNodePool', nodePool: 'gpu' };
    const policy = groupPolicy({ provider, ownership: 'buffer', nodes: { max: 7 } }, 'pool');
    const { nodeGroups } = await kubernetesEksView({ ...cluster }).observe({ workloads: [], nodeGroups: [policy] });
    expect(nodeGroups['pool']).toMatchObject({ kind: 'observed', min: 0, max: 7, desired: 2, placeholders: 0 });
    expect(cluster.server.requests.of('DescribeNodegroup')).toEqual([]);
  } finally {
    await cluster.close();
  }
});
