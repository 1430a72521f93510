import { describe, expect, test } from '@jest/globals';
import { VirtualClock } from '../../../lib/base/clock.ts';
import { periodic } from '../../../lib/hosts/process/periodic.ts';

function every(options: { everyMs?: number; runMs?: number; fails?: (run: number) => boolean } = {}) {
  const clock = new VirtualClock(0);
  const starts: number[] = [];
  const errors: unknown[] = [];
  let running = 0;
  let runningMost = 0;
  const it = periodic({
    clock,
    everyMs: options.everyMs ?? 1_000,
    run: async () => {
      starts.push(clock.nowMs());
      runningMost = Math.max(runningMost, ++running);
      if (options.runMs !== undefined) await clock.sleep(options.runMs);
      running--;
      if (options.fails?.(starts.length) === true) throw new Error(`run ${starts.length}`);
    },
    onError: (error) => void errors.push(error),
  });
  return { clock, starts, errors, it, runningMost: () => runningMost };
}

describe('periodic', () => {
  test('runs at once, then again a period after the end of each run', async () => {
    const { clock, starts } = every({ runMs: 300 });
    expect(starts).toEqual([0]);
    await clock.advance(4_000);
    expect(starts).toEqual([0, 1_300, 2_600, 3_900]);
  });

  test('runs at once when it is woken from its sleep, and a period after that', async () => {
    const { clock, starts, it } = every();
    await clock.advance(400);
    it.wake();
    await clock.advance(1_100);
    expect(starts).toEqual([0, 400, 1_400]);
  });

  test('woken while it runs, runs once more after it, however often it was woken', async () => {
    const { clock, starts, it, runningMost } = every({ runMs: 300 });
    await clock.advance(100);
    for (let wake = 0; wake < 5; wake++) it.wake();
    await clock.advance(1_400);
    expect(starts).toEqual([0, 300]);
    await clock.advance(200);
    expect(starts).toEqual([0, 300, 1_600]);
    expect(runningMost()).toBe(1);
  });

  test('loses no wake, whichever turn of the event loop it comes in', async () => {
    for (let turns = 0; turns < 12; turns++) {
      const { clock, starts, it } = every();
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      it.wake();
      await clock.advance(1);
      expect(starts).toHaveLength(2);
      await it.stop();
    }
  });

  test('reports errors and goes on', async () => {
    const { clock, starts, errors } = every({ fails: (run) => run !== 2 });
    await clock.advance(2_500);
    expect(starts).toEqual([0, 1_000, 2_000]);
    expect(errors).toEqual([new Error('run 1'), new Error('run 3')]);
  });

  test('an error thrown before the first await is reported, too', async () => {
    const clock = new VirtualClock(0);
    const errors: unknown[] = [];
    const it = periodic({
      clock,
      everyMs: 1_000,
      run: () => {
        throw new Error('at once');
      },
      onError: (error) => void errors.push(error),
    });
    await clock.advance(1_500);
    await it.stop();
    expect(errors).toHaveLength(2);
  });

  test('stop waits for the run that is under way, and starts nothing after', async () => {
    const { clock, starts, it } = every({ runMs: 300 });
    await clock.advance(100);
    it.wake();
    let stopped = false;
    const stop = it.stop().then(() => (stopped = true));
    await clock.advance(199);
    expect(stopped).toBe(false);
    await clock.advance(1);
    await stop;
    it.wake();
    await clock.advance(10_000);
    expect(starts).toEqual([0]);
  });

  test('stop does not wait for the period', async () => {
    const { clock, it } = every({ everyMs: 3_600_000 });
    await clock.advance(1);
    await it.stop();
    expect(clock.nowMs()).toBe(1);
  });
});
