/** A store that loses plans, and clocks that differ: what one controller remembers of them. */
import { describe, expect, test } from '@jest/globals';
import { makeEvaluate } from '../../lib/loop/evaluate/evaluate.ts';
import { LOST_HOLD_MS, planMemory } from '../../lib/loop/plan-memory.ts';
import type { Plan } from '../../lib/core/types.ts';
import { observed, workloadPolicy } from '../core/builders.ts';
import { loopWorld, report } from '../support/builders-loop.ts';
import { TARGET_JOB, actuateWorld } from './actuate/world.ts';

const LLAMA = 'llama-8b-chat';
const FULL = { kind: 'full' } as const;
const plan = (seq: number): Plan => ({ pool: 'p', seq, atMs: 0, kind: 'full', targets: {}, nodeGroups: {} });

async function world(replicas: number) {
  const made = loopWorld({ documents: [workloadPolicy({ leadTimeSec: 60, scaleDown: { windowSec: 0 } }, LLAMA)] });
  made.view.targets.set(LLAMA, observed(replicas));
  await report(made, { workload: LLAMA, inFlight: 64 });
  return { ...made, evaluate: makeEvaluate(made.deps, { shareSnapshots: false }) };
}

type World = Awaited<ReturnType<typeof world>>;
const stored = async ({ state }: World) => {
  const read = await state.plans.read('default');
  if (read === undefined) throw new Error('no plan was stored');
  return read;
};
const later = async (of: World, inFlight: number, ms = 10_000) => {
  await of.clock.advance(ms);
  await report(of, { workload: LLAMA, inFlight, forSec: ms / 1_000 });
};

describe('planMemory', () => {
  test('tells a lost plan from one that was read before a newer one was stored', () => {
    const memory = planMemory();
    expect(memory.saw('p', undefined, { knownSeq: 0, nowMs: 0 })).toBe(false);
    memory.stored(plan(7));
    expect(memory.saw('p', plan(6), { knownSeq: 6, nowMs: 5 })).toBe(false);
    expect(memory.saw('p', plan(6), { knownSeq: 7, nowMs: 5 })).toBe(true);
    expect(memory.holdUntilMs('p')).toBe(5 + LOST_HOLD_MS);
    expect(memory.seqOf('p')).toBe(7);
    expect(memory.holdUntilMs('q')).toBe(0);
  });
});

describe('an evaluator whose store lost its plan', () => {
  test.each(['an older one', 'none'])(
    'and has %s: gives a higher sequence, and lowers nothing for a minute',
    async (left) => {
      const one = await world(10);
      await one.evaluate(FULL);
      const older = await stored(one);
      await later(one, 64);
      // A clock that goes on alone would not lift it: ten writes within a millisecond.
      for (let time = 0; time < 10; time++) await one.evaluate(FULL);
      const newest = await stored(one);
      if (left === 'none') await one.state.plans.remove('default');
      else await one.state.plans.compareAndSet('default', older.value, newest.version);
      await one.evaluate(FULL);
      expect((await stored(one)).value.seq).toBeGreaterThan(newest.value.seq);
      expect(one.metrics.counter('plans_lost_total')).toBe(1);
      await later(one, 4, 20_000);
      await one.evaluate(FULL);
      expect((await stored(one)).value.targets[LLAMA]?.replicas).toBe(10);
      await later(one, 4, LOST_HOLD_MS);
      await one.evaluate(FULL);
      expect((await stored(one)).value.targets[LLAMA]?.replicas).toBeLessThan(10);
      expect(one.metrics.counter('plans_lost_total')).toBe(1);
    },
  );
});

describe('clocks that differ', () => {
  test('by little: time does not go back from one evaluation to the next', async () => {
    const one = await world(10);
    const { deps } = one;
    const clock = { ...deps.clock, nowMs: () => one.clock.nowMs() + 4_000, monotonicMs: () => one.clock.monotonicMs() };
    await makeEvaluate({ ...deps, clock }, { shareSnapshots: false })(FULL);
    const ahead = (await stored(one)).value.atMs;
    await one.clock.advance(1_000);
    await one.evaluate(FULL);
    expect((await stored(one)).value.atMs).toBe(ahead);
    await one.clock.advance(10_000);
    await one.evaluate(FULL);
    expect((await stored(one)).value.atMs).toBe(one.clock.nowMs());
  });

  test('by much: a plan from a clock ahead raises and does not lower, because nobody knows how old it is', async () => {
    for (const [aheadMs, lowers] of [
      [30_000, false],
      [9_000, true],
    ] as const) {
      const one = actuateWorld();
      const decided = { kind: 'full', atMs: one.clock.nowMs() + aheadMs } as const;
      await one.plan({ replicas: 1, target: { decided } });
      await one.run(TARGET_JOB);
      expect(one.targets.writes.length).toBe(lowers ? 1 : 0);
      if (!lowers) expect(await one.record('target/llama')).toMatchObject({ outcome: 'stale' });
    }
    const one = actuateWorld();
    await one.plan({ replicas: 5, target: { decided: { kind: 'full', atMs: one.clock.nowMs() + 300_000 } } });
    await one.run(TARGET_JOB);
    expect(one.targets.writes).toHaveLength(1);
  });
});
