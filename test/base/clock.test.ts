import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { VirtualClock, systemClock } from '../../lib/base/clock.ts';

describe('VirtualClock', () => {
  test('stands still until it is told to advance', async () => {
    const clock = new VirtualClock(1_000);
    await clock.advance(0);
    expect([clock.nowMs(), clock.monotonicMs()]).toEqual([1_000, 0]);
    await clock.advance(250);
    expect([clock.nowMs(), clock.monotonicMs()]).toEqual([1_250, 250]);
  });

  test('wakes sleepers in the order of their time, whatever the order they fell asleep in, each at its own time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 50 }), { maxLength: 12 }), async (sleepsMs) => {
        const clock = new VirtualClock(0);
        const woken: [number, number][] = [];
        for (const ms of sleepsMs) void clock.sleep(ms).then(() => woken.push([ms, clock.nowMs()]));
        await clock.advance(50);
        expect(woken).toEqual(sleepsMs.toSorted((a, b) => a - b).map((ms) => [ms, ms]));
      }),
      { numRuns: 30 },
    );
  });

  test('keeps the order of falling asleep among equal times', async () => {
    const clock = new VirtualClock();
    const woken: string[] = [];
    for (const name of ['a', 'b', 'c']) void clock.sleep(5).then(() => woken.push(name));
    await clock.advance(5);
    expect(woken).toEqual(['a', 'b', 'c']);
  });

  test('does not wake a sleeper before its time', async () => {
    const clock = new VirtualClock();
    let woken = false;
    void clock.sleep(100).then(() => (woken = true));
    await clock.advance(99);
    expect(woken).toBe(false);
    await clock.advance(1);
    expect(woken).toBe(true);
  });

  test('lets what a sleeper does next sleep within the same advance', async () => {
    const clock = new VirtualClock(0);
    const at: number[] = [];
    const loop = async (): Promise<void> => {
      for (let round = 0; round < 3; round++) {
        await clock.sleep(10);
        at.push(clock.nowMs());
      }
    };
    void loop();
    await clock.advance(25);
    expect(at).toEqual([10, 20]);
    await clock.advance(5);
    expect(at).toEqual([10, 20, 30]);
  });
});

describe('VirtualClock and work begun before', () => {
  test('lets what was called just before fall asleep at the time of the call', async () => {
    const clock = new VirtualClock(0);
    const woken: number[] = [];
    const work = async (): Promise<void> => {
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
      await clock.sleep(10);
      woken.push(clock.nowMs());
    };
    void work();
    await clock.advance(100);
    expect(woken).toEqual([10]);
  });
});

describe.each([
  ['VirtualClock', (): VirtualClock => new VirtualClock()],
  ['systemClock', (): typeof systemClock => systemClock],
])('%s, aborted', (_name, make) => {
  const HOUR_MS = 3_600_000;

  test('ends a sleep at once and without an error', async () => {
    const controller = new AbortController();
    const sleep = make().sleep(HOUR_MS, controller.signal);
    controller.abort();
    await expect(sleep).resolves.toBeUndefined();
  });

  test('does not sleep at all when the signal was aborted before', async () => {
    await expect(make().sleep(HOUR_MS, AbortSignal.abort())).resolves.toBeUndefined();
  });
});

describe('systemClock', () => {
  test('sleeps for about as long as asked, by its monotonic time', async () => {
    const before = systemClock.monotonicMs();
    await systemClock.sleep(20);
    // Timers may fire up to a millisecond early.
    expect(systemClock.monotonicMs() - before).toBeGreaterThanOrEqual(18);
  });

  test('leaves no listener on a signal that outlives the sleep', async () => {
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (...args: Parameters<typeof add>): void => (listeners++, add(...args));
    signal.removeEventListener = (...args: Parameters<typeof remove>): void => (listeners--, remove(...args));
    await systemClock.sleep(1, signal);
    expect(listeners).toBe(0);
  });
});
