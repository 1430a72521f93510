/** Desired is lowered by what a stock-out never delivered: only by a fresh full plan, only while launches fail, only above the instances there are. */
import { describe, expect, test } from '@jest/globals';
import { TransientError } from '../../../lib/base/errors.ts';
import { GROUP_JOB, actuateWorld } from './world.ts';
import type { ActuateWorld, PlanParts } from './world.ts';

const resizes = (world: ActuateWorld) => world.nodes.calls.filter((one) => one.call === 'resize');

/** Three nodes of eight that were asked for, and no machines. */
async function shortWorld(): Promise<ActuateWorld> {
  const world = actuateWorld();
  await world.plan({ nodes: 8 });
  await world.work(GROUP_JOB, 20);
  world.group.capacityShortage = 'InsufficientInstanceCapacity';
  await world.work(GROUP_JOB, 120);
  await world.clock.advance(300_000);
  return world;
}

const less = (world: ActuateWorld, undelivered: number, over: Partial<PlanParts> = {}) =>
  world.plan({ nodes: world.group.desired - undelivered, nodeGroup: { undelivered }, ...over });

describe('nodes that a stock-out never delivered', () => {
  test('are no longer asked for, at once and in one update', async () => {
    const world = await shortWorld();
    await less(world, 4);
    await world.work(GROUP_JOB, 30);
    expect(resizes(world).map((one) => one.desired)).toEqual([8, 4]);
    expect(await world.record('nodeGroup/g5')).toMatchObject({ lastWritten: { count: 4 } });
    expect(world.nodes.calls.filter((one) => one.call === 'terminate')).toEqual([]);
    await world.plan({ nodes: 4 });
    await world.work(GROUP_JOB, 30);
    expect((await world.record('nodeGroup/g5'))?.foreignWrite).toBeUndefined();
  });

  test('an answer that was lost is asked for again with the same sizes, not with fewer', async () => {
    const world = await shortWorld();
    await less(world, 2);
    world.nodes.failNext('resize', { error: new TransientError('lost'), applied: true });
    await expect(world.run(GROUP_JOB)).rejects.toThrow('lost');
    await world.clock.advance(20_000);
    await world.run(GROUP_JOB, 2);
    await world.work(GROUP_JOB, 30);
    expect(world.group.desired).toBe(6);
    expect(resizes(world).map((one) => one.desired)).toEqual([8, 6]);
  });

  const refused: readonly (readonly [string, (world: ActuateWorld) => Promise<unknown>])[] = [
    ['by an event', (world) => less(world, 4, { kind: 'leading' })],
    [
      'by an old plan',
      async (world) => {
        await less(world, 4);
        await world.clock.advance(61_000);
      },
    ],
    [
      'once a launch succeeded',
      async (world) => {
        await less(world, 4);
        world.group.capacityShortage = null;
      },
    ],
    ['down to the instances there are', (world) => less(world, 5)],
    [
      'when the plan saw another size',
      async (world) => {
        await less(world, 4);
        world.group.desired = 7;
      },
    ],
  ];
  test.each(refused)('desired is not lowered %s', async (_, prepare) => {
    const world = await shortWorld();
    await prepare(world);
    const { desired } = world.group;
    await world.work(GROUP_JOB, 30);
    expect(world.group.desired).toBe(desired);
    expect(resizes(world)).toHaveLength(1);
    expect(await world.record('nodeGroup/g5')).toMatchObject({ failures: 0 });
  });
});
