/** From a file to what every policy meets. */
import { describe, expect, test } from '@jest/globals';
import { ConfigError } from '../../../lib/base/errors.ts';
import { scoredFromTick } from '../../../lib/simulator/replay/ground.ts';
import { prepare } from '../../../lib/simulator/replay/prepare.ts';
import type { Prepared } from '../../../lib/simulator/replay/prepare.ts';
import { requestsIn } from '../../../lib/simulator/replay/request-columns.ts';
import type { RunOptions } from '../../../lib/simulator/replay/run-options.ts';
import { runOptions, withFiles } from './support.ts';

/** 10 requests a second for 9 minutes, 30 in the tenth. */
const STEP = `t,rps\n${Array.from({ length: 10 }, (_, minute) => `${minute * 60},${minute === 9 ? 30 : 10}`).join('\n')}\n`;
const REQUESTS = 't,in_tok,out_tok\n0.5,100,10\n1.5,200,20\n7,300,30\n';

const prepared = (text: string, of: Partial<RunOptions> = {}, more: Readonly<Record<string, string>> = {}) =>
  withFiles({ 'trace.csv': text, ...more }, (path) =>
    prepare(
      runOptions(path('trace.csv'), {
        ...of,
        ...(of.lengthsFile === undefined || of.lengthsFile === null ? {} : { lengthsFile: path(of.lengthsFile) }),
      }),
    ),
  );

/** Work that arrives per second in the busiest minute. */
const busiest = ({ ticks }: Prepared): number =>
  Math.max(
    ...Array.from({ length: ticks.count - 11 }, (_, from) =>
      ticks.workReplicaSec.subarray(from, from + 12).reduce((sum, work) => sum + work / 60, 0),
    ),
  );

describe('limits', () => {
  test('are from one to three times the busiest minute when nobody says', async () => {
    const ground = await prepared(STEP, { scale: 5 });
    expect(ground.replicas).toEqual({ min: 1, max: Math.ceil(busiest(ground) * 3) });
  });

  test('leave room on a small trace, and are those that are given', async () => {
    expect((await prepared('t,rps\n0,0.1\n60,0.1\n')).replicas).toEqual({ min: 1, max: 4 });
    const ground = await prepared(STEP, { replicas: { min: 2, max: 3 }, scale: 20 });
    expect(ground.replicas).toEqual({ min: 2, max: 3 });
    expect(ground.initialReplicas).toBe(3);
  });
});

describe('the replica class', () => {
  const IMAGES = 't,exec_s\n0,20\n30,40\n7300,30\n';

  test('is the one that fits when nobody says: one request at a time where requests are told in seconds', async () => {
    const images = await prepared(IMAGES, { replicaClass: 'auto', engine: 'requests' });
    expect(images.options.replicaClass).toBe('G');
    expect(images.level.requestsPerSec).toBeCloseTo(1 / 30, 9);
    expect((await prepared(STEP, { replicaClass: 'auto' })).options.replicaClass).toBe('B');
  });

  test('of tokens is refused where there are none', async () => {
    await expect(prepared(IMAGES, { replicaClass: 'B' })).rejects.toThrow(
      /with replica class "B": expected G, because its requests say how long they take a GPU/,
    );
  });

  test('of one request at a time is no fluid', async () => {
    await expect(prepared(IMAGES, { replicaClass: 'G' })).rejects.toThrow('as a fluid: expected --engine requests');
  });

  test('and copies of a recorded trace: as many times its requests', async () => {
    const ground = await prepared(IMAGES, { replicaClass: 'G', engine: 'requests', overlay: 12 });
    expect(ground.requestCount).toBe(36);
    await expect(prepared(STEP, { overlay: 2 })).rejects.toThrow('expected recorded requests');
  });
});

describe('warm-up', () => {
  test('that leaves nothing to score is refused, with the length of the trace', async () => {
    await expect(prepared(STEP, { warmupSec: 600 })).rejects.toThrow(ConfigError);
    await expect(prepared(STEP, { warmupSec: 600 })).rejects.toThrow(
      "expected a warm-up shorter than the trace's 600 s, current value is 600 s",
    );
    await expect(prepared(STEP, { warmupSec: 599 })).rejects.toThrow('current value is 600 s');
    await expect(prepared(STEP, { warmupSec: 595 })).resolves.toMatchObject({ durationSec: 600 });
  });

  test('ends with a tick, so that plant and optimum score the same part', async () => {
    const ground = await prepared(STEP, { warmupSec: 61 });
    expect(ground.options.warmupSec).toBe(65);
    expect(scoredFromTick(ground)).toBe(13);
  });

  test('is the history of a static fleet: its peak does not know what comes', async () => {
    // Arrivals are drawn around the rate.
    const before = await prepared(STEP, { warmupSec: 300 });
    const whole = await prepared(STEP);
    expect(before.historyPeakPerSec / 10).toBeGreaterThan(0.8);
    expect(before.historyPeakPerSec / 10).toBeLessThan(1.4);
    expect(whole.historyPeakPerSec / 30).toBeGreaterThan(0.8);
  });
});

describe('lengths', () => {
  test('of a rate series are borrowed from a trace of requests', async () => {
    const ground = await prepared(STEP, { lengthsFile: 'lengths.csv' }, { 'lengths.csv': REQUESTS });
    expect(ground.level.mix).toMatchObject({ inputTokens: 200, outputTokens: 20 });
  });

  test('cannot be borrowed from another rate series', async () => {
    await expect(prepared(STEP, { lengthsFile: 'lengths.csv' }, { 'lengths.csv': STEP })).rejects.toThrow(
      'expected a trace of requests, current value is a rate series',
    );
  });
});

describe('requests', () => {
  test('are kept one by one for the requests engine, in shared memory', async () => {
    const { requests } = await prepared(REQUESTS, { engine: 'requests', tickSec: 1 });
    expect(requests?.arrivalMs.buffer).toBeInstanceOf(SharedArrayBuffer);
    const all = requests === null ? [] : [...requestsIn(requests)];
    expect(all.map(({ inputTokens, outputTokens }) => [inputTokens, outputTokens])).toEqual([
      [100, 10],
      [200, 20],
      [300, 30],
    ]);
    expect(all.every((request) => !('execSec' in request))).toBe(true);
  });

  test('are not kept for the fluid engine, whose ticks have the same number', async () => {
    const ground = await prepared(REQUESTS);
    expect(ground.requests).toBeNull();
    expect(ground.requestCount).toBe(3);
    expect([...ground.ticks.requests]).toEqual([2, 1]);
  });
});
