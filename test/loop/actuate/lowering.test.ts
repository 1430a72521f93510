/** Idle pods first, and no more at once than the policy says: also when the lowering fails, is given up, or may not be wished for. */
import { describe, expect, test } from '@jest/globals';
import { DeniedError, TransientError } from '../../../lib/base/errors.ts';
import { VICTIMS_MAX } from '../../../lib/targets/contract.ts';
import { workloadPolicy } from '../../core/builders.ts';
import { LLAMA, TARGET_JOB, actuateWorld } from './world.ts';
import type { ActuateWorld } from './world.ts';

const recordOf = (world: ActuateWorld) => world.record('target/llama');
const countOf = async (world: ActuateWorld) => (await world.targets.read(LLAMA)).replicas;
const victims = (world: ActuateWorld) => world.targets.victims(LLAMA).toSorted();

function started(replicas = 10, spec: Record<string, unknown> = {}): ActuateWorld {
  const world = actuateWorld();
  world.targets.put(LLAMA, replicas);
  world.policies.workload = workloadPolicy({ replicas: { min: 1, max: 60 }, ...spec }, 'llama');
  return world;
}

/** Marks are refused until the returned function is called. */
function denyMarks(world: ActuateWorld): () => void {
  const mark = world.targets.preferVictims?.bind(world.targets);
  const denied = new DeniedError('Cannot mark pod "default/pod-1": expected permission to patch pods');
  Object.assign(world.targets, { preferVictims: () => Promise.reject(denied) });
  return () => void Object.assign(world.targets, { preferVictims: mark });
}

const names = (from: number) => Array.from({ length: VICTIMS_MAX }, (_, index) => `pod-${from + index}`);

const warnings = (world: ActuateWorld) =>
  world.logged.filter((line) => line.message.startsWith('pods to go first may not be marked'));

describe('marks of pods that go first', () => {
  test('are known before they are written, so that a lowering that fails leaves none behind', async () => {
    const world = started();
    await world.plan({ replicas: 8, target: { goFirst: ['pod-1', 'pod-2'] } });
    world.targets.failNext('scale', { error: new DeniedError('Cannot scale: expected permission') });
    await expect(world.run(TARGET_JOB)).rejects.toThrow(DeniedError);
    expect(victims(world)).toEqual(['pod-1', 'pod-2']);
    await world.clock.advance(60_000);
    await world.plan({ replicas: 10 });
    await world.run(TARGET_JOB);
    expect(victims(world)).toEqual([]);
    expect((await recordOf(world))?.preferred).toBeUndefined();
  });

  test('of which only some were written are all taken back', async () => {
    const world = started();
    await world.plan({ replicas: 8, target: { goFirst: ['pod-1', 'pod-2'] } });
    const mark = world.targets.preferVictims?.bind(world.targets);
    Object.assign(world.targets, {
      preferVictims: async (ref: typeof LLAMA, pods: { first: readonly string[] }) => {
        await mark?.(ref, { first: pods.first.slice(0, 1), release: [] });
        throw new TransientError('Cannot mark pod: expected an answer');
      },
    });
    await world.run(TARGET_JOB);
    expect(await countOf(world)).toBe(8);
    expect(victims(world)).toEqual(['pod-1']);
    Object.assign(world.targets, { preferVictims: mark });
    await world.clock.advance(60_000);
    await world.run(TARGET_JOB);
    expect(victims(world)).toEqual([]);
  });

  test('are no more than pods that go', async () => {
    const world = started();
    await world.plan({ replicas: 9, target: { goFirst: ['pod-1', 'pod-2', 'pod-3'] } });
    await world.run(TARGET_JOB);
    expect(victims(world)).toEqual(['pod-1']);
  });

  test('are at most so many in a step, marked and taken back together', async () => {
    const world = started(41);
    const asked: number[] = [];
    const mark = world.targets.preferVictims?.bind(world.targets);
    Object.assign(world.targets, {
      preferVictims: (...[ref, pods]: Parameters<NonNullable<typeof mark>>) => {
        asked.push(pods.first.length + pods.release.length);
        return mark?.(ref, pods);
      },
    });
    await world.plan({ replicas: 21, target: { goFirst: names(0) } });
    await world.run(TARGET_JOB);
    await world.plan({ replicas: 1, target: { goFirst: names(50) } });
    await world.run(TARGET_JOB);
    expect((await recordOf(world))?.preferred).toHaveLength(2 * VICTIMS_MAX);
    await world.clock.advance(60_000);
    await world.work(TARGET_JOB);
    expect(victims(world)).toEqual([]);
    expect((await recordOf(world))?.preferred).toBeUndefined();
    expect(Math.max(...asked)).toBeLessThanOrEqual(VICTIMS_MAX);
  });

  test('stand while the orchestrator chooses, also when the job comes again at once', async () => {
    const world = started();
    await world.plan({ replicas: 9, target: { goFirst: ['pod-1'] } });
    await world.run(TARGET_JOB);
    await world.clock.advance(1_000);
    expect(await world.run(TARGET_JOB)).toEqual({ done: false, againInMs: 9_000 });
    expect(victims(world)).toEqual(['pod-1']);
    await world.clock.advance(9_000);
    expect(await world.run(TARGET_JOB)).toEqual({ done: true });
    expect(victims(world)).toEqual([]);
  });

  test('that may not be written cost one warning, and the lowering goes on without', async () => {
    const world = started();
    const allow = denyMarks(world);
    for (const replicas of [9, 8, 7]) {
      await world.plan({ replicas, target: { goFirst: ['pod-1'] } });
      expect(await world.run(TARGET_JOB)).toEqual({ done: true });
      expect(await countOf(world)).toBe(replicas);
    }
    expect(warnings(world)).toHaveLength(1);
    expect(warnings(world)[0]?.message).toContain('grant patch on pods');
    expect((await recordOf(world))?.preferred).toBeUndefined();
    allow();
    await world.plan({ replicas: 6, target: { goFirst: ['pod-2'] } });
    await world.run(TARGET_JOB);
    expect(victims(world)).toEqual(['pod-2']);
    expect((await recordOf(world))?.marksDenied).toBeUndefined();
    denyMarks(world);
    await world.plan({ replicas: 5, target: { goFirst: ['pod-3'] } });
    await world.run(TARGET_JOB);
    expect(warnings(world)).toHaveLength(2);
  });

  test('stay as they are while nothing may be written', async () => {
    const world = started();
    await world.plan({ replicas: 9, target: { goFirst: ['pod-1'] } });
    await world.run(TARGET_JOB);
    world.policies.workload = workloadPolicy({ mode: 'paused' }, 'llama');
    await world.clock.advance(60_000);
    await world.run(TARGET_JOB);
    expect(victims(world)).toEqual(['pod-1']);
  });
});

describe('scaleDown.maxPerMinute at the target', () => {
  test('holds whatever the plan says: two of ten go, the others a minute later', async () => {
    const world = started(10, { scaleDown: { maxPerMinute: 2 } });
    await world.plan({ replicas: 3 });
    expect(await world.run(TARGET_JOB)).toEqual({ done: false, againInMs: 60_000 });
    expect(await countOf(world)).toBe(8);
    await world.clock.advance(20_000);
    await world.plan({ replicas: 3 });
    expect(await world.run(TARGET_JOB)).toEqual({ done: false, againInMs: 40_000 });
    expect(await recordOf(world)).toMatchObject({
      outcome: 'inProgress',
      detail: 'scaleDown.maxPerMinute 2 lets no more go yet',
    });
    expect(await countOf(world)).toBe(8);
    await world.clock.advance(40_000);
    await world.plan({ replicas: 3 });
    await world.run(TARGET_JOB);
    expect(await countOf(world)).toBe(6);
  });

  test('is never more than that in any minute, however the plans come', async () => {
    const world = started(40, { scaleDown: { maxPerMinute: 3 } });
    for (let sec = 0; sec < 600; sec += 7) {
      await world.plan({ replicas: 1 });
      await world.run(TARGET_JOB);
      await world.clock.advance(7_000);
    }
    const counts = world.targets.writes.map((write) => write.replicas);
    expect(counts.length).toBeGreaterThan(5);
    for (const [index, count] of counts.entries()) expect((counts[index - 1] ?? 40) - count).toBe(3);
    expect(counts.length).toBeLessThanOrEqual(10);
  });

  test('a share counts from what stood a minute ago', async () => {
    const world = started(10, { scaleDown: { maxPerMinute: '20%' } });
    await world.plan({ replicas: 1 });
    await world.run(TARGET_JOB);
    expect(await countOf(world)).toBe(8);
  });

  test('nothing goes where it allows none', async () => {
    const world = started(10, { scaleDown: { maxPerMinute: '0%' } });
    await world.plan({ replicas: 1 });
    await world.run(TARGET_JOB);
    expect(await countOf(world)).toBe(10);
  });

  test('replicas that only work together go together', async () => {
    const world = started(12, { replicas: { min: 4, max: 40, step: 4 }, scaleDown: { maxPerMinute: 2 } });
    await world.plan({ replicas: 4 });
    await world.run(TARGET_JOB);
    expect(await countOf(world)).toBe(8);
    await world.run(TARGET_JOB);
    expect(await countOf(world)).toBe(8);
  });

  test('does not limit a raise', async () => {
    const world = started(2, { scaleDown: { maxPerMinute: 1 } });
    await world.plan({ replicas: 30 });
    await world.run(TARGET_JOB);
    expect(await countOf(world)).toBe(30);
  });
});
