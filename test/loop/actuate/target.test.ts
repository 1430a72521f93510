import { describe, expect, test } from '@jest/globals';
import { ConfigError, ConflictError, DeniedError, NotFoundError, TransientError } from '../../../lib/base/errors.ts';
import { workloadPolicy } from '../../core/builders.ts';
import { LLAMA, TARGET_JOB, actuateWorld } from './world.ts';
import type { ActuateWorld } from './world.ts';

const DONE = { done: true };
const recordOf = (world: ActuateWorld) => world.record('target/llama');
const countOf = async (world: ActuateWorld) => (await world.targets.read(LLAMA)).replicas;

/** Lets `change` happen at the moment of the PATCH. */
const race = (world: ActuateWorld, change: () => void, times = 1) => {
  const scale = world.targets.scale.bind(world.targets);
  let left = times;
  Object.assign(world.targets, {
    scale: (...args: Parameters<typeof scale>) => {
      if (left-- > 0) change();
      return scale(...args);
    },
  });
};

const applied = async () => {
  const world = actuateWorld();
  await world.plan({ replicas: 9 });
  await world.run(TARGET_JOB);
  return world;
};

const staleAfter = async (arrange: (world: ActuateWorld) => Promise<void> | void, replicas = 9) => {
  const world = actuateWorld();
  await world.plan({ replicas });
  await arrange(world);
  expect(await world.run(TARGET_JOB)).toEqual(DONE);
  expect((await recordOf(world))?.outcome).toBe('stale');
  expect(world.targets.writes).toEqual([]);
  return world;
};

describe('actuate a target', () => {
  test('raises to the plan, and says so in record, log and metrics', async () => {
    const world = actuateWorld();
    const plan = await world.plan({ replicas: 9 });
    expect(await world.run(TARGET_JOB)).toEqual(DONE);
    expect(world.targets.writes).toEqual([{ ref: LLAMA, replicas: 9, planSeq: plan.seq }]);
    expect(await recordOf(world)).toEqual({
      planSeq: plan.seq,
      outcome: 'applied',
      detail: '3 → 9 replicas',
      atMs: world.clock.nowMs(),
      failures: 0,
      notBeforeMs: 0,
      lastWritten: { count: 9, atMs: world.clock.nowMs(), generation: 2 },
    });
    expect(world.metrics.counter('actuate_results_total', { kind: 'target', outcome: 'applied' })).toBe(1);
    const lines = world.logged.filter((line) => line.fields['outcome'] === 'applied');
    expect(lines).toEqual([
      { message: 'actuation ended', fields: expect.objectContaining({ workload: 'llama', decision: 'd_1' }) },
    ]);
  });

  test('lowers to a fresh full plan', async () => {
    const world = actuateWorld();
    await world.plan({ replicas: 1 });
    await world.run(TARGET_JOB);
    expect(await countOf(world)).toBe(1);
  });

  test('replaying a job k times equals once', async () => {
    const world = actuateWorld();
    await world.plan({ replicas: 9 });
    for (let time = 0; time < 5; time++) expect(await world.run(TARGET_JOB)).toEqual(DONE);
    expect(world.targets.writes).toHaveLength(1);
    expect((await recordOf(world))?.outcome).toBe('already');
  });

  test('measures from the event to the write when the plan names the event', async () => {
    const world = actuateWorld();
    await world.plan({ replicas: 9, target: { triggerMs: world.clock.nowMs() - 40 } });
    await world.run(TARGET_JOB);
    expect(world.metrics.quantile('event_to_patch_ms', 0.5)).toBe(40);
  });

  test('a job without a plan does nothing', async () => {
    const world = actuateWorld();
    expect(await world.run(TARGET_JOB)).toEqual(DONE);
    expect(await recordOf(world)).toBeUndefined();
  });

  describe('refuses', () => {
    test.each(['observe', 'paused'] as const)('to write when the policy in force says %s', async (mode) => {
      const world = actuateWorld();
      await world.plan({ replicas: 9 });
      world.policies.workload = workloadPolicy({ mode }, 'llama');
      world.targets.failNext('read', { error: new Error('the target was touched') });
      expect(await world.run(TARGET_JOB)).toEqual(DONE);
      expect(await recordOf(world)).toMatchObject({
        outcome: 'refused',
        detail: `the policy in force says mode ${mode}`,
      });
      expect(world.targets.writes).toEqual([]);
    });

    test('to write when the plan was made in mode observe', async () => {
      const world = actuateWorld();
      await world.plan({ replicas: 9, target: { mode: 'observe' } });
      await world.run(TARGET_JOB);
      expect(await recordOf(world)).toMatchObject({ outcome: 'refused' });
      expect(world.targets.writes).toEqual([]);
    });

    test('to write when the policy is gone', async () => {
      const world = actuateWorld();
      await world.plan({ replicas: 9 });
      world.policies.workload = workloadPolicy({}, 'another');
      await world.run(TARGET_JOB);
      expect(await recordOf(world)).toMatchObject({ outcome: 'refused', detail: 'its policy is gone' });
    });

    test('once: the same refusal is not recorded again', async () => {
      const world = actuateWorld();
      await world.plan({ replicas: 9, target: { mode: 'observe' } });
      await world.run(TARGET_JOB);
      const first = await world.state.actuation.read('target/llama');
      await world.clock.advance(5_000);
      await world.plan({ replicas: 9, target: { mode: 'observe' } });
      await world.run(TARGET_JOB);
      expect((await world.state.actuation.read('target/llama'))?.version).toBe(first?.version);
    });
  });

  describe('is stale, writes nothing and has it decided again,', () => {
    test('when the object changed since the decision', async () => {
      const world = await staleAfter((one) => one.targets.put(LLAMA, 5));
      expect(world.evaluated).toEqual([['llama']]);
    });

    test('when a rollout began since the decision, on the way down', async () => {
      await staleAfter((world) => world.targets.rollout(LLAMA), 1);
    });

    test('when the bounds in force became narrower', async () => {
      const world = await staleAfter((one) => {
        one.policies.workload = workloadPolicy({ replicas: { min: 1, max: 8 } }, 'llama');
      });
      expect((await recordOf(world))?.detail).toBe('9 replicas are outside of 1 to 8');
    });

    test('when the plan is too old to lower by', async () => {
      await staleAfter((world) => world.clock.advance(61_000), 1);
    });

    test('when the plan is too old to raise by', async () => {
      await staleAfter((world) => world.clock.advance(601_000));
    });

    test('when the decision had not seen the target', async () => {
      await staleAfter(async (world) => void (await world.plan({ replicas: 9, target: { observed: null } })));
    });

    test('but only once for the same plan, so that it does not go round in circles', async () => {
      const world = await staleAfter((one) => one.targets.put(LLAMA, 5));
      await world.run(TARGET_JOB);
      await world.run(TARGET_JOB);
      expect(world.evaluated).toHaveLength(1);
    });
  });

  test('a leading plan may raise and not lower', async () => {
    const world = actuateWorld();
    await world.plan({ kind: 'leading', replicas: 1 });
    await world.run(TARGET_JOB);
    expect(await countOf(world)).toBe(3);
    await world.plan({ kind: 'leading', replicas: 5 });
    await world.run(TARGET_JOB);
    expect(await countOf(world)).toBe(5);
  });

  test('a leading plan may carry a decrease that a full evaluation decided just before', async () => {
    const world = actuateWorld();
    const decided = { kind: 'full', atMs: world.clock.nowMs() } as const;
    await world.clock.advance(500);
    await world.plan({ kind: 'leading', replicas: 2, target: { decided } });
    await world.run(TARGET_JOB);
    expect(await countOf(world)).toBe(2);
  });

  test('an older plan is never applied after a newer one', async () => {
    const world = actuateWorld();
    const older = await world.plan({ replicas: 20 });
    await world.clock.advance(1_000);
    await world.plan({ replicas: 4 });
    await world.run(TARGET_JOB);
    await world.storePlan(older);
    for (let time = 0; time < 3; time++) await world.run(TARGET_JOB);
    expect(world.targets.writes.map((one) => one.replicas)).toEqual([4]);
    expect((await recordOf(world))?.outcome).toBe('stale');
  });

  test('a count above a maximum that was lowered may come down step by step', async () => {
    const world = actuateWorld();
    world.targets.put(LLAMA, 12);
    world.policies.workload = workloadPolicy({ replicas: { min: 1, max: 5 } }, 'llama');
    await world.plan({ replicas: 9 });
    await world.run(TARGET_JOB);
    expect(await countOf(world)).toBe(9);
  });

  describe('when another write comes between read and PATCH', () => {
    test('a status write is read over and the scale tried again', async () => {
      const world = actuateWorld();
      await world.plan({ replicas: 9 });
      race(world, () => world.targets.touch(LLAMA));
      expect(await world.run(TARGET_JOB)).toEqual(DONE);
      expect(await countOf(world)).toBe(9);
    });

    test('a change of the spec makes it stale', async () => {
      const world = actuateWorld();
      await world.plan({ replicas: 9 });
      race(world, () => world.targets.put(LLAMA, 5));
      await world.run(TARGET_JOB);
      expect(await countOf(world)).toBe(5);
      expect((await recordOf(world))?.outcome).toBe('stale');
    });

    test('status writes without end are left to the queue', async () => {
      const world = actuateWorld();
      await world.plan({ replicas: 9 });
      race(world, () => world.targets.touch(LLAMA), 99);
      await expect(world.run(TARGET_JOB)).rejects.toBeInstanceOf(ConflictError);
      expect(await recordOf(world)).toMatchObject({ outcome: 'failed', failures: 1 });
    });
  });

  describe('when the orchestrator refuses', () => {
    test.each([
      ['403', new DeniedError('Cannot scale: expected permission to patch deployments/scale'), false],
      ['404, deleted meanwhile', new NotFoundError('Cannot scale: gone'), false],
      ['422', new ConfigError('Cannot scale: refused'), false],
      ['a timeout', new TransientError('Cannot scale: no answer'), true],
    ] as const)('%s is recorded and passed on to the queue', async (_, error, retryable) => {
      const world = actuateWorld();
      await world.plan({ replicas: 9 });
      world.targets.failNext('scale', { error });
      await expect(world.run(TARGET_JOB)).rejects.toMatchObject({ retryable });
      expect(await recordOf(world)).toMatchObject({ outcome: 'failed', detail: error.message, failures: 1 });
      expect(world.metrics.counter('actuate_results_total', { outcome: 'failed' })).toBe(1);
    });

    test('a fresh wake waits as long as a 429 asked for, a retry of the queue does not wait again', async () => {
      const world = actuateWorld();
      await world.plan({ replicas: 9 });
      world.targets.failNext('scale', { error: new TransientError('busy', { retryAfterMs: 7_000 }) });
      await expect(world.run(TARGET_JOB)).rejects.toThrow('busy');
      expect(await world.run(TARGET_JOB)).toEqual({ done: false, againInMs: 7_000 });
      expect(await world.run(TARGET_JOB, 2)).toEqual(DONE);
      expect(await countOf(world)).toBe(9);
      expect((await recordOf(world))?.failures).toBe(0);
    });

    test('failures in a row wait longer, up to a minute', async () => {
      const world = actuateWorld();
      await world.plan({ replicas: 9 });
      const pausesMs: number[] = [];
      for (let time = 0; time < 8; time++) {
        world.targets.failNext('read', { error: new DeniedError('no') });
        await expect(world.run(TARGET_JOB, 2)).rejects.toThrow('no');
        pausesMs.push(((await recordOf(world))?.notBeforeMs ?? 0) - world.clock.nowMs());
      }
      expect(pausesMs).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    });

    test('a lost answer is found to be done, and is no foreign hand', async () => {
      const world = actuateWorld();
      await world.plan({ replicas: 5 });
      await world.run(TARGET_JOB);
      await world.clock.advance(5_000);
      await world.plan({ replicas: 9 });
      world.targets.failNext('scale', { error: new TransientError('lost'), applied: true });
      await expect(world.run(TARGET_JOB)).rejects.toThrow('lost');
      await world.clock.advance(2_000);
      await world.plan({ replicas: 11 });
      await world.run(TARGET_JOB, 2);
      expect(await countOf(world)).toBe(11);
      expect((await recordOf(world))?.foreignWrite).toBeUndefined();
    });

    test('a count that the cluster changes on the way in is told, not fought', async () => {
      const world = actuateWorld();
      await world.plan({ replicas: 9 });
      const scale = world.targets.scale.bind(world.targets);
      Object.assign(world.targets, {
        scale: (ref: typeof LLAMA, change: Parameters<typeof scale>[1]) =>
          scale(ref, { ...change, replicas: change.replicas + 1 }),
      });
      await world.run(TARGET_JOB);
      expect(await recordOf(world)).toMatchObject({
        outcome: 'failed',
        detail: expect.stringContaining('asked for 9 replicas, the cluster stored 10'),
      });
      expect(await world.run(TARGET_JOB)).toEqual({ done: false, againInMs: 60_000 });
    });
  });

  describe('beside a foreign writer', () => {
    test('it waits a minute, tells of it, and then acts by a plan that has seen it', async () => {
      const world = await applied();
      await world.clock.advance(10_000);
      world.targets.put(LLAMA, 4);
      await world.plan({ replicas: 9 });
      expect(await world.run(TARGET_JOB)).toEqual({ done: false, againInMs: 60_000 });
      expect(await recordOf(world)).toMatchObject({
        outcome: 'stale',
        foreignWrite: { count: 4, atMs: world.clock.nowMs() },
      });
      expect(await countOf(world)).toBe(4);
      await world.clock.advance(60_000);
      await world.plan({ replicas: 9 });
      expect(await world.run(TARGET_JOB)).toEqual(DONE);
      expect(await countOf(world)).toBe(9);
    });

    test('in a fight over the count it writes at most once a minute', async () => {
      const world = await applied();
      const start = world.targets.writes.length;
      for (let sec = 0; sec < 600; sec += 5) {
        await world.clock.advance(5_000);
        if ((await countOf(world)) === 9) world.targets.put(LLAMA, 2);
        await world.plan({ replicas: 9 });
        await world.run(TARGET_JOB);
      }
      expect(world.targets.writes.length - start).toBeLessThanOrEqual(10);
      expect(world.targets.writes.length - start).toBeGreaterThanOrEqual(5);
      expect((await recordOf(world))?.foreignWrite?.count).toBe(2);
    });

    test('a count that equals the plan needs no fight', async () => {
      const world = await applied();
      world.targets.put(LLAMA, 12);
      await world.plan({ replicas: 12 });
      expect(await world.run(TARGET_JOB)).toEqual(DONE);
      expect((await recordOf(world))?.outcome).toBe('already');
    });
  });

  test('our own write between decision and step does not make the next plan stale', async () => {
    const world = actuateWorld();
    const seenBefore = await world.targets.read(LLAMA);
    await world.plan({ replicas: 9 });
    await world.run(TARGET_JOB);
    const seen = { replicas: seenBefore.replicas, generation: seenBefore.generation };
    await world.plan({ replicas: 12, target: { observed: seen } });
    await world.run(TARGET_JOB);
    expect(await countOf(world)).toBe(12);
  });

  test('two workers at once make one effective write', async () => {
    const world = actuateWorld();
    await world.plan({ replicas: 9 });
    const answers = await Promise.allSettled([world.run(TARGET_JOB), world.run(TARGET_JOB), world.run(TARGET_JOB)]);
    expect(world.targets.writes).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status === 'rejected') expect(answer.reason).toBeInstanceOf(ConflictError);
    }
    await world.clock.advance(5_000);
    await world.run(TARGET_JOB, 2);
    expect(await countOf(world)).toBe(9);
  });

  test('the pods that the plan names are asked to go first, and are like any other a minute later', async () => {
    const world = actuateWorld();
    await world.plan({ replicas: 2, target: { goFirst: ['pod-1'] } });
    expect(await world.run(TARGET_JOB)).toEqual({ done: false, againInMs: 60_000 });
    expect(world.targets.victims(LLAMA)).toEqual(['pod-1']);
    expect(await countOf(world)).toBe(2);
    await world.clock.advance(60_000);
    expect(await world.run(TARGET_JOB)).toEqual({ done: true });
    expect(world.targets.victims(LLAMA)).toEqual([]);
  });

  test('pods that were to go first are released when the lowering is undone or takes others', async () => {
    const world = actuateWorld();
    await world.plan({ replicas: 2, target: { goFirst: ['pod-1'] } });
    await world.run(TARGET_JOB);
    await world.plan({ replicas: 1, target: { goFirst: ['pod-0'] } });
    await world.run(TARGET_JOB);
    expect(world.targets.victims(LLAMA)).toEqual(['pod-0']);
    await world.plan({ replicas: 4 });
    await world.run(TARGET_JOB);
    expect(await countOf(world)).toBe(4);
    expect(world.targets.victims(LLAMA)).toEqual([]);
  });
});
