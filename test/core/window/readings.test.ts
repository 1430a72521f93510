import { describe, expect, test } from '@jest/globals';
import type { InferenceLoad, QueueDepth } from '../../../events/schema/index.ts';
import { foldRecords } from '../../../lib/core/window/fold.ts';
import { type LoadWindow, RING_MS } from '../../../lib/core/window/load-window.ts';
import { FRESH_MS, readingsOf, warmRatioOf } from '../../../lib/core/window/readings.ts';
import { lastInFlightBySource, peakOf, seriesOf } from '../../../lib/core/window/series.ts';
import { inferenceLoad, queueDepth, START_MS } from '../../events/builders.ts';

type Reports = { fromSec: number; toSec: number; everySec?: number; shiftSec?: number; source?: string };

let offset = 0;

function add(window: LoadWindow | undefined, events: readonly (InferenceLoad | QueueDepth)[]): LoadWindow {
  const records = events.map((event) => ({ offset: offset++, timestampMs: event.intervalEndMs, event }));
  return foldRecords(window, { topicPartition: 't-0', records, nowMs: START_MS }).window;
}

/** Reports of one source in seconds after START_MS. */
function reports(at: Reports, of: Partial<InferenceLoad> = {}): InferenceLoad[] {
  const { everySec = 2, shiftSec = 0, source = 'pod/a' } = at;
  const events: InferenceLoad[] = [];
  for (let sec = at.fromSec + shiftSec; sec + everySec <= at.toSec; sec += everySec) {
    const intervalStartMs = START_MS + sec * 1_000;
    events.push(inferenceLoad({ source, intervalStartMs, intervalEndMs: intervalStartMs + everySec * 1_000, ...of }));
  }
  return events;
}

const at = (sec: number): number => START_MS + sec * 1_000;

function read(
  window: LoadWindow | undefined,
  sec: number,
  readyReplicas: number | null = 1,
): ReturnType<typeof readingsOf> {
  return readingsOf(window, { nowMs: at(sec), readyReplicas });
}

const value = (number: number): unknown => ({
  kind: 'value',
  value: number,
  coverageRatio: 1,
  ageMs: 1_000,
  from: 'pod',
});

describe('readingsOf', () => {
  test('a step in what is in flight is seen whole within two buckets, a step in the rate takes longer', () => {
    const quiet = add(undefined, reports({ fromSec: 0, toSec: 60 }));
    const busy = add(quiet, reports({ fromSec: 60, toSec: 70 }, { inFlight: 370, requests: { arrived: 210 } }));
    expect(read(busy, 71).inFlight).toMatchObject({ value: 370 });
    const { requestRate } = read(busy, 71);
    expect(requestRate.kind === 'value' && requestRate.value).toBeLessThan(105);
  });

  test('says which class of sources a value comes from, so that a gateway can prove zero', () => {
    const idle = { inFlight: 0, queued: 0, requests: { arrived: 0 } };
    const window = add(undefined, reports({ fromSec: 0, toSec: 60, source: 'gateway/edge' }, idle));
    expect(read(window, 61).requestRate).toMatchObject({ value: 0, from: 'gateway' });
  });

  test('gives every signal of a pod in its own unit', () => {
    const readings = read(add(undefined, reports({ fromSec: 0, toSec: 60 })), 61);
    expect(readings.inFlight).toEqual(value(37));
    expect(readings.queued).toEqual(value(4));
    expect(readings.requestRate).toEqual(value(10.5));
    expect(readings.inputTokenRate).toEqual(value(12_105));
    expect(readings.outputTokenRate).toEqual(value(2_040));
    expect(readings.gpuRatio).toEqual(value(0.93));
    expect(readings.kvCacheRatio).toEqual(value(0.71));
    expect(readings.queueDepth).toEqual({ kind: 'missing', reason: 'no source reported queue depth yet', ageMs: null });
  });

  test('tells the share of first tokens that were late, of those that were counted', () => {
    const ttftMs = { bounds: [100, 500, 1_000], counts: [10, 6, 3, 1] };
    const heard = (lateAfterMs: number) => {
      const records = reports({ fromSec: 0, toSec: 60 }, { ttftMs }).map((event) => ({
        offset: offset++,
        timestampMs: event.intervalEndMs,
        event,
      }));
      return read(foldRecords(undefined, { topicPartition: 't-0', records, nowMs: at(0), lateAfterMs }).window, 61)
        .lateRatio;
    };
    expect(heard(500)).toMatchObject({ kind: 'value', value: 0.2, coverageRatio: 1 });
    // Half of those from 100 to 500, if spread evenly.
    expect(heard(300)).toMatchObject({ value: (3 + 3 + 1) / 20 });
    expect(heard(1_000)).toMatchObject({ value: 0.05 });
    // Above the last bound nobody knows how late they were.
    expect(heard(2_000)).toMatchObject({ value: 0 });
    expect(read(add(undefined, reports({ fromSec: 0, toSec: 60 }, { ttftMs })), 61).lateRatio.kind).toBe('missing');
  });

  test('sums over pods and says how much of them was heard, without scaling up', () => {
    const pods = ['pod/a', 'pod/b', 'pod/c'].flatMap((source) => reports({ fromSec: 0, toSec: 60, source }));
    const window = add(undefined, pods);
    expect(read(window, 60, 3).inFlight).toMatchObject({ value: 111, coverageRatio: 1 });
    expect(read(window, 60, 4).inFlight).toMatchObject({ value: 111, coverageRatio: 0.75 });
    expect(read(window, 60, null).inFlight).toMatchObject({ value: 111, coverageRatio: 1 });
    expect(read(window, 60, 2).inFlight).toMatchObject({ value: 111, coverageRatio: 1 });
    expect(read(window, 60, 3).gpuRatio).toMatchObject({ value: 0.93 });
  });

  test('is not biased by pods that report at different moments, whatever the moment it is read', () => {
    for (let end = 60; end < 66; end++) {
      const pods = [0, 0.3, 0.7, 1.4, 1.9].flatMap((shiftSec, pod) =>
        reports({ fromSec: 0, toSec: end, shiftSec, source: `pod/${pod}` }),
      );
      const reading = read(add(undefined, pods), end, 5).inFlight;
      expect(reading.kind === 'value' ? reading.value : Number.NaN).toBeCloseTo(185, 6);
      expect(reading.kind === 'value' ? reading.coverageRatio : Number.NaN).toBeCloseTo(1, 6);
    }
  });

  test('widens its span for sources that report once a minute', () => {
    const pods = [0, 30].flatMap((shiftSec) =>
      reports({ fromSec: 0, toSec: 400, everySec: 60, shiftSec, source: `pod/${shiftSec}` }),
    );
    const reading = read(add(undefined, pods), 420, 2).inFlight;
    expect(reading.kind === 'value' ? reading.value : Number.NaN).toBeCloseTo(74, 6);
  });

  test('follows a step in load within the span', () => {
    const before = add(undefined, reports({ fromSec: 0, toSec: 60 }, { inFlight: 10 }));
    const after = add(before, reports({ fromSec: 60, toSec: 80 }, { inFlight: 50 }));
    const half = add(before, reports({ fromSec: 60, toSec: 66 }, { inFlight: 50 }));
    expect(read(after, 80).inFlight).toMatchObject({ value: 50 });
    const reading = read(half, 66).inFlight;
    expect(reading.kind === 'value' ? reading.value : 0).toBeGreaterThan(20);
  });

  test('takes a gateway before pods and never adds them', () => {
    const pods = reports({ fromSec: 0, toSec: 60 });
    const gateway = reports({ fromSec: 0, toSec: 60, source: 'gateway/edge' }, { inFlight: 90 });
    const window = add(undefined, [...pods, ...gateway]);
    expect(read(window, 60, 1).inFlight).toMatchObject({ value: 90, coverageRatio: 1 });
    const silent = add(window, reports({ fromSec: 60, toSec: 120 }));
    expect(read(silent, 120, 1).inFlight).toMatchObject({ value: 37 });
    const withoutTokens = gateway.map((event) => structuredClone(event));
    for (const event of withoutTokens) delete event.tokens;
    expect(read(add(undefined, [...pods, ...withoutTokens]), 60, 1).inputTokenRate).toMatchObject({ value: 12_105 });
  });

  test('reads zero only when zero was reported', () => {
    const zero = add(undefined, reports({ fromSec: 0, toSec: 60 }, { inFlight: 0, requests: { arrived: 0 } }));
    expect(read(zero, 60).inFlight).toMatchObject({ kind: 'value', value: 0 });
    expect(read(zero, 60).requestRate).toMatchObject({ kind: 'value', value: 0 });
    expect(read(undefined, 60).inFlight).toEqual({
      kind: 'missing',
      reason: 'no source reported requests in flight yet',
      ageMs: null,
    });
  });

  test('does not count unheard time as zero load', () => {
    const gap = add(undefined, [...reports({ fromSec: 0, toSec: 48 }), ...reports({ fromSec: 58, toSec: 60 })]);
    const reading = read(gap, 60).inFlight;
    expect(reading).toMatchObject({ kind: 'value', value: 37 });
  });

  test('is missing with its age when nobody was heard for too long, or too few', () => {
    const window = add(undefined, reports({ fromSec: 0, toSec: 60 }));
    expect(read(window, 60 + FRESH_MS / 1_000).inFlight.kind).toBe('value');
    expect(read(window, 61 + FRESH_MS / 1_000).inFlight).toEqual({
      kind: 'missing',
      reason: 'last pod report of requests in flight is 31 s old, limit 30 s',
      ageMs: 31_000,
    });
    expect(read(window, 60, 40).inFlight).toMatchObject({ kind: 'missing', ageMs: 0 });
  });

  test('reads a queue: depth, work, age of the oldest message, and arrivals when nobody nearer reports them', () => {
    const events = Array.from({ length: 12 }, (_, tick) =>
      queueDepth({ intervalStartMs: at(tick * 5), intervalEndMs: at(tick * 5 + 5) }),
    );
    const readings = read(add(undefined, events), 60, 0);
    expect(readings.queueDepth).toMatchObject({ value: 412, coverageRatio: 1 });
    expect(readings.queueWork).toMatchObject({ value: 9_476 });
    expect(readings.queueAge).toMatchObject({ value: 95 });
    expect(readings.requestRate).toMatchObject({ value: 7.6 });
  });

  test('never falls when one sample is raised', () => {
    const events = reports({ fromSec: 0, toSec: 30 });
    const base = read(add(undefined, events), 30).inFlight;
    for (let raised = 0; raised < events.length; raised++) {
      const more = events.map((event, index) => (index === raised ? { ...event, inFlight: 45 } : event));
      const reading = read(add(undefined, more), 30).inFlight;
      const [was, is] = [base, reading].map((one) => (one.kind === 'value' ? one.value : Number.NaN));
      expect(is).toBeGreaterThanOrEqual(was ?? Number.NaN);
    }
  });
});

describe('warmRatioOf', () => {
  test('is 1 only after a whole ring was heard, and falls when nobody is heard any more', () => {
    expect(warmRatioOf(undefined, at(0))).toBe(0);
    const half = add(undefined, reports({ fromSec: 0, toSec: RING_MS / 2_000 }));
    expect(warmRatioOf(half, at(RING_MS / 2_000))).toBeCloseTo(0.5, 2);
    const full = add(undefined, reports({ fromSec: 0, toSec: RING_MS / 1_000 }));
    for (const later of [0, 1, 2, 5, 20]) expect(warmRatioOf(full, at(RING_MS / 1_000 + later))).toBe(1);
    expect(warmRatioOf(full, at(RING_MS / 1_000 + 90))).toBeLessThan(0.95);
    expect(warmRatioOf(full, at((RING_MS / 1_000) * 3))).toBe(0);
  });
});

describe('seriesOf, peakOf and lastInFlightBySource', () => {
  const window = add(undefined, [
    ...reports({ fromSec: 0, toSec: 20 }, { inFlight: 10 }),
    ...reports({ fromSec: 20, toSec: 40 }, { inFlight: 30 }),
    ...reports({ fromSec: 50, toSec: 60, source: 'pod/b' }, { inFlight: 20 }),
  ]);

  test('give steps oldest first, with null where nothing was heard', () => {
    const series = seriesOf(window, 'inFlight', { fromMs: at(0), toMs: at(60), stepMs: 10_000 });
    expect(series.map((point) => point.value)).toEqual([10, 10, 30, 30, null, 20]);
    expect(series[1]?.startMs).toBe(at(10));
  });

  test('find the peak, null when nothing was heard', () => {
    expect(peakOf(window, 'inFlight', { fromMs: at(0), toMs: at(60), stepMs: 5_000 })).toBe(30);
    expect(peakOf(window, 'inFlight', { fromMs: at(40), toMs: at(50), stepMs: 5_000 })).toBeNull();
  });

  test('tell what each source said last', () => {
    expect(lastInFlightBySource(window).get('pod/b')).toEqual({ inFlight: 20, ready: true, lastEndMs: at(60) });
  });
});
