import { describe, expect, test } from '@jest/globals';
import { nodeGroupStatus } from '../../../../lib/simulator/world/aws/node-group-updates.ts';
import { buildWorld, deployment, elapsedSec, group, resize, secUntil, wait } from '../builders.ts';

describe('L8 updates', () => {
  test('an update is InProgress, changes the group after 2 s and is Successful after 10 s', () => {
    const world = buildWorld();
    const id = resize(world, { desiredSize: 3 });
    const gpu = world.group('gpu');
    expect(nodeGroupStatus(gpu)).toBe('UPDATING');
    wait(world, 1.9);
    expect(gpu.size.desiredSize).toBe(2);
    wait(world, 0.2);
    expect(gpu.size.desiredSize).toBe(3);
    expect(gpu.updates.get(id)?.status).toBe('InProgress');
    wait(world, 8);
    expect(gpu.updates.get(id)?.status).toBe('Successful');
    expect(nodeGroupStatus(gpu)).toBe('ACTIVE');
  });

  test('one at a time: a second update is refused while the first runs', () => {
    const world = buildWorld();
    const id = resize(world, { desiredSize: 3 });
    expect(world.updateNodeGroup('gpu', { desiredSize: 4, token: 'b' })).toEqual({
      ok: false,
      code: 'ResourceInUseException',
      message: `Nodegroup cannot be updated as it currently has update ${id} in progress`,
    });
    wait(world, 10);
    expect(world.updateNodeGroup('gpu', { desiredSize: 4, token: 'b' }).ok).toBe(true);
  });

  test('the same token answers the same update and changes nothing again', () => {
    const world = buildWorld();
    const first = world.updateNodeGroup('gpu', { desiredSize: 3, token: 't' });
    wait(world, 20);
    world.editGroup('gpu', { desiredSize: 1 });
    expect(world.updateNodeGroup('gpu', { desiredSize: 3, token: 't' })).toEqual(first);
    wait(world, 20);
    expect(world.group('gpu').size.desiredSize).toBe(1);
  });

  test.each([
    [{ minSize: 8 }, "Minimum capacity 8 can't be greater than maximum size 5"],
    [{ minSize: 3 }, "Minimum capacity 3 can't be greater than desired size 2"],
    [{ desiredSize: 9 }, "desired capacity 9 can't be greater than max size 5"],
    [{ maxSize: 1 }, "desired capacity 2 can't be greater than max size 1"],
    [{ minSize: -1 }, 'Minimum capacity must be greater than or equal to 0'],
    [{ maxSize: 0, desiredSize: 0 }, 'Maximum capacity must be greater than or equal to 1'],
    [{ desiredSize: 2.5 }, 'Scaling configuration must be integers'],
  ])('omitted sizes keep their value, so %j is refused', (size, message) => {
    const answer = buildWorld().updateNodeGroup('gpu', { ...size, token: 't' });
    expect(answer).toEqual({ ok: false, code: 'InvalidParameterException', message });
  });

  test('a hung update blocks others until it is released, a failed one changes nothing', () => {
    const world = buildWorld();
    world.hangUpdate('gpu');
    const hung = resize(world, { desiredSize: 3 });
    wait(world, 7200);
    expect(world.group('gpu').updates.get(hung)?.status).toBe('InProgress');
    world.releaseUpdate('gpu', 'Cancelled');
    world.failUpdate('gpu', { errorCode: 'NodeCreationFailure', errorMessage: 'no' });
    const failed = resize(world, { desiredSize: 4 });
    wait(world, 60);
    expect(world.group('gpu').updates.get(failed)).toMatchObject({
      status: 'Failed',
      errors: [{ errorCode: 'NodeCreationFailure', errorMessage: 'no' }],
    });
    expect(world.group('gpu').size.desiredSize).toBe(2);
  });

  test('an update sent before a decrement overwrites it: a stale desired size brings the node back', () => {
    const world = buildWorld();
    resize(world, { minSize: 0, maxSize: 5, desiredSize: 2 });
    const [first] = world.group('gpu').instances.keys();
    world.terminateInstance(first ?? '', { decrement: true });
    expect(world.group('gpu').size.desiredSize).toBe(1);
    wait(world, 120);
    expect(world.group('gpu').size.desiredSize).toBe(2);
    expect(world.readyNodes('gpu')).toHaveLength(2);
  });
});

describe('L9 launches', () => {
  test('a node is Ready after its boot time and its GPUs are allocatable later', () => {
    const world = buildWorld({ nodeGroups: [group({ desiredSize: 0, bootSec: 100, gpuReadySec: 30 })] });
    world.editGroup('gpu', { desiredSize: 1 });
    expect(secUntil(world, () => world.state.nodes.size === 1)).toBe(1 + 95);
    const [node] = world.state.nodes.values();
    expect(node).toMatchObject({ ready: false, gpusAllocatable: 0 });
    expect(secUntil(world, () => world.readyNodes('gpu').length === 1)).toBe(101);
    expect(node?.gpusAllocatable).toBe(0);
    expect(secUntil(world, () => node?.gpusAllocatable === 1)).toBe(131);
  });

  test('an instance is InService before its node exists', () => {
    const world = buildWorld({ nodeGroups: [group({ desiredSize: 0 })] });
    world.editGroup('gpu', { desiredSize: 1 });
    wait(world, 17);
    const [instance] = world.group('gpu').instances.values();
    expect(instance).toMatchObject({ lifecycle: 'InService', node: undefined });
  });

  test('an instance whose node never joins costs money and becomes a health issue after 15 minutes', () => {
    const world = buildWorld({ nodeGroups: [group({ desiredSize: 0 })] });
    world.failBoots('gpu', { fault: 'neverJoins' });
    world.editGroup('gpu', { desiredSize: 2 });
    wait(world, 1000);
    expect(world.readyNodes('gpu')).toHaveLength(1);
    expect([...world.group('gpu').issues.keys()]).toEqual(['NodeCreationFailure']);
    expect(nodeGroupStatus(world.group('gpu'))).toBe('DEGRADED');
    expect(world.cost().instanceHours).toBeCloseTo((2 * 999) / 3600, 6);
  });

  test('a node may join without ever offering GPUs', () => {
    const world = buildWorld({ nodeGroups: [group({ desiredSize: 0 })] });
    world.failBoots('gpu', { fault: 'joinsWithoutGpus' });
    world.editGroup('gpu', { desiredSize: 1 });
    wait(world, 3600);
    expect(world.readyNodes('gpu').map((node) => node.gpusAllocatable)).toEqual([0]);
  });
});

describe('L10 shortage', () => {
  test('a stock-out shows as health issue and failed activities until a scale-out succeeds', () => {
    const world = buildWorld({ nodeGroups: [group({ capacity: 3 })] });
    resize(world, { desiredSize: 5 });
    wait(world, 100);
    const gpu = world.group('gpu');
    expect(gpu.instances.size).toBe(3);
    expect(nodeGroupStatus(gpu)).toBe('DEGRADED');
    const issue = gpu.issues.get('AsgInstanceLaunchFailures');
    expect(issue?.message).toMatch(
      /^Could not launch On-Demand Instances\. InsufficientInstanceCapacity - We currently do not have sufficient g5\.xlarge capacity in the Availability Zone you requested \(eu-west-1a\)\./,
    );
    const failures = gpu.activities.filter((activity) => activity.status === 'Failed');
    expect(failures.map((activity) => activity.statusMessage)).toEqual([issue?.message, issue?.message]);
    world.setCapacity('gpu', 5);
    wait(world, 61);
    expect(gpu.instances.size).toBe(5);
    expect(nodeGroupStatus(gpu)).toBe('ACTIVE');
  });

  test('scaling to zero does not heal a degraded group', () => {
    const world = buildWorld({ nodeGroups: [group({ capacity: 2 })], deployments: [] });
    resize(world, { desiredSize: 3 });
    wait(world, 20);
    resize(world, { desiredSize: 0 });
    wait(world, 600);
    expect(world.group('gpu').instances.size).toBe(0);
    expect(nodeGroupStatus(world.group('gpu'))).toBe('DEGRADED');
    resize(world, { desiredSize: 1 });
    wait(world, 10);
    expect(nodeGroupStatus(world.group('gpu'))).toBe('ACTIVE');
  });

  test('capacity follows its schedule', () => {
    const capacityOverTime = [{ atSec: 600, capacity: 4 }];
    const world = buildWorld({ nodeGroups: [group({ capacity: 2, capacityOverTime })] });
    world.editGroup('gpu', { desiredSize: 4 });
    const allThere = secUntil(world, () => world.group('gpu').instances.size === 4);
    expect(allThere).toBeGreaterThanOrEqual(600);
    expect(allThere).toBeLessThanOrEqual(660);
  });

  test('subnet addresses and the GPU quota of the account limit launches with their own messages', () => {
    const world = buildWorld({
      gpuQuota: 3,
      nodeGroups: [group(), group({ name: 'dry', desiredSize: 0, freeAddresses: 0 })],
    });
    world.editGroup('gpu', { desiredSize: 5 });
    world.editGroup('dry', { desiredSize: 1 });
    wait(world, 10);
    expect(world.group('gpu').instances.size).toBe(3);
    expect(world.group('gpu').issues.get('AsgInstanceLaunchFailures')?.message).toContain('VcpuLimitExceeded');
    world.editGroup('gpu', { desiredSize: 2 });
    wait(world, 70);
    expect([...world.group('dry').issues.keys()]).toContain('InsufficientFreeAddresses');
  });

  test('an update may be refused while DEGRADED, as a setting', () => {
    const world = buildWorld({ refuseUpdateWhenDegraded: true, nodeGroups: [group({ capacity: 2 })] });
    resize(world, { desiredSize: 3 });
    wait(world, 30);
    expect(world.updateNodeGroup('gpu', { desiredSize: 2, token: 'x' })).toMatchObject({
      code: 'ResourceInUseException',
      message: 'Nodegroup cannot be updated as it is currently not in Active State',
    });
  });
});

describe('L11 victims', () => {
  test('a lowered desired size kills a node of the group’s own choice, busy or not', () => {
    const busyVictims = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => {
      const world = buildWorld({ seed, deployments: [deployment({ replicas: 1 })] });
      resize(world, { desiredSize: 1 });
      wait(world, 5);
      return world.readyPods('chat').length === 0 ? 1 : 0;
    });
    const busy = busyVictims.reduce<number>((sum, one) => sum + one, 0);
    expect(busy).toBeGreaterThan(0);
    expect(busy).toBeLessThan(8);
  });

  test('its pods are deleted whatever the disruption budget says, and the instance goes after 15 minutes at the latest', () => {
    const world = buildWorld({
      deployments: [deployment({ replicas: 2, drainSec: 5_000, terminationGracePeriodSec: 7_200 })],
      disruptionBudgets: [{ name: 'pdb', matchLabels: { app: 'chat' }, maxUnavailable: 0 }],
    });
    world.editGroup('gpu', { desiredSize: 1 });
    wait(world, 2);
    expect(world.drainingPods('chat')).toHaveLength(1);
    expect(secUntil(world, () => world.state.nodes.size === 1)).toBe(901);
    expect(world.drainingPods('chat')).toHaveLength(0);
  });

  test('terminate with decrement takes the named instance and lowers the desired size by one', () => {
    const world = buildWorld();
    const [, second] = world.group('gpu').instances.keys();
    expect(world.terminateInstance(second ?? '', { decrement: true }).ok).toBe(true);
    expect(world.terminateInstance(second ?? '', { decrement: true }).ok).toBe(true);
    expect(world.group('gpu').size.desiredSize).toBe(1);
    wait(world, 120);
    expect([...world.group('gpu').instances.keys()]).not.toContain(second);
    expect(world.readyNodes('gpu')).toHaveLength(1);
  });

  test('without decrement a replacement is launched; below the minimum a decrement is refused', () => {
    const world = buildWorld({ nodeGroups: [group({ minSize: 2 })] });
    const [first] = world.group('gpu').instances.keys();
    expect(world.terminateInstance(first ?? '', { decrement: true })).toMatchObject({
      code: 'ValidationError',
      message: expect.stringContaining('desiredSize equals minSize (2)'),
    });
    expect(world.terminateInstance(first ?? '', { decrement: false }).ok).toBe(true);
    wait(world, 120);
    expect(world.readyNodes('gpu')).toHaveLength(2);
    expect(world.terminateInstance('i-unknown', { decrement: true })).toMatchObject({ code: 'ValidationError' });
  });

  test('a protected instance is never chosen', () => {
    const world = buildWorld();
    const [first, second] = world.group('gpu').instances.values();
    if (first === undefined || second === undefined) throw new Error('two instances');
    second.protectedFromScaleIn = true;
    world.editGroup('gpu', { desiredSize: 0 });
    wait(world, 300);
    expect([...world.group('gpu').instances.values()]).toEqual([second]);
  });
});

describe('L12 losses', () => {
  test('a spot reclaim warns for two minutes, then the instance is gone, and its group replaces it', () => {
    const world = buildWorld({
      nodeGroups: [group({ market: 'SPOT' })],
      deployments: [deployment({ drainSec: 10_000, terminationGracePeriodSec: 20_000 })],
    });
    const [lost] = world.reclaim('gpu', 1);
    wait(world, 1);
    expect(world.drainingPods('chat')).toHaveLength(1);
    expect(secUntil(world, () => world.drainingPods('chat').length === 0)).toBe(120);
    wait(world, 120);
    expect(world.readyNodes('gpu')).toHaveLength(2);
    expect([...world.group('gpu').instances.keys()]).not.toContain(lost);
    expect(world.group('gpu').size.desiredSize).toBe(2);
  });

  test('reclaims arrive at their rate', () => {
    const world = buildWorld({
      nodeGroups: [group({ market: 'SPOT', desiredSize: 100, maxSize: 100, reclaimsPerInstanceHour: 0.5 })],
      deployments: [],
    });
    wait(world, 3600);
    const lost = world.group('gpu').launchedCount - 100;
    expect(lost).toBeGreaterThan(30);
    expect(lost).toBeLessThan(75);
  });

  test('a failed instance is gone at once and replaced', () => {
    const world = buildWorld();
    const [first] = world.group('gpu').instances.keys();
    world.failInstance(first ?? '');
    expect(world.readyNodes('gpu')).toHaveLength(1);
    expect(world.readyPods('chat')).toHaveLength(1);
    wait(world, 200);
    expect(world.readyPods('chat')).toHaveLength(2);
  });
});

describe('L13 cost', () => {
  test('counts from launch, not from readiness, until the instance stops, at least a minute', () => {
    const world = buildWorld({ nodeGroups: [group({ gpusPerNode: 4, usdPerHour: 8 })], deployments: [] });
    wait(world, 1800);
    expect(world.cost()).toMatchObject({ instanceHours: 1, gpuHours: 4, usd: 8 });
    world.editGroup('gpu', { desiredSize: 3 });
    wait(world, 1 + 10);
    expect(world.cost().usd).toBeCloseTo(8 + (2 * 11 + 10) * (8 / 3600), 6);
    const young = [...world.group('gpu').instances.keys()].at(-1);
    world.terminateInstance(young ?? '', { decrement: true });
    wait(world, 1000);
    expect(world.group('gpu').instances.size).toBe(2);
    expect(world.cost().instanceHours).toBeCloseTo((2 * (1800 + 1011) + 60) / 3600, 6);
    expect(world.cost().byGroup.get('gpu')?.usd).toBeCloseTo(world.cost().usd, 9);
    expect(elapsedSec(world)).toBe(2811);
  });
});

const warmWorld = (pool: object = {}) =>
  buildWorld({ nodeGroups: [group({ warmPool: { maxPrepared: 4, ...pool } })], deployments: [] });
const statesOf = (world: ReturnType<typeof warmWorld>) =>
  [...world.group('gpu').instances.values()].map(({ lifecycle }) => lifecycle).toSorted();

describe('L19 warm pool', () => {
  test('is kept at what the group may grow by, and a scale-out takes from it first', () => {
    const world = warmWorld();
    expect(statesOf(world)).toEqual(['InService', 'InService', 'Warmed:Stopped', 'Warmed:Stopped']);
    world.editGroup('gpu', { desiredSize: 5 });
    wait(world, 40);
    expect(world.readyNodes('gpu')).toHaveLength(4);
    wait(world, 40);
    expect(world.readyNodes('gpu')).toHaveLength(5);
    const launches = world.group('gpu').activities.map(({ description }) => description.replace(/: i-.*/, ''));
    expect(launches).toEqual([
      'Launching a new EC2 instance from warm pool',
      'Launching a new EC2 instance from warm pool',
      'Launching a new EC2 instance',
    ]);
  });

  test('takes back what the group shrinks by where instances are reused, and costs nothing while they wait', () => {
    const world = warmWorld({ reuseOnScaleIn: true });
    const ids = new Set(world.group('gpu').instances.keys());
    world.editGroup('gpu', { desiredSize: 0 });
    wait(world, 3_600);
    expect(statesOf(world)).toEqual(['Warmed:Stopped', 'Warmed:Stopped', 'Warmed:Stopped', 'Warmed:Stopped']);
    expect(new Set(world.group('gpu').instances.keys())).toEqual(ids);
    expect(world.state.nodes.size).toBe(0);
    expect(world.cost().instanceHours).toBeLessThan(0.05);
    const [id = ''] = ids;
    expect(world.terminateInstance(id, { decrement: true })).toMatchObject({ ok: false, code: 'ValidationError' });
  });
});
