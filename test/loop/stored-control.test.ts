/** A memory that is broken, or of an older version, neither stops a pool nor lets it shrink. */
import { describe, expect, test } from '@jest/globals';
import { makeEvaluate } from '../../lib/loop/evaluate/evaluate.ts';
import { readStatus } from '../../lib/loop/status.ts';
import { readStored } from '../../lib/loop/stored-control.ts';
import { observed, workloadPolicy } from '../core/builders.ts';
import { loopWorld, report } from '../support/builders-loop.ts';

const LLAMA = 'llama-8b-chat';
const FULL = { kind: 'full' } as const;

/** Ten replicas run, the load has been of one for long, and the stored memory is `stored`. */
async function worldWith(stored: unknown) {
  const world = loopWorld({ documents: [workloadPolicy({ leadTimeSec: 60 }, LLAMA)] });
  world.view.targets.set(LLAMA, observed(10));
  await report(world, { workload: LLAMA, inFlight: 4 });
  await world.state.control.compareAndSet(LLAMA, stored, undefined);
  const evaluate = makeEvaluate(world.deps, { shareSnapshots: false });
  const wanted = async (): Promise<number | undefined> => {
    await evaluate(FULL);
    return (await world.state.plans.read('default'))?.value.targets[LLAMA]?.replicas;
  };
  return { world, wanted };
}

describe('a stored memory', () => {
  test.each([
    ['no JSON of ours', null],
    ['of another version', { control: { version: 7 }, latest: null }],
    ['without its lists', { control: { version: 1, lastWanted: 1 }, latest: 'x' }],
    ['a text', 'gone'],
  ])('%s: the count stands for a stabilization window, then it may shrink', async (_, stored) => {
    const { world, wanted } = await worldWith(stored);
    expect(await wanted()).toBe(10);
    expect(world.metrics.counter('control_dropped_total')).toBe(1);
    for (let sec = 0; sec < 60; sec += 10) {
      expect(await wanted()).toBe(10);
      await world.clock.advance(10_000);
      await report(world, { workload: LLAMA, inFlight: 4, forSec: 10 });
    }
    await world.clock.advance(5_000);
    await report(world, { workload: LLAMA, inFlight: 4, forSec: 5 });
    expect(await wanted()).toBeLessThan(10);
    expect(world.metrics.counter('control_dropped_total')).toBe(1);
    expect(world.metrics.counter('decide_failures_total')).toBe(0);
  });

  test('says so once, with the workload', async () => {
    const { world, wanted } = await worldWith({ control: 4, latest: null });
    await wanted();
    await wanted();
    const told = world.logged.filter((line) => line.startsWith('stored memory is of another shape'));
    expect(told).toEqual([expect.stringContaining(LLAMA)]);
  });

  test('that is broken does not break status', async () => {
    const { world } = await worldWith({ latest: { replicas: null } });
    const status = await readStatus(world);
    expect(status.workloads[0]).toMatchObject({ workload: LLAMA, wanted: null, decision: null });
  });

  test('that does not exist is not broken', () => {
    expect(readStored(undefined)).toEqual({ control: undefined, latest: null, dropped: [] });
  });
});
