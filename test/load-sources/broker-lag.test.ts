import { describe, expect, test } from '@jest/globals';
import { VirtualClock } from '../../lib/base/clock.ts';
import { brokerLag } from '../../lib/load-sources/broker-lag.ts';
import type { LagReading } from '../../lib/load-sources/broker-lag.ts';
import { loadSourceConformance } from '../conformance/load-source.ts';
import { runOnClock } from '../support/run-on-clock.ts';

const value = (depth: number, more: Partial<LagReading & { kind: 'value' }> = {}): LagReading => ({
  kind: 'value',
  depth,
  oldestAgeMs: null,
  enqueued: null,
  dequeued: null,
  ...more,
});

function lag(first: LagReading, read?: () => Promise<LagReading>) {
  const clock = new VirtualClock();
  const state = { reading: first };
  const source = brokerLag({
    workload: 'batch',
    topic: 'jobs',
    group: 'workers',
    clock,
    read: read ?? (() => Promise.resolve(state.reading)),
  });
  const collectAfter = async (ms: number, reading: LagReading) => {
    await clock.advance(ms);
    state.reading = reading;
    return source.collect();
  };
  return { clock, source, state, collectAfter };
}

loadSourceConformance('brokerLag', async () => {
  const { clock, source, state } = lag(value(3));
  return {
    source,
    workload: 'batch',
    pass: (ms) => clock.advance(ms),
    fail: () => {
      state.reading = { kind: 'missing', reason: 'partition 2 has no leader' };
    },
    recover: () => {
      state.reading = value(4);
    },
    close: () => source.close(),
  };
});

describe('brokerLag', () => {
  test('depth is the mean of both ends, the source names group and topic', async () => {
    const { collectAfter } = lag(value(0));
    await collectAfter(0, value(100));
    const { events } = await collectAfter(2_000, value(200, { oldestAgeMs: 1_500, enqueued: 120, dequeued: 20 }));
    expect(events).toEqual([
      {
        schema: 'penstock.queue-depth/1',
        workload: 'batch',
        source: 'kafka/workers/jobs',
        intervalStartMs: 1_763_920_800_000,
        intervalEndMs: 1_763_920_802_000,
        depth: 150,
        oldestAgeMs: 1_500,
        enqueued: 120,
        dequeued: 20,
      },
    ]);
  });

  test('what is not known is left out', async () => {
    const { collectAfter } = lag(value(0));
    await collectAfter(0, value(1));
    const [event] = (await collectAfter(2_000, value(1))).events;
    expect(Object.keys(event ?? {})).not.toEqual(expect.arrayContaining(['oldestAgeMs']));
    expect(event).not.toHaveProperty('enqueued');
  });

  test('an empty queue is reported as zero, a missing lag not at all', async () => {
    const { collectAfter } = lag(value(0));
    await collectAfter(0, value(0));
    expect((await collectAfter(2_000, value(0))).events).toMatchObject([{ depth: 0 }]);
    expect(await collectAfter(2_000, { kind: 'missing', reason: 'no such group' })).toEqual({
      events: [],
      failures: [{ source: 'kafka/workers/jobs', reason: 'no such group' }],
    });
  });

  test('a reader that throws is a failure', async () => {
    const { source } = lag(value(0), () => Promise.reject(new Error('brokers are away')));
    expect((await source.collect()).failures).toEqual([{ source: 'kafka/workers/jobs', reason: 'brokers are away' }]);
  });

  test('a reader that hangs is given up', async () => {
    const { clock, source } = lag(value(0), () => new Promise(() => {}));
    const { failures } = await runOnClock(clock, source.collect());
    expect(failures).toEqual([{ source: 'kafka/workers/jobs', reason: 'no answer within 5000 ms' }]);
  });

  test('close ends a reading that hangs', async () => {
    const { source } = lag(value(0), () => new Promise(() => {}));
    const running = source.collect();
    await source.close();
    expect(await running).toEqual({ events: [], failures: [] });
  });

  test('after a gap of more than 60 s there is no event', async () => {
    const { collectAfter } = lag(value(0));
    await collectAfter(0, value(5));
    expect(await collectAfter(60_001, value(9))).toEqual({ events: [], failures: [] });
    expect((await collectAfter(1_000, value(9))).events).toMatchObject([{ depth: 9 }]);
  });
});
