import { describe, expect, test } from '@jest/globals';
import { TransientError } from '../../../lib/base/errors.ts';
import { actuate } from '../../../lib/loop/actuate/actuate.ts';
import { listPauses, pause, resume } from '../../../lib/loop/pauses.ts';
import type { PauseScope } from '../../../lib/loop/pauses.ts';
import { GROUP_JOB, LLAMA, TARGET_JOB, actuateWorld } from './world.ts';

const by = { by: 'jo', reason: 'incident' };
const all = { kind: 'all' } as const;
const llama = { kind: 'workload', name: 'llama' } as const;
const g5 = { kind: 'nodeGroup', name: 'g5' } as const;

const unreachable = () => Promise.reject(new TransientError('Cannot reach Redis'));

describe('a pause', () => {
  test.each<[string, PauseScope, boolean, boolean]>([
    ['of everything', all, true, true],
    ['of a workload', llama, true, false],
    ['of a node group', g5, false, true],
    ['of something else', { kind: 'workload', name: 'other' }, false, false],
  ])('%s stops what it names, and nothing else', async (_, scope, stopsTarget, stopsGroup) => {
    const world = actuateWorld();
    await world.plan({ replicas: 5, nodes: 5 });
    await pause(world.deps, scope, by);
    await world.run(TARGET_JOB);
    await world.run(GROUP_JOB);
    expect(world.targets.writes).toHaveLength(stopsTarget ? 0 : 1);
    const [target, group] = [await world.record('target/llama'), await world.record('nodeGroup/g5')];
    expect([target?.outcome === 'refused', group?.outcome === 'refused']).toEqual([stopsTarget, stopsGroup]);
    if (stopsTarget) expect(target?.detail).toBe('paused by jo: incident');
  });

  test('that comes between the look at the object and the write stops the write', async () => {
    const world = actuateWorld();
    await world.plan({ replicas: 5 });
    const { targets } = world;
    const slow = {
      ...targets,
      read: async (ref: typeof LLAMA) => {
        const state = await targets.read(ref);
        await pause(world.deps, all, by);
        return state;
      },
    };
    const result = await actuate({ ...world.deps, targets: new Map([['*', slow]]) }, TARGET_JOB, { attempt: 1 });
    expect(result).toEqual({ done: true });
    expect(targets.writes).toEqual([]);
    expect((await world.record('target/llama'))?.detail).toBe('Cannot scale for "llama": paused by jo: incident');
  });

  test('stops a drain between two steps; lifted, the drain goes on', async () => {
    const world = actuateWorld({ nodes: 2 });
    const [node] = world.group.nodes;
    if (node === undefined) throw new Error('no node');
    await world.plan({ nodes: 1, victims: [{ nodeName: node.nodeName, instanceId: node.instanceId }] });
    await world.run(GROUP_JOB);
    await pause(world.deps, g5, by);
    for (let steps = 0; steps < 5; steps++) await world.run(GROUP_JOB);
    expect(world.group.nodes).toHaveLength(2);
    expect((await world.record('nodeGroup/g5'))?.drains).toHaveLength(1);
    await resume(world.deps, g5);
    await world.work(GROUP_JOB, 50);
    expect(world.group.nodes).toHaveLength(1);
  });

  test('that cannot be looked up lets nothing through', async () => {
    const world = actuateWorld();
    await world.plan({ replicas: 5 });
    const state = { ...world.state, pauses: { ...world.state.pauses, read: unreachable } };
    await expect(actuate({ ...world.deps, state }, TARGET_JOB, { attempt: 1 })).rejects.toBeInstanceOf(TransientError);
    expect(world.targets.writes).toEqual([]);
  });

  test('after the end of a pause the same plan is carried out', async () => {
    const world = actuateWorld();
    await world.plan({ replicas: 5 });
    await pause(world.deps, all, by);
    await world.run(TARGET_JOB);
    expect(await resume(world.deps, all)).toBe(true);
    await world.run(TARGET_JOB);
    expect((await world.targets.read(LLAMA)).replicas).toBe(5);
  });

  test.each(['observe', 'paused'] as const)(
    'mode %s of the policy in force stops at the next step, too',
    async (mode) => {
      const world = actuateWorld();
      await world.plan({ replicas: 5 });
      const { workload } = world.policies;
      world.policies.workload = { ...workload, spec: { ...workload.spec, mode } };
      await world.run(TARGET_JOB);
      expect(world.targets.writes).toEqual([]);
    },
  );
});

describe('pauses', () => {
  test('are listed, kept apart, and lifted one by one', async () => {
    const { deps } = actuateWorld();
    for (const scope of [llama, g5, all]) await pause(deps, scope, by);
    await pause(deps, llama, { by: 'somebody else', reason: '' });
    const atMs = deps.clock.nowMs();
    expect(await listPauses(deps)).toEqual([
      { kind: 'all', name: '', ...by, atMs },
      { ...llama, ...by, atMs },
      { ...g5, ...by, atMs },
    ]);
    expect([await resume(deps, all), await resume(deps, all)]).toEqual([true, false]);
    expect((await listPauses(deps)).map(({ name }) => name)).toEqual(['llama', 'g5']);
  });

  test('set by two people at once are both kept', async () => {
    const { deps } = actuateWorld();
    await Promise.all([pause(deps, llama, by), pause(deps, g5, by), pause(deps, all, by)]);
    expect(await listPauses(deps)).toHaveLength(3);
  });
});
