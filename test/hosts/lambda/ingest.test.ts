import { describe, expect, test } from '@jest/globals';
import { VirtualClock } from '../../../lib/base/clock.ts';
import { BadEventError, TransientError } from '../../../lib/base/errors.ts';
import { silentLogger } from '../../../lib/base/log.ts';
import { memoryMetrics } from '../../../lib/base/metrics.ts';
import { SLICE_RECORDS_MAX, ingestHandler, slicesOf } from '../../../lib/hosts/lambda/ingest.ts';
import type { IngestAnswer, IngestParts } from '../../../lib/hosts/lambda/ingest.ts';
import type { EvaluateRequest } from '../../../lib/loop/evaluate/evaluate.ts';
import type { RecordBatch } from '../../../lib/stream/contract.ts';
import { kafkaEvent, kafkaRecord, lambdaContext, recordingWake } from '../../support/lambda-events.ts';
import { runOnClock } from '../../support/run-on-clock.ts';

const TIMEOUT_MS = 60_000;
const allGood = { pools: ['default'], decided: 1, woken: 0, failed: [] };

function nothingTouched(): IngestAnswer {
  return { answers: new Map(), touched: [], triggers: new Map(), counts: { deadLettered: 0 } };
}

function setUp(parts: Partial<Pick<IngestParts, 'ingest' | 'evaluate'>> = {}) {
  const clock = new VirtualClock();
  const metrics = memoryMetrics();
  const wake = recordingWake();
  const batches: RecordBatch[][] = [];
  const requests: EvaluateRequest[] = [];
  const handler = ingestHandler(async () => ({
    deps: { clock, log: silentLogger, metrics },
    wake,
    ingest: async (slice) => {
      batches.push([...slice]);
      return parts.ingest === undefined ? nothingTouched() : parts.ingest(slice);
    },
    evaluate: async (request) => {
      requests.push(request);
      return parts.evaluate === undefined ? allGood : parts.evaluate(request);
    },
  }));
  return { clock, metrics, wake, batches, requests, handler, context: lambdaContext(clock, TIMEOUT_MS) };
}

const records = (count: number, partition = 0): Record<string, unknown>[] =>
  Array.from({ length: count }, (_, offset) => kafkaRecord({ partition, offset }));

const batchOf = (partition: number, count: number): RecordBatch => ({
  topic: 't',
  partition,
  lag: null,
  records: Array.from({ length: count }, (_, offset) => ({
    topic: 't',
    partition,
    offset,
    timestampMs: 0,
    key: null,
    value: null,
    headers: {},
  })),
});

const offsets = (response: {
  batchItemFailures: readonly { itemIdentifier: { partition: string; offset: number } }[];
}): string[] => response.batchItemFailures.map(({ itemIdentifier: { partition, offset } }) => `${partition}@${offset}`);

describe.each(['msk', 'selfManaged'] as const)('ingest from %s', (source) => {
  test('hands every partition to the stage and answers that all was applied', async () => {
    const { handler, context, batches } = setUp();
    const event = kafkaEvent(source, [...records(3), ...records(2, 1)]);
    expect(await handler(event, context)).toEqual({ batchItemFailures: [] });
    expect(batches.flat().map((batch) => [batch.topic, batch.partition, batch.records.length])).toEqual([
      ['inference-load', 0, 3],
      ['inference-load', 1, 2],
    ]);
  });

  test('returns the records that the stage could not apply, from the first failure on', async () => {
    const { handler, context, metrics } = setUp({
      ingest: async () => ({ ...nothingTouched(), answers: new Map([['inference-load-1', { retryFromOffset: 1 }]]) }),
    });
    const response = await handler(kafkaEvent(source, [...records(2), ...records(3, 1)]), context);
    expect(offsets(response)).toEqual(['inference-load-1@1', 'inference-load-1@2']);
    expect(metrics.counter('ingest_items_returned_total')).toBe(2);
  });

  test('throws when nothing was applied, so that the whole batch comes again', async () => {
    const { handler, context } = setUp({
      ingest: () => Promise.reject(new TransientError('Cannot reach Redis')),
    });
    await expect(handler(kafkaEvent(source, records(3)), context)).rejects.toThrow('Cannot reach Redis');
  });
});

describe('ingest', () => {
  test('refuses an event of another service before anything is built', async () => {
    const handler = ingestHandler(() => Promise.reject(new Error('must not be built')));
    await expect(handler({ Records: [] }, lambdaContext(new VirtualClock(), TIMEOUT_MS))).rejects.toThrow(
      BadEventError,
    );
  });

  test('a store that fails in a later slice gives back only that slice and what follows in its partition', async () => {
    let calls = 0;
    const { handler, context } = setUp({
      ingest: async () => {
        calls++;
        if (calls === 2) throw new TransientError('Cannot reach Redis');
        return nothingTouched();
      },
    });
    const response = await handler(kafkaEvent('msk', records(SLICE_RECORDS_MAX * 2 + 10)), context);
    expect(calls).toBe(2);
    expect(offsets(response)[0]).toBe(`inference-load-0@${SLICE_RECORDS_MAX}`);
    expect(response.batchItemFailures).toHaveLength(SLICE_RECORDS_MAX + 10);
  });

  test('the other partitions go on after one of them failed', async () => {
    const seen: number[] = [];
    const { handler, context } = setUp({
      ingest: async (slice) => {
        seen.push(...slice.map((batch) => batch.partition));
        if (seen.length === 1)
          return { ...nothingTouched(), answers: new Map([['inference-load-0', { retryFromOffset: 5 }]]) };
        return nothingTouched();
      },
    });
    const event = kafkaEvent('msk', [...records(SLICE_RECORDS_MAX + 1), ...records(4, 1)]);
    const response = await handler(event, context);
    expect(seen).toEqual([0, 1]);
    expect(offsets(response)[0]).toBe('inference-load-0@5');
    expect(response.batchItemFailures).toHaveLength(SLICE_RECORDS_MAX + 1 - 5);
  });

  test('stops before the timeout and returns the rest, also when the stage hangs', async () => {
    const { handler, context, clock } = setUp({
      ingest: (() => {
        let calls = 0;
        return async () => {
          calls++;
          if (calls > 1) await clock.sleep(1e9);
          return nothingTouched();
        };
      })(),
    });
    const response = await runOnClock(clock, handler(kafkaEvent('msk', records(SLICE_RECORDS_MAX + 3)), context));
    expect(response.batchItemFailures).toHaveLength(3);
    expect(context.getRemainingTimeInMillis()).toBeGreaterThanOrEqual(1_000);
  });

  test('a stage that hangs from the start fails the whole event, a second before Lambda would cut it off', async () => {
    const { handler, context, clock } = setUp({ ingest: () => new Promise(() => {}) });
    const answering = runOnClock(clock, handler(kafkaEvent('msk', records(2)), context));
    await expect(answering).rejects.toThrow('Cannot finish the event');
    expect(context.getRemainingTimeInMillis()).toBeGreaterThanOrEqual(1_000);
  });

  test('evaluates what was touched at once, with the time of the event that touched it', async () => {
    const triggers = new Map([['llama', 1_763_920_800_500]]);
    const { handler, context, requests, wake } = setUp({
      ingest: async () => ({ ...nothingTouched(), touched: ['llama'], triggers }),
    });
    await handler(kafkaEvent('msk', records(1)), context);
    expect(requests).toEqual([{ kind: 'leading', workloads: ['llama'], triggers }]);
    expect(wake.sent).toEqual(['flush']);
  });

  test('wakes notify for dead letters, so that they do not wait for the schedule', async () => {
    const { handler, context, wake } = setUp({
      ingest: async () => ({ ...nothingTouched(), counts: { deadLettered: 2 } }),
    });
    await handler(kafkaEvent('msk', records(2)), context);
    expect(wake.sent).toEqual(['notify', 'flush']);
  });

  test('evaluates nothing when nothing was touched', async () => {
    const { handler, context, requests } = setUp();
    await handler(kafkaEvent('msk', records(1)), context);
    expect(requests).toEqual([]);
  });

  test.each([
    ['throws', () => Promise.reject(new Error('Cannot read the plan'))],
    ['fails for a pool', async () => ({ ...allGood, failed: [{ pool: 'default', reason: 'conflict' }] })],
  ])('an evaluation that %s fails no event: the evaluate function is woken instead', async (_how, evaluate) => {
    const { handler, context, wake } = setUp({
      ingest: async () => ({ ...nothingTouched(), touched: ['llama', 'mistral'] }),
      evaluate,
    });
    expect(await handler(kafkaEvent('msk', records(1)), context)).toEqual({ batchItemFailures: [] });
    expect(wake.sent).toEqual(['evaluate llama,mistral', 'flush']);
  });

  test('leaves the evaluation to the evaluate function when the time is over', async () => {
    const { handler, context, clock, wake, requests } = setUp({
      ingest: async () => {
        await clock.sleep(TIMEOUT_MS - 1_700);
        return { ...nothingTouched(), touched: ['llama'] };
      },
    });
    const answering = handler(kafkaEvent('msk', records(1)), context);
    expect(await runOnClock(clock, answering)).toEqual({ batchItemFailures: [] });
    expect(requests).toEqual([]);
    expect(wake.sent).toEqual(['evaluate llama', 'flush']);
  });
});

describe('slicesOf', () => {
  test('keeps every record once and in order, and no slice is too large', () => {
    const slices = slicesOf([batchOf(0, 1_500), batchOf(1, 2_700), batchOf(2, 0), batchOf(3, 1)]);
    const sizes = slices.map((slice) => slice.reduce((sum, part) => sum + part.records.length, 0));
    expect(sizes).toEqual([2_000, 2_000, 201]);
    for (const [partition, count] of [
      [0, 1_500],
      [1, 2_700],
      [3, 1],
    ]) {
      const found = slices.flat().filter((part) => part.partition === partition);
      expect(found.flatMap((part) => part.records.map((record) => record.offset))).toEqual(
        Array.from({ length: count ?? 0 }, (_, offset) => offset),
      );
    }
  });
});
