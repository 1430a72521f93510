import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { kubernetesEksView } from '../../lib/cluster-view/kubernetes-eks.ts';
import { ConfigError, DeniedError, TransientError } from '../../lib/base/errors.ts';
import { autoScalingGroup } from '../../lib/node-provisioners/auto-scaling-group.ts';
import { startCluster } from '../clients/kubernetes/server.ts';
import type { Cluster } from '../clients/kubernetes/server.ts';
import { nodeProvisionerConformance } from '../conformance/node-provisioner.ts';
import { groupPolicy } from '../core/builders.ts';

const settings = { nodeGroups: [{ name: 'g5', minSize: 1, maxSize: 5, desiredSize: 3 }] };

const policyOf = (name: string) => groupPolicy({ provider: { kind: 'autoScalingGroup', name } }, 'g5');
const groupOf = (cluster: Cluster) => policyOf(cluster.world.group('g5').scalingGroupName);

nodeProvisionerConformance(
  'autoScalingGroup',
  async () => {
    const cluster = await startCluster(settings);
    return {
      provisioner: autoScalingGroup(cluster.aws),
      group: groupOf(cluster),
      unknown: policyOf('nothing'),
      instances: () => [...cluster.world.group('g5').instances.keys()],
      // The SDK sends a request again when its answer was lost; the same sizes again change nothing.
      updates: () => new Set(cluster.server.requests.of('UpdateAutoScalingGroup').map((one) => one.body)).size,
      pass: (sec) => cluster.pass(sec),
      withoutCapacity: () => cluster.world.setCapacity('g5', 3),
      failNextUpdate: () => {},
      loseNextAnswer: () =>
        void cluster.server.faults.add({ kind: 'loseAnswer', operation: 'UpdateAutoScalingGroup', count: 2 }),
      close: () => cluster.close(),
    };
  },
  { atOnce: 'Auto Scaling changes sizes at once' },
);

describe('autoScalingGroup', () => {
  let cluster: Cluster;
  beforeEach(async () => {
    cluster = await startCluster(settings);
  });
  afterEach(() => cluster.close());

  const grow = async (desired: number) => {
    await autoScalingGroup(cluster.aws).resize(groupOf(cluster), { min: 1, max: 5, desired, token: `grow-${desired}` });
    await cluster.pass(30);
  };

  test('a stock-out is told while the newest launch failed, and no longer after one succeeded', async () => {
    const provisioner = autoScalingGroup(cluster.aws);
    cluster.world.setCapacity('g5', 3);
    await grow(5);
    expect((await provisioner.describe(groupOf(cluster))).capacityShortage).toMatch(/InsufficientInstanceCapacity/);
    cluster.world.setCapacity('g5', 10);
    await cluster.pass(120);
    expect(await provisioner.describe(groupOf(cluster))).toMatchObject({ status: 'active', capacityShortage: null });
  });

  test('its nodes are those of its instances', async () => {
    const policy = groupOf(cluster);
    const { nodeGroups } = await kubernetesEksView(cluster).observe({ workloads: [], nodeGroups: [policy] });
    const group = nodeGroups['g5'];
    expect(group).toMatchObject({ kind: 'observed', min: 1, max: 5, desired: 3, status: 'active', issues: [] });
    const ids = group?.kind === 'observed' ? group.nodes.map((node) => node.instanceId ?? '') : [];
    expect(ids.toSorted()).toEqual([...cluster.world.group('g5').instances.keys()].toSorted());
  });

  test('names the IAM action that is missing', async () => {
    cluster.server.faults.add({ kind: 'forbid', operation: 'UpdateAutoScalingGroup' });
    const denied = autoScalingGroup(cluster.aws).resize(groupOf(cluster), { min: 1, max: 5, desired: 4, token: 't' });
    await expect(denied).rejects.toThrow(/autoscaling:UpdateAutoScalingGroup/);
    await expect(denied).rejects.toBeInstanceOf(DeniedError);
  });

  test.each(['throttle', 'error', 'drop'] as const)('%s is transient', async (kind) => {
    cluster.server.faults.add({ kind, operation: 'DescribeAutoScalingGroups' });
    await expect(autoScalingGroup(cluster.aws).describe(groupOf(cluster))).rejects.toBeInstanceOf(TransientError);
  });

  test('gives up on an API that does not answer', async () => {
    await cluster.close();
    cluster = await startCluster(settings, { requestMsMax: 300 });
    cluster.server.faults.add({ kind: 'hang', operation: 'DescribeAutoScalingGroups' });
    await expect(autoScalingGroup(cluster.aws).describe(groupOf(cluster))).rejects.toBeInstanceOf(TransientError);
  });

  test('a policy of another provider is refused', async () => {
    const eks = autoScalingGroup(cluster.aws).describe(groupPolicy({}, 'g5'));
    await expect(eks).rejects.toBeInstanceOf(ConfigError);
  });
});
