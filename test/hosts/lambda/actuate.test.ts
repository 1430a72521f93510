import { describe, expect, test } from '@jest/globals';
import type { ActionJob } from '../../../lib/action-queue/contract.ts';
import { VirtualClock } from '../../../lib/base/clock.ts';
import { ConfigError, TransientError } from '../../../lib/base/errors.ts';
import { silentLogger } from '../../../lib/base/log.ts';
import { memoryMetrics } from '../../../lib/base/metrics.ts';
import { STEP_MARGIN_MS, actuateHandler } from '../../../lib/hosts/lambda/actuate.ts';
import { notifyHandler } from '../../../lib/hosts/lambda/notify.ts';
import { lambdaContext, recordingWake } from '../../support/lambda-events.ts';
import { runOnClock } from '../../support/run-on-clock.ts';

const TIMEOUT_MS = 60_000;

function setUp(options: { depths: readonly number[]; stepMs?: number; failing?: Error }) {
  const clock = new VirtualClock();
  const wake = recordingWake();
  const depths = [...options.depths];
  const put: ActionJob[] = [];
  const deadlines: number[] = [];
  const endMs = clock.nowMs() + TIMEOUT_MS;
  const handler = actuateHandler(async () => ({
    deps: {
      clock,
      log: silentLogger,
      metrics: memoryMetrics(),
      queue: {
        wake: async (jobs) => void put.push(...jobs),
        // The last one stays.
        depth: async () => (depths.length > 1 ? depths.shift() : depths[0]) ?? 0,
      },
    },
    worker: {
      drain: async (_handler, { deadlineMs }) => {
        if (options.failing !== undefined) throw options.failing;
        deadlines.push(endMs - deadlineMs);
        await clock.sleep(options.stepMs ?? 0);
        return 1;
      },
    },
    actuate: async () => ({ done: true }),
    onDead: async () => {},
    wake,
  }));
  const run = (event: unknown) => runOnClock(clock, handler(event, lambdaContext(clock, TIMEOUT_MS)), { stepMs: 50 });
  return { wake, put, deadlines, run, clock, endMs };
}

describe('actuate', () => {
  test('drains once when nothing is left, and wakes nobody', async () => {
    const { run, wake } = setUp({ depths: [0] });
    expect(await run({ penstock: 'wake' })).toEqual({ steps: 1, jobsLeft: 0 });
    expect(wake.sent.filter((what) => what !== 'flush')).toEqual([]);
  });

  test('stays for delayed jobs until they are done', async () => {
    const { run, wake } = setUp({ depths: [2, 1, 1, 0] });
    expect(await run({ penstock: 'wake' })).toEqual({ steps: 4, jobsLeft: 0 });
    expect(wake.sent).not.toContain('actuate');
  });

  test('wakes itself when jobs are left at the end of its time, and ends before the timeout', async () => {
    const { run, wake, clock, endMs } = setUp({ depths: [1] });
    expect(await run({ penstock: 'wake' })).toMatchObject({ jobsLeft: 1 });
    expect(wake.sent.slice(-2)).toEqual(['actuate', 'flush']);
    expect(endMs - clock.nowMs()).toBeGreaterThanOrEqual(1_000);
  });

  test('begins no step that could be cut off', async () => {
    const { run, deadlines } = setUp({ depths: [1], stepMs: 2_900 });
    await run({ penstock: 'wake' });
    expect(deadlines.length).toBeGreaterThan(5);
    expect(Math.min(...deadlines)).toBeGreaterThanOrEqual(STEP_MARGIN_MS);
  });

  test('puts the jobs of a wake into the queue first, and nothing that is no job', async () => {
    const { run, put } = setUp({ depths: [0] });
    const good = [
      { kind: 'target', pool: 'default', id: 'llama' },
      { kind: 'nodeGroup', pool: 'default', id: 'g5-od' },
    ];
    const junk = [null, 'x', { kind: 'alert', hook: 'slack', id: 'a', payload: '{}' }, { kind: 'target', id: 'x' }];
    await run({ penstock: 'wake', jobs: [...good, ...junk, { kind: 'target', pool: 'p', id: 'x'.repeat(300) }] });
    expect(put).toEqual(good);
  });

  test('fails when the queue cannot be reached', async () => {
    const { run } = setUp({ depths: [1], failing: new TransientError('Cannot reach the action queue') });
    await expect(run({ penstock: 'wake' })).rejects.toThrow('Cannot reach the action queue');
  });
});

function notifySetUp(left: number, notify?: () => Promise<void>) {
  const clock = new VirtualClock();
  const wake = recordingWake();
  const limits: number[] = [];
  const metrics = memoryMetrics();
  const handler = notifyHandler(async () => ({
    deps: {
      clock,
      log: silentLogger,
      metrics,
      state: {
        outbox: { put: async () => {}, peek: async () => [], acknowledge: async () => {}, size: async () => left },
      },
    },
    notify: async ({ maxMs }) => {
      limits.push(maxMs);
      await notify?.();
    },
    wake,
  }));
  return { wake, limits, metrics, answer: runOnClock(clock, handler({}, lambdaContext(clock, TIMEOUT_MS))) };
}

describe('notify', () => {
  test('publishes within its time and wakes nobody when the outbox is empty', async () => {
    const { wake, limits, answer } = notifySetUp(0);
    expect(await answer).toEqual({ messagesLeft: 0 });
    expect(limits).toEqual([TIMEOUT_MS - 6_000]);
    expect(wake.sent).toEqual(['flush']);
  });

  test('wakes itself when messages are left', async () => {
    const { wake, answer } = notifySetUp(3);
    expect(await answer).toEqual({ messagesLeft: 3 });
    expect(wake.sent).toEqual(['notify', 'flush']);
  });

  test.each([
    ['brokers that are out of reach', () => Promise.reject(new TransientError('Cannot reach Kafka'))],
    ['a send that is never acknowledged', () => new Promise<void>(() => {})],
  ])('%s is counted, and not tried again at once', async (_what, failing) => {
    const { wake, metrics, answer } = notifySetUp(3, failing);
    expect(await answer).toEqual({ messagesLeft: 3 });
    expect(metrics.counter('notify_failures_total')).toBe(1);
    expect(wake.sent).toEqual(['flush']);
  });

  test('fails on what will not pass by itself', async () => {
    const { answer } = notifySetUp(3, () => Promise.reject(new ConfigError('Cannot read the CA')));
    await expect(answer).rejects.toThrow('Cannot read the CA');
  });
});
