import { describe, expect, test } from '@jest/globals';
import { poolOf } from '../../../lib/simulator/traces/lengths.ts';
import { openTrace } from '../../../lib/simulator/traces/open-trace.ts';
import { requestsOf } from '../../../lib/simulator/traces/requests-of.ts';
import { tickAt, ticksOf } from '../../../lib/simulator/traces/ticks.ts';
import { ticksOfTrace } from '../../../lib/simulator/traces/trace-ticks.ts';
import { textSource } from './support.ts';

const workOf = ({ inputTokens, outputTokens }: { inputTokens: number; outputTokens: number }): number =>
  (inputTokens + 10 * outputTokens) / 10_000;
const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);

describe('ticksOf', () => {
  test('adds requests to the tick they arrive in', async () => {
    const trace = await openTrace(textSource('t,in_tok,out_tok\n0,100,10\n4.999,300,20\n5,500,30\n16,700,40\n'));
    const ticks = await ticksOf(requestsOf(trace, { seed: 1 }), { tickMs: 5_000, workOf });
    expect(ticks.count).toBe(4);
    expect([...ticks.requests]).toEqual([2, 1, 0, 1]);
    expect([...ticks.inputTokens]).toEqual([400, 500, 0, 700]);
    expect([...ticks.outputTokens]).toEqual([30, 30, 0, 40]);
    expect(tickAt(ticks, 3)).toEqual({
      startMs: 15_000,
      requests: 1,
      workReplicaSec: 0.11,
      inputTokens: 700,
      outputTokens: 40,
    });
    expect(ticks.workReplicaSec[0]).toBeCloseTo(0.07, 12);
  });

  test('takes the run time of GPU work, goes on to the end asked for, and grows', async () => {
    const trace = await openTrace(textSource('t,exec_s\n0,32\n20000,4\n'));
    const ticks = await ticksOf(requestsOf(trace, { seed: 1 }), {
      tickMs: 5_000,
      workOf: ({ execSec }) => execSec ?? NaN,
      endMs: 30_000_000,
    });
    expect(ticks.count).toBe(6_000);
    expect(sum(ticks.workReplicaSec)).toBe(36);
    expect(ticks.workReplicaSec[4_000]).toBe(4);
  });

  test('refuses more ticks than fit', async () => {
    const trace = await openTrace(textSource('t,in_tok,out_tok\n0,1,1\n90000000,1,1\n'));
    await expect(ticksOf(requestsOf(trace, { seed: 1 }), { tickMs: 1, workOf })).rejects.toThrow(
      'expected at most 20000000 ticks',
    );
  });
});

/** Two hours around 60 requests a second, a point every ten minutes. */
const SERIES = `t,rps\n${Array.from({ length: 12 }, (_, at) => `${at * 600},${40 + 10 * (at % 5)}`).join('\n')}\n`;

describe('ticksOfTrace', () => {
  const lengths = poolOf(
    Array.from({ length: 1_000 }, (_, at) => ({ inputTokens: 100 + at * 3, outputTokens: 10 + ((at * 7) % 90) })),
  );
  const options = { seed: 4, tickMs: 5_000, workOf, lengths };

  test('chooses by the expected number of requests', async () => {
    const trace = await openTrace(textSource(SERIES));
    expect((await ticksOfTrace(trace, options)).method).toBe('requests');
    const counted = await ticksOfTrace(trace, { ...options, requestsDrawnMax: 1_000 });
    expect(counted.method).toBe('counts');
    expect(counted.count).toBe(1_440);
    expect(await ticksOfTrace(trace, { ...options, requestsDrawnMax: 1_000 })).toEqual(counted);
  });

  test('counts have the totals, the noise and the spread of lengths that requests have', async () => {
    const trace = await openTrace(textSource(SERIES));
    const drawn = await ticksOfTrace(trace, options);
    const counted = await ticksOfTrace(trace, { ...options, requestsDrawnMax: 0 });
    for (const column of ['requests', 'workReplicaSec', 'inputTokens', 'outputTokens'] as const) {
      expect(Math.abs(sum(counted[column]) / sum(drawn[column]) - 1)).toBeLessThan(0.01);
    }
    // Around its mean, the work of a tick of some 300 requests spreads alike.
    const spread = ({ workReplicaSec, requests }: typeof drawn): number => {
      const perRequest = sum(workReplicaSec) / sum(requests);
      const squares = workReplicaSec.map((work, at) => (work - (requests[at] ?? 0) * perRequest) ** 2);
      return Math.sqrt(sum(squares) / sum(requests));
    };
    expect(Math.abs(spread(counted) / spread(drawn) - 1)).toBeLessThan(0.1);
    // The same minutes are busy: the noise is that of the seed.
    const minute = (columns: typeof drawn, at: number): number => sum(columns.requests.subarray(at * 12, at * 12 + 12));
    for (let at = 0; at < 120; at++) {
      const [one, other] = [minute(drawn, at), minute(counted, at)];
      expect(Math.abs(one - other)).toBeLessThan(6 * Math.sqrt(one + other));
    }
  });

  test('work follows the lengths exactly when it is linear in them', async () => {
    const trace = await openTrace(textSource(SERIES));
    const ticks = await ticksOfTrace(trace, { ...options, requestsDrawnMax: 0, scale: 20 });
    for (let at = 0; at < ticks.count; at += 37) {
      const { workReplicaSec, inputTokens, outputTokens } = tickAt(ticks, at);
      expect(Math.abs(workReplicaSec / workOf({ inputTokens, outputTokens }) - 1)).toBeLessThan(1e-3);
    }
  });

  test('quiet ticks are drawn one by one, and mean lengths of the series are kept', async () => {
    const text = `t,rps,mean_in,mean_out\n${Array.from({ length: 100 }, (_, at) => `${at * 60},${at < 50 ? 2 : 100},${at < 50 ? 500 : 3000},20`).join('\n')}\n`;
    const ticks = await ticksOfTrace(await openTrace(textSource(text)), { ...options, requestsDrawnMax: 0 });
    const meanIn = (from: number, to: number): number =>
      sum(ticks.inputTokens.subarray(from, to)) / sum(ticks.requests.subarray(from, to));
    expect(Math.abs(meanIn(0, 600) / 500 - 1)).toBeLessThan(0.05);
    expect(Math.abs(meanIn(600, 1_200) / 3_000 - 1)).toBeLessThan(0.02);
  });

  test('a pool of equal requests has no spread', async () => {
    const same = poolOf([{ inputTokens: 100, outputTokens: 0 }]);
    const ticks = await ticksOfTrace(await openTrace(textSource(SERIES)), {
      ...options,
      lengths: same,
      requestsDrawnMax: 0,
    });
    expect(ticks.inputTokens).toEqual(ticks.requests.map((requests) => 100 * requests));
    expect(sum(ticks.outputTokens)).toBe(0);
  });
});
