import { describe, expect, test } from '@jest/globals';
import { CapacityError, ConfigError, ConflictError, NotFoundError, TransientError } from '../../../lib/base/errors.ts';
import { groupPolicy } from '../../core/builders.ts';
import { GROUP_JOB, actuateWorld } from './world.ts';
import type { ActuateWorld } from './world.ts';

const recordOf = (world: ActuateWorld) => world.record('nodeGroup/g5');
const resizes = (world: ActuateWorld) => world.nodes.calls.filter((one) => one.call === 'resize');

describe('actuate a node group that grows', () => {
  test('asks for min, max and desired together, follows the update, and is done', async () => {
    const world = actuateWorld();
    await world.plan({ nodes: 6 });
    expect(await world.run(GROUP_JOB)).toEqual({ done: false, againInMs: 1_500 });
    expect(await recordOf(world)).toMatchObject({ outcome: 'inProgress', update: { id: 'update-1', desired: 6 } });
    await world.work(GROUP_JOB);
    expect(resizes(world)).toEqual([{ call: 'resize', min: 0, max: 10, desired: 6, token: expect.any(String) }]);
    expect(world.group.desired).toBe(6);
    const record = await recordOf(world);
    expect(record).toMatchObject({ failures: 0, lastWritten: { count: 6 } });
    expect(record?.update).toBeUndefined();
    expect(world.metrics.counter('actuate_results_total', { kind: 'nodeGroup', outcome: 'applied' })).toBe(1);
  });

  test('replaying the job while the update runs sends nothing again', async () => {
    const world = actuateWorld();
    await world.plan({ nodes: 6 });
    for (let time = 0; time < 5; time++) await world.run(GROUP_JOB);
    await world.work(GROUP_JOB);
    await world.work(GROUP_JOB);
    expect(resizes(world)).toHaveLength(1);
  });

  test('a lost answer is sent again with the same token and makes no second update', async () => {
    const world = actuateWorld();
    await world.plan({ nodes: 6 });
    world.nodes.failNext('resize', { error: new TransientError('lost'), applied: true });
    await expect(world.run(GROUP_JOB)).rejects.toThrow('lost');
    await world.clock.advance(20_000);
    world.group.desired = 3;
    await world.run(GROUP_JOB, 2);
    expect(await recordOf(world)).toMatchObject({ outcome: 'inProgress', update: { id: 'update-1' } });
    expect(resizes(world)).toHaveLength(1);
    world.group.desired = 6;
    await world.work(GROUP_JOB);
    expect(resizes(world)).toHaveLength(1);
    expect(world.group.desired).toBe(6);
    expect((await recordOf(world))?.foreignWrite).toBeUndefined();
  });

  test('a request that never arrived is sent once, with the plan of then', async () => {
    const world = actuateWorld();
    await world.plan({ nodes: 6 });
    world.nodes.failNext('resize', { error: new TransientError('lost') });
    await expect(world.run(GROUP_JOB)).rejects.toThrow('lost');
    await world.plan({ nodes: 5 });
    await world.run(GROUP_JOB, 2);
    await world.work(GROUP_JOB);
    expect(resizes(world).map((one) => one.desired)).toEqual([5]);
  });

  test('the same wish later is a new update', async () => {
    const world = actuateWorld();
    await world.plan({ nodes: 6 });
    await world.work(GROUP_JOB);
    await world.clock.advance(600_000);
    world.group.desired = 3;
    await world.plan({ nodes: 6 });
    await world.work(GROUP_JOB);
    await world.plan({ nodes: 6 });
    await world.work(GROUP_JOB);
    const [first, second] = resizes(world);
    expect(resizes(world)).toHaveLength(2);
    expect(first?.token).not.toBe(second?.token);
  });

  test('never asks for more than the bounds of the policy and of the group itself', async () => {
    const world = actuateWorld();
    await world.plan({ nodes: 15 });
    await world.work(GROUP_JOB);
    expect(world.group).toMatchObject({ desired: 10, max: 10 });
    world.policies.group = groupPolicy({ nodes: { min: 0, max: 4 } }, 'g5');
    await world.plan({ nodes: 12 });
    await world.run(GROUP_JOB);
    expect((await recordOf(world))?.outcome).toBe('stale');
  });

  test('another update in flight is waited for, and then the newest plan counts', async () => {
    const world = actuateWorld();
    await world.plan({ nodes: 6 });
    world.nodes.failNext('resize', { error: new ConflictError('an update is in flight') });
    expect(await world.run(GROUP_JOB)).toEqual({ done: false, againInMs: 5_000 });
    expect(await recordOf(world)).toMatchObject({ outcome: 'inProgress', failures: 0 });
    await world.plan({ nodes: 7 });
    await world.work(GROUP_JOB);
    expect(resizes(world).map((one) => one.desired)).toEqual([7]);
  });

  test('a group that somebody else is changing is left alone until it is free', async () => {
    const world = actuateWorld();
    await world.plan({ nodes: 6 });
    world.group.status = 'updating';
    expect(await world.run(GROUP_JOB)).toEqual({ done: false, againInMs: 10_000 });
    expect(resizes(world)).toEqual([]);
    world.group.status = 'active';
    await world.work(GROUP_JOB);
    expect(world.group.desired).toBe(6);
  });

  test('a DEGRADED group is tried', async () => {
    const world = actuateWorld();
    world.group.status = 'degraded';
    await world.plan({ nodes: 6 });
    await world.work(GROUP_JOB);
    expect(world.group.desired).toBe(6);
  });

  test('a DEGRADED group that refuses is tried again later', async () => {
    const world = actuateWorld();
    world.group.status = 'degraded';
    await world.plan({ nodes: 6 });
    world.nodes.failNext('resize', { error: new ConflictError('not in Active State') });
    expect(await world.run(GROUP_JOB)).toEqual({ done: false, againInMs: 5_000 });
    await world.work(GROUP_JOB);
    expect(world.group.desired).toBe(6);
  });

  test('a group that is being deleted is told as not found', async () => {
    const world = actuateWorld();
    world.group.status = 'deleting';
    await world.plan({ nodes: 6 });
    await expect(world.run(GROUP_JOB)).rejects.toBeInstanceOf(NotFoundError);
    expect(await recordOf(world)).toMatchObject({ outcome: 'failed', failures: 1 });
  });

  test('an update that fails is recorded with its errors, paused, and tried anew', async () => {
    const world = actuateWorld();
    await world.plan({ nodes: 6 });
    world.nodes.nextUpdateEnds({ state: 'failed', errors: ['NodeCreationFailure: nodes did not join'] });
    await world.run(GROUP_JOB);
    await world.clock.advance(6_000);
    expect(await world.run(GROUP_JOB)).toEqual({ done: false, againInMs: 30_000 });
    expect(await recordOf(world)).toMatchObject({
      outcome: 'failed',
      failures: 1,
      detail: expect.stringContaining('NodeCreationFailure'),
    });
    await world.clock.advance(30_000);
    await world.work(GROUP_JOB);
    expect(resizes(world)).toHaveLength(2);
    expect(world.group.desired).toBe(6);
  });

  test('an update that never ends is given up after half an hour', async () => {
    const world = actuateWorld();
    await world.plan({ nodes: 6 });
    await world.run(GROUP_JOB);
    world.nodes.failNext('pollUpdate', { error: new TransientError('no answer') });
    await expect(world.run(GROUP_JOB)).rejects.toThrow('no answer');
    Object.assign(world.nodes.provisioner, { pollUpdate: async () => ({ state: 'inProgress', errors: [] }) });
    await world.clock.advance(1_800_001);
    expect(await world.run(GROUP_JOB)).toEqual({ done: true });
    expect(await recordOf(world)).toMatchObject({ outcome: 'failed', detail: expect.stringContaining('30 minutes') });
  });

  test('a refusal of the values is passed on and leaves no intent', async () => {
    const world = actuateWorld();
    await world.plan({ nodes: 6 });
    world.nodes.failNext('resize', { error: new ConfigError('InvalidParameter') });
    await expect(world.run(GROUP_JOB)).rejects.toBeInstanceOf(ConfigError);
    expect((await recordOf(world))?.update).toBeUndefined();
  });
});

describe('actuate a node group without capacity', () => {
  const SHORTAGE = 'InsufficientInstanceCapacity in eu-west-1a';

  test('backs off for 3 to 30 minutes, doubling, and asks for nothing meanwhile', async () => {
    const world = actuateWorld();
    world.group.capacityShortage = SHORTAGE;
    const untils: number[] = [];
    for (let round = 0; round < 6; round++) {
      await world.plan({ nodes: 6 + round });
      const before = resizes(world).length;
      await world.run(GROUP_JOB);
      const backoff = (await recordOf(world))?.capacityBackoff;
      if (backoff === undefined) throw new Error('no back-off');
      expect(backoff).toMatchObject({ cause: SHORTAGE, attempts: round + 1 });
      untils.push((backoff.untilMs - world.clock.nowMs()) / 60_000);
      expect(resizes(world).length - before).toBe(round === 0 ? 0 : 1);
      await world.clock.advance(6_000);
      await world.run(GROUP_JOB);
      await world.plan({ nodes: 9 });
      const during = resizes(world).length;
      expect(await world.run(GROUP_JOB)).toMatchObject({ done: false });
      expect(resizes(world)).toHaveLength(during);
      world.group.desired = 3;
      await world.clock.advance(backoff.untilMs - world.clock.nowMs());
      const record = await world.state.actuation.read('nodeGroup/g5');
      if (record !== undefined) {
        // The sizes fell back by the hand of this test, which is no foreign writer.
        await world.state.actuation.compareAndSet(
          'nodeGroup/g5',
          { ...record.value, lastWritten: { count: 3, atMs: 0 } },
          record.version,
        );
      }
    }
    const plain = [3, 6, 12, 24, 30, 30];
    for (const [index, minutes] of untils.entries()) {
      expect(minutes).toBeGreaterThanOrEqual(plain[index] ?? 0);
      expect(minutes).toBeLessThanOrEqual((plain[index] ?? 0) * 1.2);
    }
  });

  test('asks again at once when the capacity is back', async () => {
    const world = actuateWorld();
    world.group.capacityShortage = SHORTAGE;
    await world.plan({ nodes: 6 });
    await world.run(GROUP_JOB);
    expect(resizes(world)).toEqual([]);
    world.group.capacityShortage = null;
    await world.clock.advance(20_000);
    await world.plan({ nodes: 6 });
    await world.work(GROUP_JOB);
    expect(world.group.desired).toBe(6);
    expect((await recordOf(world))?.capacityBackoff).toBeUndefined();
  });

  test('a shortage that shows only after the update is noticed without a new plan', async () => {
    const world = actuateWorld();
    await world.plan({ nodes: 6 });
    await world.run(GROUP_JOB);
    await world.clock.advance(10_000);
    expect(await world.run(GROUP_JOB)).toEqual({ done: false, againInMs: 15_000 });
    world.group.capacityShortage = SHORTAGE;
    await world.clock.advance(15_000);
    const answer = await world.run(GROUP_JOB);
    expect((await recordOf(world))?.capacityBackoff).toMatchObject({ attempts: 1, cause: SHORTAGE });
    expect(answer.done ? 0 : answer.againInMs).toBe(60_000);
  });

  test('a refusal for want of capacity backs off as long, though the group shows nothing', async () => {
    const world = actuateWorld();
    await world.plan({ nodes: 6 });
    world.nodes.failNext('resize', { error: new CapacityError('VcpuLimitExceeded') });
    expect(await world.run(GROUP_JOB)).toMatchObject({ done: false });
    await world.clock.advance(70_000);
    await world.plan({ nodes: 6 });
    await world.run(GROUP_JOB);
    expect(resizes(world)).toEqual([]);
    await world.clock.advance(200_000);
    await world.plan({ nodes: 6 });
    await world.work(GROUP_JOB);
    expect(world.group.desired).toBe(6);
  });
});

describe('actuate a node group of another ownership or mode', () => {
  test.each([
    ['policy observe', { policy: { mode: 'observe' }, planned: {} }],
    ['policy paused', { policy: { mode: 'paused' }, planned: {} }],
    ['plan observe', { policy: {}, planned: { mode: 'observe' } }],
    ['ownership observe', { policy: { ownership: 'observe' }, planned: { ownership: 'observe' } }],
    ['ownership changed since the plan', { policy: { ownership: 'floor' }, planned: {} }],
  ] as const)('%s: nothing is called', async (_, { policy, planned }) => {
    const world = actuateWorld();
    world.policies.group = groupPolicy(policy, 'g5');
    world.nodes.failNext('describe', { error: new Error('the cloud was asked') });
    await world.plan({ nodes: 6, nodeGroup: planned });
    expect(await world.run(GROUP_JOB)).toEqual({ done: true });
    expect(await recordOf(world)).toMatchObject({ outcome: 'refused' });
    expect(world.nodes.calls).toEqual([]);
  });

  test('a drain is left as it is when the mode changes in its middle, and goes on when it changes back', async () => {
    const world = actuateWorld();
    const victims = world.group.nodes.slice(0, 1).map(({ nodeName, instanceId }) => ({ nodeName, instanceId }));
    await world.plan({ nodes: 2, victims });
    await world.run(GROUP_JOB);
    world.policies.group = groupPolicy({ mode: 'paused' }, 'g5');
    const before = world.nodes.calls.length;
    await world.work(GROUP_JOB);
    expect(world.nodes.calls).toHaveLength(before);
    world.policies.group = groupPolicy({}, 'g5');
    await world.plan({ nodes: 2, victims });
    await world.work(GROUP_JOB);
    expect(world.group.desired).toBe(2);
  });

  test('floor: raises min, and desired only as far as min needs', async () => {
    const world = actuateWorld();
    world.policies.group = groupPolicy({ ownership: 'floor' }, 'g5');
    await world.plan({ nodes: 2, nodeGroup: { ownership: 'floor' } });
    await world.work(GROUP_JOB);
    expect(world.group).toMatchObject({ min: 2, desired: 3 });
    await world.plan({ nodes: 5, nodeGroup: { ownership: 'floor' } });
    await world.work(GROUP_JOB);
    expect(world.group).toMatchObject({ min: 5, desired: 5 });
  });

  test('floor: lowers min only by a fresh full plan, and never desired', async () => {
    const world = actuateWorld({ min: 3 });
    world.policies.group = groupPolicy({ ownership: 'floor' }, 'g5');
    await world.plan({ kind: 'leading', nodes: 1, nodeGroup: { ownership: 'floor' } });
    await world.work(GROUP_JOB);
    expect(world.group).toMatchObject({ min: 3, desired: 3 });
    await world.plan({ nodes: 1, nodeGroup: { ownership: 'floor' } });
    await world.work(GROUP_JOB);
    expect(world.group).toMatchObject({ min: 1, desired: 3 });
  });

  test('floor: sizes of another autoscaler are no foreign hand', async () => {
    const world = actuateWorld();
    world.policies.group = groupPolicy({ ownership: 'floor' }, 'g5');
    await world.plan({ nodes: 4, nodeGroup: { ownership: 'floor' } });
    await world.work(GROUP_JOB);
    await world.clock.advance(600_000);
    world.group.desired = 8;
    await world.plan({ nodes: 6, nodeGroup: { ownership: 'floor' } });
    await world.work(GROUP_JOB);
    expect(world.group).toMatchObject({ min: 6, desired: 8 });
    expect((await recordOf(world))?.foreignWrite).toBeUndefined();
  });
});

describe('actuate an owned node group beside a foreign writer', () => {
  test('it waits a minute, tells of it, and then acts by a plan that has seen it', async () => {
    const world = actuateWorld();
    await world.plan({ nodes: 6 });
    await world.work(GROUP_JOB);
    await world.clock.advance(300_000);
    world.group.desired = 4;
    await world.plan({ nodes: 6 });
    expect(await world.run(GROUP_JOB)).toEqual({ done: false, againInMs: 60_000 });
    expect(await recordOf(world)).toMatchObject({ outcome: 'stale', foreignWrite: { count: 4 } });
    await world.clock.advance(60_000);
    await world.plan({ nodes: 6 });
    await world.work(GROUP_JOB);
    expect(world.group.desired).toBe(6);
  });
});
