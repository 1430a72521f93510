import { describe, expect, test } from '@jest/globals';
import type { InferenceLoad } from '../../../events/schema/inference-load.ts';
import { openTrace } from '../../../lib/simulator/traces/open-trace.ts';
import { csvLine, recording, RECORDING_HEADER, type RecordedPoint } from '../../../lib/simulator/traces/recording.ts';
import { textSource } from './support.ts';

const START_MS = 1_763_920_800_000;

/** An event of two seconds from `atSec` after the start. */
function load(atSec: number, fields: Partial<InferenceLoad> = {}): InferenceLoad {
  return {
    schema: 'penstock.inference-load/1',
    workload: 'chat',
    source: 'pod/a',
    intervalStartMs: START_MS + atSec * 1000,
    intervalEndMs: START_MS + atSec * 1000 + 2_000,
    ...fields,
  };
}

/** Everything that was recorded of these events; an hour later each workload is heard of once more, so that every interval is whole. */
function record(events: readonly InferenceLoad[], options: { workload?: string } = {}): RecordedPoint[] {
  const heard = recording({ intervalMs: 10_000, fromMs: START_MS, ...options });
  for (const event of events) heard.add(event);
  for (const { workload } of events) heard.add(load(3_600, { workload, source: 'pod/last', inFlight: 0 }));
  return heard.take(0);
}

const arrived = (count: number): Partial<InferenceLoad> => ({ requests: { arrived: count } });

describe('recording', () => {
  test('adds up sources and intervals, with mean lengths', () => {
    const tokens = { input: 1_000, output: 200 };
    const points = record([
      load(0, { requests: { arrived: 4 }, tokens }),
      load(0, { source: 'pod/b', requests: { arrived: 6 }, tokens }),
      load(8, arrived(10)),
      load(10, arrived(0)),
    ]);
    expect(points).toEqual([
      { workload: 'chat', startMs: START_MS, requestsPerSec: 2, meanInputTokens: 100, meanOutputTokens: 20 },
      {
        workload: 'chat',
        startMs: START_MS + 10_000,
        requestsPerSec: 0,
        meanInputTokens: null,
        meanOutputTokens: null,
      },
    ]);
  });

  test('an event over two intervals counts in both by its share', () => {
    const points = record([load(9.5, arrived(40))]);
    expect(points.map(({ requestsPerSec }) => requestsPerSec)).toEqual([1, 3]);
  });

  test('silence is no point, zero is one', () => {
    const points = record([load(0, arrived(0)), load(30, arrived(0)), load(50, { inFlight: 3 })]);
    expect(points.map(({ startMs }) => (startMs - START_MS) / 1000)).toEqual([0, 30]);
  });

  test('what a source has covered already counts once', () => {
    const points = record([load(0, arrived(20)), load(0, arrived(20)), load(1, arrived(20))]);
    expect(points[0]?.requestsPerSec).toBe(3);
  });

  test('a gateway that counts arrivals is not added to the pods, whose tokens are taken', () => {
    const gateway = load(0, { source: 'gateway/g', requests: { arrived: 50 } });
    const points = record([gateway, load(0, { requests: { arrived: 20 }, tokens: { input: 500 } })]);
    expect(points[0]).toMatchObject({ requestsPerSec: 5, meanInputTokens: 10, meanOutputTokens: null });
  });

  test('completed requests stand in where nobody counts arrivals', () => {
    expect(record([load(0, { requests: { completed: 30 } })])[0]?.requestsPerSec).toBe(3);
  });

  test('tokens of an interval without arrivals go to the next one with some', () => {
    const points = record([
      load(0, { requests: { arrived: 0 }, tokens: { input: 0, output: 90 } }),
      load(10, { requests: { arrived: 10 }, tokens: { input: 100, output: 10 } }),
    ]);
    expect(points.map(({ meanOutputTokens }) => meanOutputTokens)).toEqual([null, 10]);
  });

  test('points are given once, when no event can change them any more; what comes later still is counted as late', () => {
    const heard = recording({ intervalMs: 10_000, fromMs: START_MS });
    heard.add(load(0, arrived(10)));
    heard.add(load(97, arrived(10)));
    expect(heard.take()).toEqual([]);
    heard.add(load(98, arrived(10)));
    expect(heard.take().map(({ requestsPerSec }) => requestsPerSec)).toEqual([1]);
    expect(heard.take()).toEqual([]);
    heard.add(load(4, { ...arrived(10), source: 'pod/late' }));
    expect(heard.counts()).toEqual({ events: 4, lateEvents: 1, workloadsLeftOut: 0 });
    // The interval of the newest event is whole by now: 98 s to 100 s was the last of it.
    expect(heard.take(0).map(({ startMs }) => (startMs - START_MS) / 1000)).toEqual([90]);
  });

  test('intervals that began before the recording are left out', () => {
    const heard = recording({ intervalMs: 10_000, fromMs: START_MS + 10_000 });
    heard.add(load(9, arrived(10)));
    heard.add(load(18, { inFlight: 0 }));
    expect(heard.take(0).map(({ requestsPerSec }) => requestsPerSec)).toEqual([0.5]);
  });

  test('workloads are kept apart, or left out', () => {
    const events = [load(0, arrived(10)), load(0, { ...arrived(20), workload: 'code' })];
    expect(record(events).map(({ workload, requestsPerSec }) => [workload, requestsPerSec])).toEqual([
      ['chat', 1],
      ['code', 2],
    ]);
    expect(record(events, { workload: 'code' })).toHaveLength(1);
  });
});

test('what is written is read as a rate trace with lengths', async () => {
  const points = record([
    load(0, { requests: { arrived: 40 }, tokens: { input: 4_000, output: 1_000 } }),
    load(10, arrived(0)),
    load(20, { requests: { arrived: 1 }, tokens: { input: 7, output: 0 } }),
  ]);
  const trace = await openTrace(textSource(`${[RECORDING_HEADER, ...points.map(csvLine)].join('\n')}\n`), {
    from: '2025-11-23T18:00:00Z',
  });
  if (trace.kind !== 'rate') throw new Error('expected a rate series');
  expect([...trace.series.startMs]).toEqual([0, 10_000, 20_000]);
  expect([...trace.series.requestsPerSec]).toEqual([4, 0, 0.1]);
  expect([...(trace.series.meanInputTokens ?? [])]).toEqual([100, NaN, 7]);
  expect([...(trace.series.meanOutputTokens ?? [])]).toEqual([25, NaN, 0]);
});
