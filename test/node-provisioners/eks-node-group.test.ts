import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ConflictError, DeniedError, TransientError } from '../../lib/base/errors.ts';
import { eksNodeGroup } from '../../lib/node-provisioners/eks-node-group.ts';
import { startCluster } from '../clients/kubernetes/server.ts';
import type { Cluster } from '../clients/kubernetes/server.ts';
import { nodeProvisionerConformance } from '../conformance/node-provisioner.ts';
import { groupPolicy } from '../core/builders.ts';

const settings = { nodeGroups: [{ name: 'g5', minSize: 1, maxSize: 5, desiredSize: 3 }] };
const group = groupPolicy({}, 'g5');

nodeProvisionerConformance('eksNodeGroup', async () => {
  const cluster = await startCluster(settings);
  return {
    provisioner: eksNodeGroup(cluster.aws),
    group,
    unknown: groupPolicy({}, 'nothing'),
    instances: () => [...cluster.world.group('g5').instances.keys()],
    updates: () => cluster.world.group('g5').updates.size,
    pass: (sec) => cluster.pass(sec),
    withoutCapacity: () => cluster.world.setCapacity('g5', 3),
    failNextUpdate: (text) => cluster.world.failUpdate('g5', { errorCode: text, errorMessage: 'it did not work' }),
    // Both attempts of the SDK.
    loseNextAnswer: () =>
      void cluster.server.faults.add({ kind: 'loseAnswer', operation: 'UpdateNodegroupConfig', count: 2 }),
    close: () => cluster.close(),
  };
});

describe('eksNodeGroup', () => {
  let cluster: Cluster;
  beforeEach(async () => {
    cluster = await startCluster(settings);
  });
  afterEach(() => cluster.close());

  const grow = async (desired: number) => {
    await eksNodeGroup(cluster.aws).resize(group, { min: 1, max: 5, desired, token: `grow-${desired}` });
    await cluster.pass(30);
  };

  test('a stock-out is told while the newest launch failed, and no longer after one succeeded', async () => {
    const provisioner = eksNodeGroup(cluster.aws);
    cluster.world.setCapacity('g5', 3);
    await grow(5);
    const short = await provisioner.describe(group);
    expect(short).toMatchObject({ status: 'degraded', desired: 5 });
    expect(short.capacityShortage).toMatch(/InsufficientInstanceCapacity/);
    cluster.world.setCapacity('g5', 10);
    await cluster.pass(120);
    expect(await provisioner.describe(group)).toMatchObject({ status: 'active', capacityShortage: null });
  });

  test('addresses and quota that ran out are shortages too', async () => {
    const provisioner = eksNodeGroup(cluster.aws);
    cluster.world.setFreeAddresses('g5', 0);
    await grow(4);
    expect((await provisioner.describe(group)).capacityShortage).toMatch(/free addresses/i);
  });

  test('without permission to read activities the health issues decide', async () => {
    cluster.world.setCapacity('g5', 3);
    await grow(5);
    cluster.server.faults.add({ kind: 'forbid', operation: 'DescribeScalingActivities' });
    const { capacityShortage } = await eksNodeGroup(cluster.aws).describe(group);
    expect(capacityShortage).toMatch(/^AsgInstanceLaunchFailures: .*InsufficientInstanceCapacity/);
  });

  test('a group that is DEGRADED can still be resized', async () => {
    cluster.world.setCapacity('g5', 3);
    await grow(4);
    cluster.world.setCapacity('g5', 10);
    await grow(5);
    await cluster.pass(120);
    expect(await eksNodeGroup(cluster.aws).describe(group)).toMatchObject({ desired: 5, status: 'active' });
  });

  test('names the IAM action that is missing', async () => {
    cluster.server.faults.add({ kind: 'forbid', operation: 'UpdateNodegroupConfig' });
    const denied = eksNodeGroup(cluster.aws).resize(group, { min: 1, max: 5, desired: 4, token: 't' });
    await expect(denied).rejects.toThrow(/eks:UpdateNodegroupConfig/);
    await expect(denied).rejects.toBeInstanceOf(DeniedError);
  });

  test.each(['throttle', 'error', 'drop'] as const)('%s is transient', async (kind) => {
    cluster.server.faults.add({ kind, operation: 'DescribeNodegroup' });
    await expect(eksNodeGroup(cluster.aws).describe(group)).rejects.toBeInstanceOf(TransientError);
  });

  test('gives up on an API that does not answer', async () => {
    await cluster.close();
    cluster = await startCluster(settings, { requestMsMax: 300 });
    cluster.server.faults.add({ kind: 'hang', operation: 'DescribeNodegroup' });
    await expect(eksNodeGroup(cluster.aws).describe(group)).rejects.toBeInstanceOf(TransientError);
  });

  test('desired that somebody raised after the caller read it is not lowered', async () => {
    cluster.world.editGroup('g5', { desiredSize: 5 });
    const late = eksNodeGroup(cluster.aws).resize(group, { min: 1, max: 5, desired: 4, token: 't' });
    await expect(late).rejects.toBeInstanceOf(ConflictError);
    expect(cluster.server.requests.of('UpdateNodegroupConfig')).toEqual([]);
  });

  test('sends min, max and desired together and nothing else', async () => {
    await grow(4);
    const [request] = cluster.server.requests.of('UpdateNodegroupConfig');
    expect(JSON.parse(request?.body ?? '')).toEqual({
      scalingConfig: { minSize: 1, maxSize: 5, desiredSize: 4 },
      clientRequestToken: 'grow-4',
    });
  });
});
