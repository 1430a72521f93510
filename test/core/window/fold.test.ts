import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { decodeWindow, EMPTIED_FIELDS, encodeWindow } from '../../../lib/core/window/codec.ts';
import { foldRecords } from '../../../lib/core/window/fold.ts';
import {
  emptyWindow,
  type LoadWindow,
  NEW_EPOCH_MS,
  RING_LENGTH,
  RING_MS,
  SOURCES_MAX,
} from '../../../lib/core/window/load-window.ts';
import { inferenceLoad, queueDepth, START_MS } from '../../events/builders.ts';
import { FIRST_TOKENS_BEFORE, RECORDS_BEFORE, STORED_BEFORE } from './before.ts';
import { deliver, log } from './logs.ts';
import { type Delivered, LATE_AFTER_MS, naiveWindow, plainOf } from './naive.ts';
import { lawRuns } from '../law-runs.ts';

const nowMs = START_MS;
const dice = fc.array(fc.nat({ max: 1_000 }), { minLength: 5, maxLength: 40 });

function foldAll(deliveries: readonly { topicPartition: string; records: readonly Delivered[] }[]): LoadWindow {
  let window: LoadWindow | undefined;
  for (const { topicPartition, records } of deliveries) {
    window = foldRecords(window, { topicPartition, records, nowMs, lateAfterMs: LATE_AFTER_MS }).window;
  }
  return window ?? emptyWindow();
}

function sample(at: { offset: number; endMs: number; source?: string; inFlight?: number }): Delivered {
  const event = inferenceLoad({
    source: at.source ?? 'pod/a',
    intervalStartMs: at.endMs - 2_000,
    intervalEndMs: at.endMs,
    inFlight: at.inFlight ?? 1,
  });
  return { topicPartition: 't-0', offset: at.offset, timestampMs: at.endMs, event };
}

const fold = (window: LoadWindow | undefined, records: readonly Delivered[]): ReturnType<typeof foldRecords> =>
  foldRecords(window, { topicPartition: 't-0', records, nowMs });

const size = (fields: Record<string, string>): number =>
  Object.entries(fields).reduce((sum, [name, text]) => sum + name.length + text.length, 0);

describe('foldRecords', () => {
  test('equals the naive fold of the list of all records, however they are delivered', () => {
    fc.assert(
      fc.property(log, dice, dice, (records, one, other) => {
        const window = foldAll(deliver(records, one));
        expect(plainOf(window)).toEqual(naiveWindow(records));
        const again = foldAll(deliver(records, other));
        expect(plainOf(again)).toEqual(plainOf(window));
      }),
      { numRuns: lawRuns(2_000) },
    );
  });

  test('splits a billion requests exactly, where their product with the time is more than a number holds', () => {
    const span = { intervalStartMs: START_MS + 58_002, intervalEndMs: START_MS + 78_481 };
    const busy = inferenceLoad({ source: 'pod/a', ...span, requests: { arrived: 1_000_000_000 } });
    const before = sample({ offset: 0, endMs: START_MS + 60_001 });
    const records = [before, { topicPartition: 't-0', offset: 1, timestampMs: span.intervalEndMs, event: busy }];
    expect(plainOf(foldAll([{ topicPartition: 't-0', records }]))).toEqual(naiveWindow(records));
  });

  test('adds up to exactly what was reported: no count is lost or made by splitting over buckets', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 500, max: 60_000 }),
        fc.nat({ max: 4_999 }),
        fc.nat({ max: 1e9 }),
        (lengthMs, shiftMs, arrived) => {
          const startMs = START_MS + shiftMs;
          const event = inferenceLoad({
            intervalStartMs: startMs,
            intervalEndMs: startMs + lengthMs,
            requests: { arrived },
          });
          const { window } = fold(undefined, [
            { topicPartition: 't-0', offset: 0, timestampMs: startMs + lengthMs, event },
          ]);
          const sums = window.buckets.flatMap((bucket) =>
            bucket?.byClass.pod === undefined ? [] : [bucket.byClass.pod],
          );
          expect(sums.reduce((sum, one) => sum + one.arrived, 0)).toBe(arrived * 1_000);
          expect(sums.reduce((sum, one) => sum + one.coveredMs, 0)).toBe(lengthMs);
          expect(sums.reduce((sum, one) => sum + one.inFlight, 0)).toBe(37 * lengthMs);
        },
      ),
    );
  });

  test('counts what it skipped, and gives the very same window when there was nothing new', () => {
    const records = [0, 1, 2].map((at) => sample({ offset: at, endMs: START_MS + 2_000 * (at + 1) }));
    const first = fold(undefined, records);
    expect(first).toMatchObject({ applied: 3, duplicates: 0, late: 0, overlapped: 0 });
    const second = fold(first.window, records);
    expect(second).toMatchObject({ applied: 0, duplicates: 3 });
    expect(second.window).toBe(first.window);
    const old = fold(first.window, [sample({ offset: 3, endMs: START_MS - RING_MS - 5_000, source: 'pod/late' })]);
    expect(old).toMatchObject({ applied: 1, late: 1 });
    const twice = fold(first.window, [sample({ offset: 4, endMs: START_MS + 5_000 })]);
    expect(twice).toMatchObject({ applied: 1, overlapped: 1 });
  });

  test('does not change the window it was given', () => {
    const first = fold(undefined, [sample({ offset: 0, endMs: START_MS + 2_000 })]).window;
    const before = structuredClone(first);
    fold(first, [sample({ offset: 1, endMs: START_MS + 4_000 }), sample({ offset: 2, endMs: START_MS + RING_MS * 2 })]);
    expect(structuredClone(first)).toEqual(before);
  });

  test('takes an old offset with a clearly newer time for a re-created topic, and holds for one ring', () => {
    const first = fold(undefined, [sample({ offset: 900, endMs: START_MS })]).window;
    const soon = fold(first, [sample({ offset: 0, endMs: START_MS + NEW_EPOCH_MS })]);
    expect(soon).toMatchObject({ applied: 0, duplicates: 1, newEpochs: 0 });
    const newer = [0, 1].map((offset) => sample({ offset, endMs: START_MS + NEW_EPOCH_MS + 1 + offset * 2_000 }));
    const anew = fold(first, newer);
    expect(anew).toMatchObject({ applied: 2, duplicates: 0, newEpochs: 1 });
    expect(anew.window.holdUntilMs).toBe(nowMs + RING_MS);
    expect(anew.window.applied.get('t-0')?.offset).toBe(1);
  });

  test('keeps the most recently seen sources when there are too many', () => {
    const records = Array.from({ length: SOURCES_MAX + 10 }, (_, at) =>
      sample({ offset: at, endMs: START_MS + at, source: `pod/${at}` }),
    );
    const atOnce = fold(undefined, records);
    expect(atOnce.window.sources.size).toBe(SOURCES_MAX);
    expect(atOnce.sourcesDropped).toBe(10);
    expect(atOnce.window.sources.has('pod/9')).toBe(false);
    let window: LoadWindow | undefined;
    for (const one of records) ({ window } = fold(window, [one]));
    expect([...(window?.sources.keys() ?? [])].toSorted()).toEqual([...atOnce.window.sources.keys()].toSorted());
  });

  test('saturates instead of losing integers', () => {
    const records = Array.from({ length: 3_000 }, (_, at): Delivered => {
      const event = queueDepth({
        source: `queue/${at}`,
        depth: 1e9,
        intervalStartMs: START_MS,
        intervalEndMs: START_MS + 5_000,
      });
      return { topicPartition: 't-0', offset: at, timestampMs: START_MS + 5_000, event };
    });
    const { window } = fold(undefined, records);
    const sums = window.buckets.find((bucket) => bucket !== undefined)?.byClass.queue;
    expect(sums?.depth).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe('encodeWindow and decodeWindow', () => {
  test('give back the same window, written at once or change by change', () => {
    fc.assert(
      fc.property(log, dice, (records, rolls) => {
        let window: LoadWindow | undefined;
        const stored: Record<string, string> = {};
        for (const { topicPartition, records: part } of deliver(records, rolls)) {
          const next = foldRecords(window, { topicPartition, records: part, nowMs, lateAfterMs: LATE_AFTER_MS }).window;
          Object.assign(stored, encodeWindow(next, window));
          window = next;
        }
        const plain = plainOf(window ?? emptyWindow());
        for (const fields of [stored, encodeWindow(window ?? emptyWindow())]) {
          const decoded = decodeWindow(fields);
          expect(decoded.kind === 'window' ? plainOf(decoded.window) : decoded).toEqual(plain);
        }
      }),
      { numRuns: lawRuns(1_000) },
    );
  });

  test('keep a full ring with 40 pods, and what one batch writes of it, small', () => {
    let window: LoadWindow | undefined;
    let lastBatch: Record<string, string> = {};
    for (let tick = 1; tick <= (RING_LENGTH * 5) / 2; tick++) {
      const records = Array.from({ length: 40 }, (_, pod): Delivered => {
        const endMs = START_MS + tick * 2_000;
        const event = inferenceLoad({
          source: `pod/llama-8b-chat-7c9f8d6b5-x2k${pod}`,
          intervalStartMs: endMs - 2_000,
          intervalEndMs: endMs,
          inFlight: 37.25 + pod,
        });
        return { topicPartition: 'inference-load-11', offset: tick * 40 + pod, timestampMs: endMs + 35, event };
      });
      const next = foldRecords(window, { topicPartition: 'inference-load-11', records, nowMs }).window;
      lastBatch = encodeWindow(next, window);
      window = next;
    }
    expect(size(encodeWindow(window ?? emptyWindow()))).toBeLessThan(8_192);
    expect(size(lastBatch)).toBeLessThan(1_800);
  });

  test.each([
    [1, RECORDS_BEFORE],
    [2, [...RECORDS_BEFORE, ...FIRST_TOKENS_BEFORE]],
  ] as const)('read what format %i stored, and say that it must be written anew', (format, records) => {
    const stored = STORED_BEFORE[format];
    const { window } = foldRecords(undefined, { topicPartition: 't-0', records, nowMs, lateAfterMs: LATE_AFTER_MS });
    const decoded = decodeWindow(stored);
    expect(decoded).toMatchObject({ kind: 'window', isOfBefore: true });
    if (decoded.kind !== 'window') return;
    expect(plainOf(decoded.window)).toEqual(plainOf(window));
    const anew = { ...stored, ...EMPTIED_FIELDS, ...encodeWindow(decoded.window) };
    const again = decodeWindow(anew);
    expect(again).toMatchObject({ kind: 'window', isOfBefore: false });
    expect(again.kind === 'window' ? plainOf(again.window) : again).toEqual(plainOf(window));
    for (const broken of ['b0', 's4', 's31', 'a', 'm']) {
      expect(decodeWindow({ ...stored, [broken]: '!' })).toMatchObject({ kind: 'corrupt' });
    }
  });

  test('keep names apart that begin alike, end in nothing, or hold a character of two units', () => {
    const names = [
      'pod/',
      'pod/a',
      'pod/aa',
      'pod/\u{1f600}',
      'pod/\u{1f601}',
      'pod/\u{1f601}\u{1f602}',
      'p',
      'é/b',
      'q',
    ];
    const many = Array.from({ length: 60 }, (_, at) => `pod/x${at}`);
    const records = [...names, ...many].map((source, at) =>
      sample({ offset: at, endMs: START_MS + 2_000 + at, source }),
    );
    const { window } = fold(undefined, records);
    // As text in bytes and back, as a store does it: half a character would be lost.
    const fields = Object.entries(encodeWindow(window)).map(([name, text]) => [name, Buffer.from(text).toString()]);
    const decoded = decodeWindow(Object.fromEntries(fields) as Record<string, string>);
    expect(decoded.kind === 'window' ? plainOf(decoded.window) : decoded).toEqual(plainOf(window));
  });

  test('fail closed on anything else, whatever field it is in', () => {
    const window = fold(undefined, [sample({ offset: 7, endMs: START_MS + 2_000 })]).window;
    const fields = encodeWindow(window);
    expect(decodeWindow({}).kind).toBe('corrupt');
    expect(decodeWindow({ ...fields, m: `E${fields['m'] ?? ''}` })).toEqual({ kind: 'newer', format: 4 });
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(fields)),
        fc.string({ unit: 'binary', maxLength: 80 }),
        fc.nat(),
        (name, noise, cut) => {
          const text = fields[name] ?? '';
          const at = cut % (text.length + 1);
          for (const broken of [noise, text.slice(0, at), text.slice(0, at) + noise]) {
            const decoded = decodeWindow({ ...fields, [name]: broken });
            if (decoded.kind !== 'window') continue;
            for (const bucket of decoded.window.buckets) {
              for (const sums of Object.values(bucket?.byClass ?? {})) {
                for (const value of Object.values(sums)) expect(Number.isSafeInteger(value) && value >= 0).toBe(true);
              }
            }
            for (const mark of decoded.window.sources.values())
              expect(Number.isSafeInteger(mark.lastSeenMs)).toBe(true);
          }
        },
      ),
      { numRuns: lawRuns(1_000) },
    );
  });
});
