import { describe, expect, test } from '@jest/globals';
import { ConflictError, TransientError } from '../../../lib/base/errors.ts';
import { groupPolicy } from '../../core/builders.ts';
import { GROUP_JOB, actuateWorld } from './world.ts';
import type { ActuateWorld } from './world.ts';

const recordOf = (world: ActuateWorld) => world.record('nodeGroup/g5');
const victimsOf = (world: ActuateWorld, ...indexes: number[]) =>
  indexes.flatMap((index) => {
    const node = world.group.nodes[index];
    return node === undefined ? [] : [{ nodeName: node.nodeName, instanceId: node.instanceId }];
  });
const callsOf = (world: ActuateWorld, ...kinds: string[]) =>
  world.nodes.calls.filter((one) => kinds.includes(one.call));

/** Runs the job and, as the schedule would, a full plan every 10 s that wants the same. */
async function workWithSchedule(world: ActuateWorld, of: Parameters<ActuateWorld['plan']>[0], sec: number) {
  const endMs = world.clock.nowMs() + sec * 1000;
  while (world.clock.nowMs() < endMs) {
    const nextMs = world.clock.nowMs() + 10_000;
    await world.plan(of);
    await world.work(GROUP_JOB, 10);
    await world.clock.advance(Math.max(0, nextMs - world.clock.nowMs()));
  }
}

const inMiddle = async () => {
  const world = actuateWorld();
  const node = world.group.nodes[0];
  node?.pods.push('default/a', 'default/b', 'default/c');
  await world.plan({ nodes: 2, victims: victimsOf(world, 0) });
  for (let steps = 0; steps < 3; steps++) {
    await world.run(GROUP_JOB);
    await world.clock.advance(1_000);
  }
  expect(node?.cordoned).toBe(true);
  return { world, node };
};

describe('actuate a node group that shrinks', () => {
  test('cordons, evicts, looks twice, and ends exactly that instance', async () => {
    const world = actuateWorld();
    const [victim] = victimsOf(world, 1);
    const node = world.group.nodes[1];
    if (node === undefined || victim === undefined) throw new Error('no node');
    node.pods.push('default/llama-1', 'default/llama-2');
    await world.plan({ nodes: 2, victims: [victim] });
    await world.work(GROUP_JOB);
    expect(world.nodes.calls).toEqual([
      { call: 'cordon', nodeName: victim.nodeName },
      { call: 'evict', nodeName: victim.nodeName },
      { call: 'evict', nodeName: victim.nodeName },
      { call: 'terminate', instanceId: victim.instanceId, podsLeft: 0, cordoned: true },
    ]);
    expect(world.group.desired).toBe(2);
    const record = await recordOf(world);
    expect(record?.drains).toBeUndefined();
    expect(record).toMatchObject({ failures: 0, lastWritten: { count: 2 } });
  });

  test('desired is never lowered by a resize', async () => {
    const world = actuateWorld({ nodes: 5 });
    await workWithSchedule(world, { nodes: 2, victims: victimsOf(world, 0, 1, 2) }, 120);
    expect(callsOf(world, 'resize')).toEqual([]);
    expect(callsOf(world, 'terminate')).toHaveLength(3);
    expect(world.group.desired).toBe(2);
  });

  test('at most `parallel` nodes are drained at once', async () => {
    const world = actuateWorld({ nodes: 6 });
    for (const node of world.group.nodes) Object.assign(node, { pods: ['default/p'], blockedBy: 'a budget' });
    await workWithSchedule(world, { nodes: 1, victims: victimsOf(world, 0, 1, 2, 3, 4) }, 60);
    expect(world.group.nodes.filter((node) => node.cordoned)).toHaveLength(2);
    expect((await recordOf(world))?.drains).toHaveLength(2);
  });

  test('drains take turns: a blocked one does not hold up the other', async () => {
    const world = actuateWorld({ nodes: 4 });
    const [blocked, free] = world.group.nodes;
    Object.assign(blocked ?? {}, { pods: ['default/p'], blockedBy: 'a budget' });
    Object.assign(free ?? {}, { pods: ['default/q'] });
    await world.plan({ nodes: 2, victims: victimsOf(world, 0, 1) });
    await world.work(GROUP_JOB, 30);
    expect(callsOf(world, 'terminate')).toMatchObject([{ instanceId: free?.instanceId }]);
  });

  test('replaying jobs, or ten times as many of them, frees no node more', async () => {
    const world = actuateWorld({ nodes: 5 });
    const victims = victimsOf(world, 2);
    await world.plan({ nodes: 4, victims });
    for (let time = 0; time < 40; time++) {
      await world.run(GROUP_JOB);
      await world.clock.advance(200);
    }
    expect(callsOf(world, 'terminate')).toHaveLength(1);
    expect(world.group.desired).toBe(4);
  });

  test('a plan made from a view that still shows the ended node frees nothing more', async () => {
    const world = actuateWorld({ nodes: 5 });
    const victims = victimsOf(world, 2);
    await world.plan({ nodes: 4, victims });
    await world.work(GROUP_JOB);
    await workWithSchedule(world, { nodes: 3, victims }, 120);
    expect(callsOf(world, 'terminate')).toHaveLength(1);
    expect(world.group.desired).toBe(4);
    expect((await recordOf(world))?.foreignWrite).toBeUndefined();
  });

  test('min is lowered first where it would forbid it, to what the plan wants and not below the policy', async () => {
    const world = actuateWorld({ nodes: 3, min: 3 });
    world.policies.group = groupPolicy({ nodes: { min: 1, max: 20 } }, 'g5');
    await world.plan({ nodes: 2, victims: victimsOf(world, 0) });
    await world.work(GROUP_JOB);
    expect(callsOf(world, 'resize', 'terminate')).toMatchObject([
      { call: 'resize', min: 2, max: 10, desired: 3 },
      { call: 'terminate' },
    ]);
    expect(world.group).toMatchObject({ min: 2, desired: 2 });
  });

  test('a node with a pod that a budget protects is given up after 15 minutes, takes pods again, and is left alone', async () => {
    const world = actuateWorld();
    const node = world.group.nodes[0];
    Object.assign(node ?? {}, { pods: ['default/llama-1'], blockedBy: 'PodDisruptionBudget keep' });
    const victims = victimsOf(world, 0);
    await workWithSchedule(world, { nodes: 2, victims }, 890);
    expect(node?.cordoned).toBe(true);
    expect(await recordOf(world)).toMatchObject({ outcome: 'inProgress', detail: expect.stringContaining('keep') });
    await workWithSchedule(world, { nodes: 2, victims }, 60);
    expect(node?.cordoned).toBe(false);
    expect(callsOf(world, 'cordon', 'uncordon', 'terminate', 'evict')).toEqual([
      { call: 'cordon', nodeName: node?.nodeName },
      { call: 'uncordon', nodeName: node?.nodeName },
    ]);
    const failed = world.logged.filter((line) => line.fields['outcome'] === 'failed');
    expect(failed).toHaveLength(1);
    expect(failed[0]?.fields['detail']).toMatch(/gave up draining .* PodDisruptionBudget keep/);
    await workWithSchedule(world, { nodes: 2, victims }, 600);
    expect(callsOf(world, 'cordon')).toHaveLength(2);
  });

  describe('a victim that is no longer wanted', () => {
    test('takes pods again when the newest plan wants as many nodes as there are', async () => {
      const { world, node } = await inMiddle();
      await world.plan({ kind: 'leading', nodes: 3 });
      await world.work(GROUP_JOB);
      expect(node?.cordoned).toBe(false);
      expect(callsOf(world, 'terminate', 'resize')).toEqual([]);
      expect((await recordOf(world))?.drains).toBeUndefined();
    });

    test('takes pods again before any new node is asked for', async () => {
      const { world, node } = await inMiddle();
      await world.plan({ kind: 'leading', nodes: 4 });
      await world.work(GROUP_JOB);
      expect(node?.cordoned).toBe(false);
      expect(callsOf(world, 'uncordon', 'resize').map((one) => one.call)).toEqual(['uncordon', 'resize']);
    });

    test('is exchanged for another one the newest plan names', async () => {
      const { world, node } = await inMiddle();
      await world.plan({ nodes: 2, victims: victimsOf(world, 1) });
      const second = world.group.nodes[1];
      await world.work(GROUP_JOB);
      expect(node?.cordoned).toBe(false);
      expect(callsOf(world, 'terminate')).toMatchObject([{ instanceId: second?.instanceId }]);
    });
  });

  test('a pod that comes onto the node after it was seen empty is evicted first', async () => {
    const world = actuateWorld();
    const node = world.group.nodes[0];
    await world.plan({ nodes: 2, victims: victimsOf(world, 0) });
    await world.run(GROUP_JOB);
    await world.run(GROUP_JOB);
    expect((await recordOf(world))?.drains).toMatchObject([{ stage: 'empty' }]);
    node?.pods.push('default/late');
    await world.work(GROUP_JOB);
    expect(callsOf(world, 'evict', 'terminate')).toMatchObject([{ call: 'evict' }, { call: 'terminate', podsLeft: 0 }]);
  });

  test('no drain begins by a leading plan, or by one that is a minute old', async () => {
    const world = actuateWorld();
    await world.plan({ kind: 'leading', nodes: 2, victims: victimsOf(world, 0) });
    await world.work(GROUP_JOB);
    await world.plan({ nodes: 2, victims: victimsOf(world, 0) });
    await world.clock.advance(61_000);
    await world.work(GROUP_JOB, 60);
    expect(world.nodes.calls).toEqual([]);
  });

  test('no instance ends by a plan that is a minute old', async () => {
    const world = actuateWorld();
    const node = world.group.nodes[0];
    Object.assign(node ?? {}, { pods: ['default/a'], blockedBy: 'a budget' });
    const victims = victimsOf(world, 0);
    await world.plan({ nodes: 2, victims });
    await world.work(GROUP_JOB, 90);
    Object.assign(node ?? {}, { pods: [], blockedBy: undefined });
    await world.work(GROUP_JOB, 60);
    expect(callsOf(world, 'terminate')).toEqual([]);
    expect((await recordOf(world))?.outcome).toBe('stale');
    await world.plan({ nodes: 2, victims });
    await world.work(GROUP_JOB);
    expect(callsOf(world, 'terminate')).toHaveLength(1);
  });

  test('a lost answer to the ending is no foreign hand and ends nothing else', async () => {
    const world = actuateWorld({ nodes: 4 });
    const victims = victimsOf(world, 0);
    await world.clock.advance(300_000);
    await world.plan({ nodes: 4 });
    await world.work(GROUP_JOB);
    await world.clock.advance(300_000);
    await world.plan({ nodes: 3, victims });
    world.nodes.failNext('terminate', { error: new TransientError('lost'), applied: true });
    await expect(world.work(GROUP_JOB)).rejects.toThrow('lost');
    await world.clock.advance(2_000);
    await world.plan({ nodes: 3, victims: [] });
    await world.work(GROUP_JOB);
    expect(callsOf(world, 'terminate')).toHaveLength(1);
    expect(world.group.desired).toBe(3);
    expect((await recordOf(world))?.drains).toBeUndefined();
    expect((await recordOf(world))?.foreignWrite).toBeUndefined();
  });

  test('an ending that must wait waits', async () => {
    const world = actuateWorld();
    await world.plan({ nodes: 2, victims: victimsOf(world, 0) });
    world.nodes.failNext('terminate', { error: new ConflictError('scaling activity in progress') });
    await world.work(GROUP_JOB);
    expect(callsOf(world, 'terminate')).toHaveLength(1);
    expect((await recordOf(world))?.failures).toBe(0);
  });

  test('a node that left by itself ends its drain', async () => {
    const world = actuateWorld();
    world.group.nodes[0]?.pods.push('default/a', 'default/b', 'default/c');
    const victims = victimsOf(world, 0);
    await world.plan({ nodes: 2, victims });
    await world.run(GROUP_JOB);
    world.group.nodes.splice(0, 1);
    await world.run(GROUP_JOB);
    expect((await recordOf(world))?.drains).toBeUndefined();
    expect(callsOf(world, 'terminate')).toEqual([]);
  });

  test('a surplus without names is left: the cloud would choose the victim', async () => {
    const world = actuateWorld();
    await world.plan({ nodes: 1, victims: [] });
    await world.work(GROUP_JOB);
    expect(world.nodes.calls).toEqual([]);
    expect(world.group.desired).toBe(3);
  });

  test('a node that could not be cordoned is known to the record before', async () => {
    const world = actuateWorld();
    world.nodes.failNext('cordon', { error: new TransientError('no answer') });
    await world.plan({ nodes: 2, victims: victimsOf(world, 0) });
    await expect(world.run(GROUP_JOB)).rejects.toThrow('no answer');
    expect((await recordOf(world))?.drains).toMatchObject([{ nodeName: 'g5-node-0', stage: 'cordoned' }]);
  });

  test('right after an ending, a size that the cloud still shows as before is not believed', async () => {
    const world = actuateWorld({ nodes: 5 });
    const victims = victimsOf(world, 0, 1);
    await world.plan({ nodes: 4, victims });
    await world.work(GROUP_JOB, 5);
    expect(world.group.desired).toBe(4);
    // The view lags: one more than there are.
    world.group.desired = 5;
    await world.plan({ nodes: 4, victims: victimsOf(world, 0) });
    await world.work(GROUP_JOB, 20);
    expect(callsOf(world, 'terminate')).toHaveLength(1);
  });

  test('a size that somebody lowered right after our write is believed where it keeps nodes', async () => {
    const world = actuateWorld({ nodes: 5 });
    await world.plan({ nodes: 6 });
    await world.work(GROUP_JOB, 10);
    expect((await recordOf(world))?.lastWritten?.count).toBe(6);
    world.group.desired = 4;
    await world.plan({ nodes: 4, victims: victimsOf(world, 0) });
    await world.work(GROUP_JOB, 20);
    expect(callsOf(world, 'terminate', 'cordon')).toEqual([]);
  });
});
