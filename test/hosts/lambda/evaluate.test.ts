import { describe, expect, test } from '@jest/globals';
import { VirtualClock } from '../../../lib/base/clock.ts';
import { silentLogger } from '../../../lib/base/log.ts';
import { memoryMetrics } from '../../../lib/base/metrics.ts';
import { evaluateHandler } from '../../../lib/hosts/lambda/evaluate.ts';
import type { EvaluateRequest, EvaluateResult } from '../../../lib/loop/evaluate/evaluate.ts';
import { lambdaContext, recordingWake } from '../../support/lambda-events.ts';
import { runOnClock } from '../../support/run-on-clock.ts';

const TIMEOUT_MS = 65_000;
const EVERY_MS = 5_000;
const TICK = { penstock: 'tick' };
const good: EvaluateResult = { pools: ['default'], decided: 1, woken: 0, failed: [] };
const bad: EvaluateResult = { ...good, failed: [{ pool: 'default', reason: 'Cannot reach Redis' }] };

function setUp(options: { evaluate?: () => Promise<EvaluateResult>; jobs?: number; messages?: number } = {}) {
  const clock = new VirtualClock();
  const wake = recordingWake();
  const starts: { atMs: number; request: EvaluateRequest }[] = [];
  const startMs = clock.nowMs();
  const handler = evaluateHandler(async () => ({
    deps: {
      clock,
      log: silentLogger,
      metrics: memoryMetrics(),
      queue: { wake: async () => {}, depth: async () => options.jobs ?? 0, close: async () => {} },
      state: {
        outbox: {
          put: async () => {},
          peek: async () => [],
          acknowledge: async () => {},
          size: async () => options.messages ?? 0,
        },
      },
    },
    evaluate: async (request) => {
      starts.push({ atMs: clock.nowMs() - startMs, request });
      return options.evaluate === undefined ? good : options.evaluate();
    },
    wake,
    everyMs: EVERY_MS,
  }));
  const context = lambdaContext(clock, TIMEOUT_MS);
  const run = (event: unknown) => runOnClock(clock, handler(event, context));
  return { clock, wake, starts, run, startMs };
}

describe('evaluate', () => {
  test('on the tick it evaluates everything every few seconds for the whole minute, and ends before the timeout', async () => {
    const { run, starts, clock, startMs } = setUp();
    const answer = await run(TICK);
    expect(starts.map(({ atMs }) => atMs)).toEqual(Array.from({ length: 12 }, (_, round) => round * EVERY_MS));
    expect(starts.every(({ request }) => request.kind === 'full' && request.workloads === undefined)).toBe(true);
    expect(answer).toEqual({ rounds: 12, failedRounds: 0 });
    // The next tick comes after 60 s: no gap of more than two rounds.
    expect(clock.nowMs() - startMs).toBeLessThan(TIMEOUT_MS - 1_000);
    expect(60_000 - (starts.at(-1)?.atMs ?? 0)).toBeLessThanOrEqual(2 * EVERY_MS);
  });

  test('woken, it evaluates the pools of the named workloads once', async () => {
    const { run, starts } = setUp();
    expect(await run({ penstock: 'wake', workloads: ['llama', 7, 'mistral'] })).toEqual({ rounds: 1, failedRounds: 0 });
    expect(starts.map(({ request }) => request)).toEqual([{ kind: 'full', workloads: ['llama', 'mistral'] }]);
  });

  test('woken without names, it evaluates everything once', async () => {
    const { run, starts } = setUp();
    await run({ penstock: 'wake' });
    expect(starts.map(({ request }) => request)).toEqual([{ kind: 'full' }]);
  });

  test('after each round it wakes whoever has work waiting', async () => {
    const { run, wake } = setUp({ jobs: 2, messages: 1 });
    await run({ penstock: 'wake' });
    expect(wake.sent).toEqual(['actuate', 'notify', 'flush']);
  });

  test('wakes nobody when nothing waits', async () => {
    const { run, wake } = setUp();
    await run({ penstock: 'wake' });
    expect(wake.sent).toEqual(['flush']);
  });

  test('a failed round does not keep the next one from running', async () => {
    let round = 0;
    const { run } = setUp({
      evaluate: async () => {
        round++;
        if (round === 1) throw new Error('Cannot reach Redis');
        return round === 2 ? bad : good;
      },
    });
    expect(await run(TICK)).toEqual({ rounds: 12, failedRounds: 2 });
  });

  test('a round that hangs is given up, and another one tried', async () => {
    let round = 0;
    const { run } = setUp({
      evaluate: () => {
        round++;
        return round === 1 ? new Promise(() => {}) : Promise.resolve(good);
      },
    });
    expect(await run(TICK)).toMatchObject({ failedRounds: 1 });
    expect(round).toBeGreaterThan(5);
  });

  test('throws when every round failed, so that Lambda counts an error', async () => {
    const { run } = setUp({ evaluate: async () => bad });
    await expect(run(TICK)).rejects.toThrow('Cannot evaluate: default: Cannot reach Redis');
  });

  test('one pool out of two that fails is no failed round', async () => {
    const { run } = setUp({ evaluate: async () => ({ ...bad, pools: ['default', 'batch'] }) });
    expect(await run({ penstock: 'wake' })).toEqual({ rounds: 1, failedRounds: 0 });
  });
});
