import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { VirtualClock } from '../../../lib/base/clock.ts';
import { leadingEdge } from '../../../lib/hosts/process/leading-edge.ts';

type Run = { readonly atMs: number; readonly triggers: Readonly<Record<string, number>> };

/** A leading edge whose runs take `runMs`, and fail while `fails` says so. */
function edge(options: { debounceMs?: number; runMs?: number; fails?: () => unknown } = {}) {
  const clock = new VirtualClock(0);
  const runs: Run[] = [];
  const errors: unknown[] = [];
  let running = 0;
  let runningMost = 0;
  const it = leadingEdge({
    clock,
    debounceMs: options.debounceMs ?? 250,
    run: async (triggers) => {
      runs.push({ atMs: clock.nowMs(), triggers: Object.fromEntries(triggers) });
      runningMost = Math.max(runningMost, ++running);
      if (options.runMs !== undefined) await clock.sleep(options.runMs);
      running--;
      const failure = options.fails?.();
      if (failure !== undefined) throw failure;
    },
    onError: (error) => void errors.push(error),
  });
  return { clock, runs, errors, it, runningMost: () => runningMost };
}

describe('leadingEdge', () => {
  test('runs the first touch at once', () => {
    const { it, runs } = edge();
    it.touch(['a', 'b'], 7);
    expect(runs).toEqual([{ atMs: 0, triggers: { a: 7, b: 7 } }]);
  });

  test('gathers later touches within the debounce into one run at its end', async () => {
    const { it, runs, clock } = edge();
    it.touch(['a'], 1);
    await clock.advance(100);
    it.touch(['a'], 2);
    it.touch(['b'], 3);
    await clock.advance(149);
    expect(runs).toHaveLength(1);
    await clock.advance(1);
    expect(runs.slice(1)).toEqual([{ atMs: 250, triggers: { a: 2, b: 3 } }]);
    await clock.advance(10_000);
    expect(runs).toHaveLength(2);
  });

  test('runs at once again when the debounce is over', async () => {
    const { it, runs, clock } = edge();
    it.touch(['a'], 1);
    await clock.advance(250);
    it.touch(['a'], 2);
    expect(runs.map(({ atMs }) => atMs)).toEqual([0, 250]);
  });

  test('keeps the earliest trigger of a run, whatever the order of the touches', async () => {
    const { it, runs, clock } = edge();
    it.touch(['first'], 0);
    for (const atMs of [30, 10, 20]) it.touch(['a'], atMs);
    await clock.advance(250);
    expect(runs[1]?.triggers).toEqual({ a: 10 });
    it.touch(['a'], 40);
    await clock.advance(250);
    expect(runs[2]?.triggers).toEqual({ a: 40 });
  });

  test('never runs twice at the same time: what comes while one runs longer than the debounce waits for its end', async () => {
    const { it, runs, clock, runningMost } = edge({ runMs: 1_000 });
    it.touch(['a'], 1);
    for (let step = 0; step < 9; step++) {
      await clock.advance(100);
      it.touch(['b'], step);
    }
    expect(runs).toHaveLength(1);
    await clock.advance(100);
    expect(runs[1]).toEqual({ atMs: 1_000, triggers: { b: 0 } });
    expect(runningMost()).toBe(1);
  });

  test('without a debounce, runs one after the other', async () => {
    const { it, runs, clock, runningMost } = edge({ debounceMs: 0, runMs: 10 });
    it.touch(['a'], 1);
    it.touch(['b'], 2);
    await clock.advance(100);
    expect(runs.map(({ atMs }) => atMs)).toEqual([0, 10]);
    expect(runningMost()).toBe(1);
  });

  test('a failed run is reported and does not stop the next one', async () => {
    const failure = new Error('Cannot reach Redis');
    const { it, runs, errors, clock } = edge({ fails: () => failure });
    it.touch(['a'], 1);
    await clock.advance(250);
    it.touch(['a'], 2);
    await clock.advance(250);
    expect(errors).toEqual([failure, failure]);
    expect(runs).toHaveLength(2);
  });

  test('an error thrown before the first await is reported, too', async () => {
    const clock = new VirtualClock();
    const errors: unknown[] = [];
    const it = leadingEdge({
      clock,
      debounceMs: 0,
      run: () => {
        throw new Error('at once');
      },
      onError: (error) => void errors.push(error),
    });
    it.touch(['a'], 1);
    await it.stop();
    expect(errors).toEqual([new Error('at once')]);
  });

  test('nothing to touch runs nothing', async () => {
    const { it, runs, clock } = edge();
    it.touch([], 1);
    await clock.advance(1_000);
    expect(runs).toEqual([]);
  });

  test('stop waits for the run that is under way, and starts nothing after', async () => {
    const { it, runs, clock } = edge({ runMs: 500 });
    it.touch(['a'], 1);
    it.touch(['b'], 2);
    let stopped = false;
    const stop = it.stop().then(() => (stopped = true));
    await clock.advance(499);
    expect(stopped).toBe(false);
    await clock.advance(1);
    await stop;
    it.touch(['c'], 3);
    await clock.advance(10_000);
    expect(runs).toHaveLength(1);
  });

  test('stop does not wait for the debounce', async () => {
    const { it, clock } = edge({ debounceMs: 60_000 });
    it.touch(['a'], 1);
    await clock.advance(1);
    it.touch(['b'], 2);
    await it.stop();
    expect(clock.nowMs()).toBe(1);
  });

  test('stop without a run resolves', async () => {
    await expect(edge().it.stop()).resolves.toBeUndefined();
  });

  test('loses no touch, whichever turn of the event loop it comes in', async () => {
    // The touch comes some promise reactions after the first run: one of them is the moment in which the loop ends.
    for (let turns = 0; turns < 12; turns++) {
      const { it, runs, clock } = edge({ debounceMs: 0 });
      it.touch(['a'], 1);
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      it.touch(['b'], 2);
      await clock.advance(1);
      expect(runs.flatMap(({ triggers }) => Object.keys(triggers))).toEqual(['a', 'b']);
    }
  });

  test('every touch is in a run that started no later than a debounce and a run after it, and starts are a debounce apart', async () => {
    const touches = fc.array(fc.tuple(fc.nat({ max: 400 }), fc.constantFrom('a', 'b', 'c')), {
      minLength: 1,
      maxLength: 20,
    });
    await fc.assert(
      fc.asyncProperty(touches, fc.constantFrom(0, 100, 700), async (steps, runMs) => {
        const { it, runs, clock, runningMost } = edge({ runMs });
        const touched: { atMs: number; workload: string }[] = [];
        for (const [waitMs, workload] of steps) {
          await clock.advance(waitMs);
          touched.push({ atMs: clock.nowMs(), workload });
          it.touch([workload], clock.nowMs());
        }
        await clock.advance(2_000);
        for (const { atMs, workload } of touched) {
          const run = runs.find((each) => each.atMs >= atMs && workload in each.triggers);
          expect(run?.atMs ?? Infinity).toBeLessThanOrEqual(atMs + Math.max(250, runMs));
          expect(run?.triggers[workload]).toBeLessThanOrEqual(atMs);
        }
        const gaps = runs.slice(1).map((run, index) => run.atMs - (runs[index]?.atMs ?? 0));
        expect(gaps.every((gapMs) => gapMs >= Math.max(250, runMs))).toBe(true);
        expect(runningMost()).toBe(1);
      }),
      { numRuns: 40 },
    );
  });
});
