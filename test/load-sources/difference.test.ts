import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { differenceOf } from '../../lib/load-sources/difference.ts';
import { parseExposition } from '../../lib/load-sources/exposition.ts';
import { mappingSchema } from '../../lib/load-sources/mapping.ts';
import type { Mapping } from '../../lib/load-sources/mapping.ts';
import { presets } from '../../lib/load-sources/presets/index.ts';
import { readingOf, wantedNames } from '../../lib/load-sources/reading.ts';
import type { Reading } from '../../lib/load-sources/reading.ts';
import { idleFigures, vllmPage } from './vllm-server.ts';
import type { VllmFigures } from './vllm-server.ts';

const NOW_MS = 1_763_920_800_000;
const vllm = presets['vllm'] as Mapping;

const readPage = (
  text: string,
  { mapping = vllm, atMs = NOW_MS }: { mapping?: Mapping; atMs?: number } = {},
): Reading => {
  const names = wantedNames(mapping);
  return readingOf(
    parseExposition(text, (name) => names.has(name)),
    { mapping, atMs },
  );
};
const read = (figures: Partial<VllmFigures>, atMs = NOW_MS): Reading =>
  readPage(vllmPage({ ...idleFigures(), ...figures }), { atMs });

const enginesPage = (engines: readonly number[]): string =>
  engines
    .map((count, engine) =>
      [
        `vllm:num_requests_running{engine="${engine}"} ${count}`,
        `vllm:request_success_total{engine="${engine}",finished_reason="stop"} ${count * 10}`,
        `vllm:kv_cache_usage_perc{engine="${engine}"} ${count / 10}`,
      ].join('\n'),
    )
    .join('\n');

const countedPage = (count: number): string =>
  `in_total ${count}\nout_total ${count}\ngpu_percent{gpu="0"} 90\ngpu_percent{gpu="1"} 150`;

describe('differenceOf two readings of vLLM', () => {
  test('counters are what was added, gauges the mean of both ends', () => {
    const before = read({
      running: 4,
      waiting: 2,
      stopped: 100,
      truncated: 10,
      inputTokens: 5_000,
      outputTokens: 900,
      kvCacheRatio: 0.2,
    });
    const now = read({
      running: 8,
      waiting: 1,
      stopped: 112,
      truncated: 13,
      inputTokens: 9_000,
      outputTokens: 1_900,
      kvCacheRatio: 0.4,
    });
    expect(differenceOf(before, now)).toMatchObject({
      inFlight: 6,
      queued: 1.5,
      requests: { arrived: 15 + 3, completed: 15, failed: 0, cancelled: 0 },
      tokens: { input: 4_000, output: 1_000 },
      utilization: { kvCacheRatio: expect.closeTo(0.3, 9) },
    });
  });

  test('the finished reasons abort and error are cancelled and failed, and all of them came in once', () => {
    const measures = differenceOf(read({ aborted: 1, failed: 2 }), read({ aborted: 4, failed: 4, stopped: 5 }));
    expect(measures.requests).toEqual({ arrived: 10, completed: 5, failed: 2, cancelled: 3 });
  });

  test('an idle server reports zeros', () => {
    const measures = differenceOf(read({ stopped: 7 }), read({ stopped: 7 }));
    expect(measures).toMatchObject({
      inFlight: 0,
      queued: 0,
      requests: { arrived: 0, completed: 0 },
      tokens: { input: 0, output: 0 },
    });
  });

  test('a counter that fell counts from zero, the others go on', () => {
    const measures = differenceOf(
      read({ stopped: 500, inputTokens: 9_000, running: 9 }),
      read({ stopped: 3, inputTokens: 9_100, running: 2 }),
    );
    expect(measures).toMatchObject({ requests: { completed: 3 }, tokens: { input: 100 } });
    // What was running in the process that is gone is not subtracted.
    expect(measures.requests?.arrived).toBe(3 + 2);
  });

  test('after a restart everything counts from zero, also what has grown beyond the old value', () => {
    const before = read({ stopped: 2, inputTokens: 100, running: 9, startSec: NOW_MS / 1_000 - 900 });
    const now = read({ stopped: 5, inputTokens: 400, running: 1, startSec: NOW_MS / 1_000 + 1 }, NOW_MS + 2_000);
    expect(differenceOf(before, now)).toMatchObject({
      inFlight: 1,
      requests: { arrived: 6, completed: 5 },
      tokens: { input: 400 },
    });
  });

  test('workers of one port that started at different times are not taken for restarts', () => {
    const before = read({ stopped: 100, startSec: NOW_MS / 1_000 - 900 });
    const now = read({ stopped: 101, startSec: NOW_MS / 1_000 - 890 }, NOW_MS + 2_000);
    expect(differenceOf(before, now).requests?.completed).toBe(1);
  });

  test('arrivals are never negative, though requests vanish without having finished', () => {
    expect(differenceOf(read({ running: 9 }), read({ running: 2 })).requests?.arrived).toBe(0);
  });

  test('fractions of fluid servers are not lost between scrapes', () => {
    let total = 0;
    for (let at = 0; at < 10; at++) {
      total += differenceOf(read({ stopped: at * 0.3 }), read({ stopped: (at + 1) * 0.3 })).requests?.completed ?? NaN;
    }
    expect(total).toBe(3);
  });

  test('time to first token comes as observations per bucket in ms', () => {
    expect(differenceOf(read({ ttft: [1, 2, 3, 4] }), read({ ttft: [4, 7, 8, 10] })).ttftMs).toEqual({
      bounds: [100, 500, 1_000],
      counts: [3, 2, 0, 1],
    });
  });

  test('histograms that were reset count from zero', () => {
    expect(differenceOf(read({ ttft: [50, 60, 70, 80] }), read({ ttft: [1, 1, 2, 2] })).ttftMs?.counts).toEqual([
      1, 0, 1, 0,
    ]);
  });

  test('engines are summed, their cache ratios averaged', () => {
    expect(differenceOf(readPage(enginesPage([2, 4])), readPage(enginesPage([4, 6])))).toEqual({
      inFlight: 8,
      requests: { arrived: 44, completed: 40, failed: 0, cancelled: 0 },
      utilization: { kvCacheRatio: expect.closeTo(0.4, 9) },
    });
  });

  test('the cache gauge of vLLM before 0.9 is found, too', () => {
    const page = 'vllm:gpu_cache_usage_perc{model_name="m"} 0.5';
    expect(differenceOf(readPage(page), readPage(page))).toEqual({ utilization: { kvCacheRatio: 0.5 } });
  });

  test('a series that appears counts from zero, but not when a line of the page before could not be read', () => {
    const whole = 'vllm:request_success_total{finished_reason="stop"} 40';
    const added = `${whole}\nvllm:request_success_total{finished_reason="length"} 1000`;
    const broken = `${whole}\nvllm:request_success_total{finished_reason="length} 990`;
    expect(differenceOf(readPage(whole), readPage(added)).requests?.completed).toBe(1_000);
    expect(differenceOf(readPage(broken), readPage(added)).requests?.completed).toBe(0);
  });
});

describe('differenceOf with other mappings', () => {
  test('a server that counts arrivals is believed, and scales apply', () => {
    const mapping = mappingSchema.parse({
      arrived: { metric: 'in_total' },
      completed: { metric: 'out', scale: 10 },
      gpuRatio: { metric: 'gpu_percent', scale: 0.01 },
    });
    expect(differenceOf(readPage(countedPage(5), { mapping }), readPage(countedPage(7), { mapping }))).toEqual({
      requests: { arrived: 2, completed: 20 },
      utilization: { gpuRatio: 1 },
    });
  });

  test('NaN, infinite and negative values are not there', () => {
    const mapping = mappingSchema.parse({ inFlight: { metric: 'a' }, queued: { metric: 'b' } });
    expect(readPage('a NaN\nb{x="1"} -1\nb{x="2"} 3\nb{x="3"} +Inf', { mapping }).gauges).toEqual({ queued: 3 });
  });

  test('however a growing and resetting counter is scraped, the deltas add up to all that happened since the first scrape', () => {
    const mapping = mappingSchema.parse({ completed: { metric: 'done_total' } });
    // Each step: how much is added, and whether the process then starts anew (and is scraped before it has passed its old value).
    const steps = fc.array(fc.record({ added: fc.double({ min: 0, max: 50, noNaN: true }), resets: fc.boolean() }), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(steps, (list) => {
        let [value, expected, counted] = [1_000, 0, 0];
        let before = readPage(`done_total ${value}`, { mapping });
        for (const { added, resets } of list) {
          if (resets) {
            expected += Math.floor(Math.min(added, Math.floor(value) - 1e-9));
            value = Math.min(added, Math.floor(value) - 1e-9);
            if (value < 0) return;
          } else {
            expected += Math.floor(value + added) - Math.floor(value);
            value += added;
          }
          const now = readPage(`done_total ${value}`, { mapping });
          counted += differenceOf(before, now).requests?.completed ?? NaN;
          before = now;
        }
        expect(counted).toBe(expected);
      }),
    );
  });
});
