import { afterEach, describe, expect, test } from '@jest/globals';
import { problemOf } from '../../events/validate.ts';
import { VirtualClock } from '../../lib/base/clock.ts';
import { TransientError } from '../../lib/base/errors.ts';
import type { Endpoint } from '../../lib/load-sources/contract.ts';
import type { Mapping } from '../../lib/load-sources/mapping.ts';
import { presets } from '../../lib/load-sources/presets/index.ts';
import { prometheusScrape } from '../../lib/load-sources/prometheus-scrape.ts';
import type { PrometheusScrapeOptions } from '../../lib/load-sources/prometheus-scrape.ts';
import { loadSourceConformance } from '../conformance/load-source.ts';
import { startVllmServer } from './vllm-server.ts';
import type { VllmServer } from './vllm-server.ts';

/** Named in the reason; it passes only where a test says so, so that no answer of a busy machine is too late. */
const TIMEOUT_MS = 300;

const mapping = presets['vllm'] as Mapping;
const started: VllmServer[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.close()));
});

async function fleet(names: readonly string[], extra: Partial<PrometheusScrapeOptions> = {}) {
  const clock = new VirtualClock();
  const servers = await Promise.all(names.map(() => startVllmServer()));
  started.push(...servers);
  const endpoints = new Map<string, Endpoint>(
    servers.map((server, at) => [names[at] ?? '', { source: `pod/${names[at] ?? ''}`, url: server.url, ready: true }]),
  );
  const deadlines: AbortController[] = [];
  const source = prometheusScrape({
    workload: 'chat',
    discovery: { list: async () => [...endpoints.values()] },
    mapping,
    clock,
    timeoutMs: TIMEOUT_MS,
    deadlineOf: () => {
      const deadline = new AbortController();
      deadlines.push(deadline);
      return deadline.signal;
    },
    ...extra,
  });
  const collectAfter = async (ms: number) => {
    await clock.advance(ms);
    return source.collect();
  };
  return { clock, servers, endpoints, deadlines, source, collectAfter };
}

loadSourceConformance('prometheusScrape', async () => {
  const { clock, servers, source } = await fleet(['a']);
  return {
    source,
    workload: 'chat',
    pass: (ms) => clock.advance(ms),
    fail: () => servers[0]?.behave('fail'),
    recover: () => servers[0]?.behave('well'),
    close: () => source.close(),
  };
});

describe('prometheusScrape', () => {
  test('the first scrape of a pod only sets the base; the second reports what happened in between', async () => {
    const { servers, collectAfter } = await fleet(['a']);
    servers[0]?.behave('well');
    expect(await collectAfter(0)).toEqual({ events: [], failures: [] });
    Object.assign(servers[0]?.figures ?? {}, {
      running: 4,
      stopped: 6,
      inputTokens: 700,
      outputTokens: 80,
      kvCacheRatio: 0.5,
    });
    expect((await collectAfter(2_000)).events).toMatchObject([
      {
        schema: 'penstock.inference-load/1',
        workload: 'chat',
        source: 'pod/a',
        ready: true,
        inFlight: 2,
        requests: { arrived: 10, completed: 6 },
        tokens: { input: 700, output: 80 },
      },
    ]);
  });

  test.each([
    ['hangs', 'hang'],
    ['drips', 'drip'],
  ] as const)('a pod that %s until its time is over is left out, the others are reported', async (_what, how) => {
    const { servers, deadlines, clock, source, collectAfter } = await fleet(['good', 'bad', 'fine']);
    await collectAfter(0);
    deadlines.length = 0;
    servers[1]?.behave(how);
    await clock.advance(2_000);
    const running = source.collect();
    await until(() => servers[1]?.requests() === 2);
    deadlines[1]?.abort();
    const { events, failures } = await running;
    expect(events.map((event) => event.source)).toEqual(['pod/good', 'pod/fine']);
    expect(failures).toEqual([{ source: 'pod/bad', reason: 'no complete answer within 300 ms' }]);
  });

  test.each([
    ['answers with too much', 'huge', 'more than 4194304 bytes'],
    ['answers 500', 'fail', 'status 500'],
    ['answers with something else', { page: '<html>' }, 'none of the mapped metrics'],
  ] as const)('a pod that %s is left out, the others are reported', async (_what, how, reason) => {
    const { servers, collectAfter } = await fleet(['good', 'bad', 'fine']);
    await collectAfter(0);
    servers[1]?.behave(how);
    const { events, failures } = await collectAfter(2_000);
    expect(events.map(({ source }) => source)).toEqual(expect.arrayContaining(['pod/good', 'pod/fine']));
    expect(events).toHaveLength(2);
    expect(failures).toEqual([{ source: 'pod/bad', reason: expect.stringContaining(reason) }]);
  });

  test('a pod that nobody listens for is left out', async () => {
    const { servers, collectAfter } = await fleet(['a']);
    await servers[0]?.close();
    expect((await collectAfter(0)).failures).toEqual([
      { source: 'pod/a', reason: expect.stringContaining('ECONNREFUSED') },
    ]);
  });

  test('hung pods, more than are scraped at once, delay the healthy ones only once', async () => {
    const { servers, deadlines, source, clock } = await fleet(['h1', 'h2', 'good'], { concurrentMax: 1 });
    servers[0]?.behave('hang');
    servers[1]?.behave('hang');
    const endHung = async (times: number) => {
      for (const server of servers.slice(0, 2)) {
        await until(() => server.requests() === times);
        deadlines.at(-1)?.abort();
      }
    };
    const first = source.collect();
    await endHung(1);
    await first;
    expect(servers[2]?.requests()).toBe(1);
    await clock.advance(2_000);
    const running = source.collect();
    // Answered while the hung ones, which have their turn last, are still waited for.
    await until(() => servers[2]?.requests() === 2);
    expect(servers[1]?.requests()).toBe(1);
    await endHung(2);
    expect((await running).events).toMatchObject([{ source: 'pod/good' }]);
  });

  test('a scrape too soon keeps the base, so nothing is lost', async () => {
    const { servers, collectAfter } = await fleet(['a']);
    await collectAfter(0);
    Object.assign(servers[0]?.figures ?? {}, { stopped: 5 });
    expect((await collectAfter(499)).events).toEqual([]);
    Object.assign(servers[0]?.figures ?? {}, { stopped: 8 });
    const [event] = (await collectAfter(501)).events;
    expect(event).toMatchObject({ requests: { completed: 8 } });
    expect(Number(event?.intervalEndMs) - Number(event?.intervalStartMs)).toBe(1_000);
  });

  test('after a gap of more than 60 s there is a new base and no event', async () => {
    const { servers, collectAfter } = await fleet(['a']);
    await collectAfter(0);
    Object.assign(servers[0]?.figures ?? {}, { stopped: 5_000 });
    expect(await collectAfter(60_001)).toEqual({ events: [], failures: [] });
    Object.assign(servers[0]?.figures ?? {}, { stopped: 5_001 });
    expect((await collectAfter(60_000)).events).toMatchObject([{ requests: { completed: 1 } }]);
  });

  test('a pod that restarts with counters at zero adds what it did since', async () => {
    const { servers, collectAfter } = await fleet(['a']);
    Object.assign(servers[0]?.figures ?? {}, { stopped: 900, inputTokens: 80_000, ttft: [9, 9, 9, 9] });
    await collectAfter(0);
    Object.assign(servers[0]?.figures ?? {}, { stopped: 2, inputTokens: 150, ttft: [1, 2, 2, 2] });
    const { events, failures } = await collectAfter(2_000);
    expect(failures).toEqual([]);
    expect(events).toMatchObject([
      { requests: { completed: 2 }, tokens: { input: 150 }, ttftMs: { counts: [1, 1, 0, 0] } },
    ]);
  });

  test('a pod that is not ready is scraped, and owes no answer', async () => {
    const { servers, endpoints, collectAfter } = await fleet(['a']);
    endpoints.set('a', { source: 'pod/a', url: servers[0]?.url ?? '', ready: false });
    servers[0]?.behave('fail');
    expect(await collectAfter(0)).toEqual({ events: [], failures: [] });
    servers[0]?.behave('well');
    await collectAfter(2_000);
    expect((await collectAfter(2_000)).events).toMatchObject([{ source: 'pod/a', ready: false }]);
  });

  test('values beyond what an event may carry are a failure of that pod', async () => {
    const { servers, collectAfter } = await fleet(['a']);
    await collectAfter(0);
    Object.assign(servers[0]?.figures ?? {}, { running: 4e9 });
    const { events, failures } = await collectAfter(2_000);
    expect(events).toEqual([]);
    expect(failures).toEqual([{ source: 'pod/a', reason: expect.stringContaining('inFlight') }]);
  });

  test('a discovery that fails is a failure, not an empty workload', async () => {
    const { collectAfter } = await fleet([], {
      discovery: {
        list: () => Promise.reject(new TransientError('the API is away')),
      },
    });
    expect(await collectAfter(0)).toEqual({
      events: [],
      failures: [{ source: 'discovery', reason: 'the API is away' }],
    });
  });

  test('a whole page of vLLM makes a valid event with every measure of the preset', async () => {
    const { servers, collectAfter } = await fleet(['a']);
    await collectAfter(0);
    Object.assign(servers[0]?.figures ?? {}, {
      running: 1,
      waiting: 1,
      stopped: 1,
      kvCacheRatio: 0.1,
      ttft: [1, 1, 1, 1],
    });
    const [event] = (await collectAfter(2_000)).events;
    expect(problemOf(event ?? {})).toBeNull();
    expect(Object.keys(event ?? {})).toEqual(
      expect.arrayContaining(['ready', 'inFlight', 'queued', 'requests', 'tokens', 'utilization', 'ttftMs']),
    );
  });

  test('close does not wait for a cluster that is slow to tell the pods', async () => {
    const { source } = await fleet([], { discovery: { list: () => new Promise<never>(() => {}) } });
    const running = source.collect();
    await source.close();
    expect(await running).toEqual({ events: [], failures: [] });
  });

  test('close ends a scrape that hangs, without a failure and without its timeout', async () => {
    const { servers, source } = await fleet(['a'], { timeoutMs: 60_000 });
    servers[0]?.behave('hang');
    const running = source.collect();
    await until(() => servers[0]?.requests() === 1);
    await source.close();
    expect(await running).toEqual({ events: [], failures: [] });
  });
});

/** Polls; the deadline is only for a condition that never comes. */
async function until(condition: () => boolean): Promise<void> {
  const endMs = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > endMs)
      throw new Error('Cannot wait any longer: expected the condition to hold, it does not');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
