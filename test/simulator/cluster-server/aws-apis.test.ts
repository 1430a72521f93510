import { afterEach, describe, expect, test } from '@jest/globals';
import {
  AutoScalingClient,
  DescribeAutoScalingGroupsCommand,
  DescribeAutoScalingInstancesCommand,
  DescribeScalingActivitiesCommand,
  SetDesiredCapacityCommand,
  SetInstanceProtectionCommand,
  TerminateInstanceInAutoScalingGroupCommand,
  UpdateAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';
import {
  DescribeClusterCommand,
  DescribeNodegroupCommand,
  DescribeUpdateCommand,
  EKSClient,
  ListNodegroupsCommand,
  ListUpdatesCommand,
  UpdateNodegroupConfigCommand,
} from '@aws-sdk/client-eks';
import type { NodegroupScalingConfig } from '@aws-sdk/client-eks';
import { VirtualClock } from '../../../lib/base/clock.ts';
import { startClusterServer } from '../../../lib/simulator/cluster-server/server.ts';
import type { ClusterServer } from '../../../lib/simulator/cluster-server/server.ts';
import { createWorld } from '../../../lib/simulator/world/world.ts';
import type { World } from '../../../lib/simulator/world/world.ts';
import type { NodeGroupSettings, WorldSettings } from '../../../lib/simulator/world/settings.ts';
import { deployment, group } from '../world/builders.ts';

type Running = {
  readonly world: World;
  readonly clock: VirtualClock;
  readonly server: ClusterServer;
  readonly eks: EKSClient;
  readonly scaling: AutoScalingClient;
  readonly scalingGroup: string;
};

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

async function start(nodeGroup: Partial<NodeGroupSettings> = {}, settings: WorldSettings = {}): Promise<Running> {
  const clock = new VirtualClock();
  const world = createWorld(
    { nodeGroups: [group(nodeGroup)], deployments: [deployment({ replicas: 1 })], ...settings },
    clock.nowMs(),
  );
  const server = await startClusterServer({ world, clock, tickMs: 1000 });
  const options = {
    endpoint: server.awsUrl,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    maxAttempts: 1,
  };
  const [eks, scaling] = [new EKSClient(options), new AutoScalingClient(options)];
  open.push({
    close: () => {
      eks.destroy();
      scaling.destroy();
      return server.close();
    },
  });
  return { world, clock, server, eks, scaling, scalingGroup: world.group('gpu').scalingGroupName };
}

const gpu = { clusterName: 'prod', nodegroupName: 'gpu' };
const update = (scalingConfig: NodegroupScalingConfig, clientRequestToken?: string): UpdateNodegroupConfigCommand =>
  new UpdateNodegroupConfigCommand({
    ...gpu,
    scalingConfig,
    ...(clientRequestToken === undefined ? {} : { clientRequestToken }),
  });

/** The error of a call; throws when it succeeded. */
async function errorOf(call: Promise<unknown>): Promise<Error> {
  const error = await call.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (error instanceof Error) return error;
  throw new Error('the call succeeded');
}

async function statusOf({ eks }: Running): Promise<string | undefined> {
  return (await eks.send(new DescribeNodegroupCommand(gpu))).nodegroup?.status;
}

describe('EKS', () => {
  test('describes the cluster and its node groups', async () => {
    const { eks, server, scalingGroup } = await start({ labels: { pool: 'a' } });
    const { cluster } = await eks.send(new DescribeClusterCommand({ name: 'prod' }));
    expect(cluster).toMatchObject({ name: 'prod', status: 'ACTIVE', endpoint: server.kubernetesUrl });
    expect((await eks.send(new ListNodegroupsCommand({ clusterName: 'prod' }))).nodegroups).toEqual(['gpu']);
    const { nodegroup } = await eks.send(new DescribeNodegroupCommand(gpu));
    expect(nodegroup).toMatchObject({
      status: 'ACTIVE',
      scalingConfig: { minSize: 0, maxSize: 5, desiredSize: 2 },
      instanceTypes: ['g5.xlarge'],
      labels: { pool: 'a' },
      resources: { autoScalingGroups: [{ name: scalingGroup }] },
      health: { issues: [] },
    });
    expect(nodegroup?.createdAt).toBeInstanceOf(Date);
  });

  test('an update runs for its time: UPDATING, InProgress, then ACTIVE, Successful', async () => {
    const running = await start();
    const { eks, clock } = running;
    const started = await eks.send(update({ minSize: 0, maxSize: 5, desiredSize: 3 }));
    expect(started.update).toMatchObject({ status: 'InProgress', type: 'ConfigUpdate', errors: [] });
    const updateId = started.update?.id ?? '';
    const describeUpdate = new DescribeUpdateCommand({ name: 'prod', nodegroupName: 'gpu', updateId });
    expect(await statusOf(running)).toBe('UPDATING');
    await clock.advance(11_000);
    expect((await eks.send(describeUpdate)).update?.status).toBe('Successful');
    expect(await statusOf(running)).toBe('ACTIVE');
    const { updateIds } = await eks.send(new ListUpdatesCommand({ name: 'prod', nodegroupName: 'gpu' }));
    expect(updateIds).toEqual([updateId]);
  });

  test('a second update meanwhile is a ResourceInUseException, the same token the same update', async () => {
    const { eks, world } = await start();
    const first = await eks.send(update({ desiredSize: 3 }, 'token-a'));
    const again = await eks.send(update({ desiredSize: 3 }, 'token-a'));
    expect(again.update?.id).toBe(first.update?.id);
    expect(world.group('gpu').updates.size).toBe(1);
    const error = await errorOf(eks.send(update({ desiredSize: 4 }, 'token-b')));
    expect(error).toMatchObject({
      name: 'ResourceInUseException',
      nodegroupName: 'gpu',
      $metadata: { httpStatusCode: 409 },
      message: `Nodegroup cannot be updated as it currently has update ${first.update?.id} in progress`,
    });
  });

  test('omitted sizes keep their value in the check of min ≤ desired ≤ max', async () => {
    const { eks } = await start();
    const error = await errorOf(eks.send(update({ minSize: 3 })));
    expect(error).toMatchObject({
      name: 'InvalidParameterException',
      message: "Minimum capacity 3 can't be greater than desired size 2",
      $metadata: { httpStatusCode: 400 },
    });
  });

  test('unknown names are ResourceNotFoundExceptions', async () => {
    const { eks } = await start();
    const calls = [
      eks.send(new DescribeClusterCommand({ name: 'nobody' })),
      eks.send(new DescribeNodegroupCommand({ ...gpu, nodegroupName: 'nobody' })),
      eks.send(new DescribeUpdateCommand({ name: 'prod', nodegroupName: 'gpu', updateId: 'nobody' })),
    ];
    for (const call of calls) {
      expect(await errorOf(call)).toMatchObject({
        name: 'ResourceNotFoundException',
        $metadata: { httpStatusCode: 404 },
      });
    }
  });

  test('a stock-out degrades the group with a health issue and failed activities, until capacity is back', async () => {
    const running = await start({ capacity: 2 });
    const { eks, scaling, clock, world, scalingGroup } = running;
    await eks.send(update({ desiredSize: 4 }));
    await clock.advance(20_000);
    const { nodegroup } = await eks.send(new DescribeNodegroupCommand(gpu));
    expect(nodegroup).toMatchObject({
      status: 'DEGRADED',
      scalingConfig: { desiredSize: 4 },
      health: {
        issues: [
          { code: 'AsgInstanceLaunchFailures', message: expect.stringContaining('InsufficientInstanceCapacity') },
        ],
      },
    });
    const describeActivities = new DescribeScalingActivitiesCommand({ AutoScalingGroupName: scalingGroup });
    const [newest] = (await scaling.send(describeActivities)).Activities ?? [];
    expect(newest).toMatchObject({
      StatusCode: 'Failed',
      Progress: 100,
      StatusMessage: expect.stringContaining('We currently do not have sufficient g5.xlarge capacity'),
    });
    world.setCapacity('gpu', 10);
    await clock.advance(60_000);
    expect(await statusOf(running)).toBe('ACTIVE');
  });

  test('faults: throttling, 403, server error, expired token; a lost answer is found again by its token', async () => {
    const { eks, server, world } = await start();
    const describeGroup = (): Promise<unknown> => eks.send(new DescribeNodegroupCommand(gpu));
    const kinds = [
      ['throttle', 'ThrottlingException', 429],
      ['forbid', 'AccessDeniedException', 403],
      ['error', 'ServerException', 500],
      ['unauthenticated', 'ExpiredTokenException', 403],
    ] as const;
    for (const [kind, name, httpStatusCode] of kinds) {
      server.faults.add({ kind, count: 1, service: 'eks' });
      expect(await errorOf(describeGroup())).toMatchObject({ name, $metadata: { httpStatusCode } });
    }
    server.faults.add({ kind: 'loseAnswer', count: 1, operation: 'UpdateNodegroupConfig' });
    await errorOf(eks.send(update({ desiredSize: 3 }, 'token-a')));
    const found = await eks.send(update({ desiredSize: 3 }, 'token-a'));
    expect([...world.group('gpu').updates.keys()]).toEqual([found.update?.id]);
  });

  test('the SDK retries a throttled call by itself', async () => {
    const { server } = await start();
    const patient = new EKSClient({
      endpoint: server.awsUrl,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    });
    server.faults.add({ kind: 'throttle', count: 1 });
    expect((await patient.send(new DescribeNodegroupCommand(gpu))).nodegroup?.status).toBe('ACTIVE');
    patient.destroy();
    expect(server.requests.of('DescribeNodegroup').map((request) => request.status)).toEqual([429, 200]);
  });

  test('an unsigned call is refused', async () => {
    const { server } = await start();
    expect((await fetch(`${server.awsUrl}/clusters/prod/node-groups`)).status).toBe(403);
  });
});

describe('Auto Scaling', () => {
  test('describes groups, instances and their node group tags', async () => {
    const { scaling, scalingGroup, world } = await start();
    const described = await scaling.send(
      new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [scalingGroup] }),
    );
    const [first] = described.AutoScalingGroups ?? [];
    expect(first).toMatchObject({ MinSize: 0, MaxSize: 5, DesiredCapacity: 2, AvailabilityZones: ['eu-west-1a'] });
    expect(first?.Instances).toHaveLength(2);
    expect(first?.Tags).toContainEqual(expect.objectContaining({ Key: 'eks:nodegroup-name', Value: 'gpu' }));
    const [id = ''] = world.group('gpu').instances.keys();
    const { AutoScalingInstances } = await scaling.send(new DescribeAutoScalingInstancesCommand({ InstanceIds: [id] }));
    expect(AutoScalingInstances).toEqual([
      expect.objectContaining({
        InstanceId: id,
        AutoScalingGroupName: scalingGroup,
        LifecycleState: 'InService',
        ProtectedFromScaleIn: false,
      }),
    ]);
    const nobody = await scaling.send(new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: ['nobody'] }));
    expect(nobody.AutoScalingGroups).toEqual([]);
  });

  test('terminate with decrement takes that instance, once', async () => {
    const { scaling, world, clock } = await start();
    const [, id = ''] = world.group('gpu').instances.keys();
    const terminate = new TerminateInstanceInAutoScalingGroupCommand({
      InstanceId: id,
      ShouldDecrementDesiredCapacity: true,
    });
    const { Activity } = await scaling.send(terminate);
    expect(Activity).toMatchObject({
      Description: `Terminating EC2 instance: ${id}`,
      StatusCode: 'InProgress',
      Cause: expect.stringContaining('in response to a user request, shrinking the capacity from 2 to 1'),
    });
    await scaling.send(terminate);
    expect(world.group('gpu').size.desiredSize).toBe(1);
    await clock.advance(60_000);
    expect(world.group('gpu').instances.has(id)).toBe(false);
    expect(world.readyPods('chat')).toHaveLength(1);
    const gone = await errorOf(scaling.send(terminate));
    expect(gone).toMatchObject({ name: 'ValidationError', message: expect.stringContaining('Instance Id not found') });
  });

  test('a decrement below the minimum is a ValidationError', async () => {
    const { scaling, world } = await start({ minSize: 2 });
    const [id = ''] = world.group('gpu').instances.keys();
    const error = await errorOf(
      scaling.send(
        new TerminateInstanceInAutoScalingGroupCommand({ InstanceId: id, ShouldDecrementDesiredCapacity: true }),
      ),
    );
    expect(error).toMatchObject({
      name: 'ValidationError',
      message: expect.stringContaining('Currently, desiredSize equals minSize (2)'),
    });
  });

  test('SetDesiredCapacity and UpdateAutoScalingGroup change the group at once, within its bounds', async () => {
    const { scaling, world, clock, scalingGroup } = await start();
    const AutoScalingGroupName = scalingGroup;
    await scaling.send(new SetDesiredCapacityCommand({ AutoScalingGroupName, DesiredCapacity: 3 }));
    expect(world.group('gpu').size.desiredSize).toBe(3);
    const above = scaling.send(new SetDesiredCapacityCommand({ AutoScalingGroupName, DesiredCapacity: 9 }));
    expect((await errorOf(above)).message).toBe(
      'New SetDesiredCapacity value 9 is above max value 5 for the AutoScalingGroup.',
    );
    await scaling.send(new UpdateAutoScalingGroupCommand({ AutoScalingGroupName, MaxSize: 2 }));
    expect(world.group('gpu').size).toEqual({ minSize: 0, maxSize: 2, desiredSize: 2 });
    await clock.advance(120_000);
    expect(world.readyNodes('gpu')).toHaveLength(2);
  });

  test('a protected instance survives a lowered desired size', async () => {
    const { scaling, world, clock, scalingGroup } = await start();
    const [kept = ''] = world.group('gpu').instances.keys();
    const protection = { AutoScalingGroupName: scalingGroup, InstanceIds: [kept], ProtectedFromScaleIn: true };
    await scaling.send(new SetInstanceProtectionCommand(protection));
    await scaling.send(new SetDesiredCapacityCommand({ AutoScalingGroupName: scalingGroup, DesiredCapacity: 1 }));
    await clock.advance(120_000);
    expect([...world.group('gpu').instances.keys()]).toEqual([kept]);
  });

  test('faults have the protocol’s own error codes', async () => {
    const { scaling, server } = await start();
    const describeAll = (): Promise<unknown> => scaling.send(new DescribeAutoScalingGroupsCommand({}));
    const kinds = [
      ['throttle', 'Throttling'],
      ['forbid', 'AccessDenied'],
      ['unauthenticated', 'ExpiredToken'],
      ['error', 'InternalFailure'],
    ] as const;
    for (const [kind, name] of kinds) {
      server.faults.add({ kind, count: 1, service: 'autoscaling' });
      expect(await errorOf(describeAll())).toMatchObject({ name });
    }
    await describeAll();
  });

  test('texts with markup survive the XML', async () => {
    const { scaling, world } = await start({ name: 'gpu', zones: ['a<b>&"c"'] });
    const { AutoScalingInstances } = await scaling.send(new DescribeAutoScalingInstancesCommand({}));
    expect(AutoScalingInstances?.[0]?.AvailabilityZone).toBe('a<b>&"c"');
    expect(AutoScalingInstances).toHaveLength(world.group('gpu').instances.size);
  });
});
