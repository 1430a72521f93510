/** What every stream must do. Call {@link describeStream} from a test file with an implementation. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type {
  BatchAnswer,
  ConsumerHandlers,
  ConsumerSettings,
  OutgoingRecord,
  RecordBatch,
  SkippedRange,
  Stream,
  StreamConsumer,
  StreamRecord,
} from '../../lib/stream/contract.ts';

export type StreamHarness = {
  readonly stream: Stream;
  /** Gives up a start in vain sooner than `stream`, where that makes a difference. */
  readonly impatient?: Stream;
  /** A name nobody else uses. */
  name(prefix: string): string;
  /** Lets time pass until the condition holds; fails when it never does. */
  until(condition: () => boolean | Promise<boolean>): Promise<void>;
  /** Lets about `ms` pass: long enough for something unwanted to happen. */
  pass(ms: number): Promise<void>;
  nowMs(): number;
  /** Removes the records below `offset`, as retention does. */
  expire(of: { topic: string; partition: number; offset: number }): Promise<void>;
  close(): Promise<void>;
};

/** A consumer and everything it was handed. */
type Reading = {
  readonly consumer: StreamConsumer;
  readonly batches: RecordBatch[];
  readonly skipped: SkippedRange[];
  records(): readonly StreamRecord[];
  values(): readonly string[];
};

/** Registers the suite. */
export function describeStream(kind: string, open: () => Promise<StreamHarness>): void {
  describe(`stream "${kind}"`, () => {
    let harness: StreamHarness;
    const running: StreamConsumer[] = [];

    beforeAll(async () => {
      harness = await open();
    });
    afterAll(async () => {
      await Promise.all(running.map((consumer) => consumer.stop()));
      await harness.close();
    });

    const makeTopic = async (partitions = 1): Promise<string> => {
      const topic = harness.name('topic');
      const admin = harness.stream.admin();
      await admin.ensureTopics([{ topic, partitions, replicationFactor: 1 }]);
      await admin.close();
      return topic;
    };

    const send = async (records: readonly OutgoingRecord[]): Promise<void> => {
      const producer = harness.stream.producer();
      await producer.send(records);
      await producer.close();
    };

    const read = async (
      settings: Omit<ConsumerSettings, 'group'> & { group?: string },
      handlers: Partial<ConsumerHandlers> = {},
    ): Promise<Reading> => {
      const batches: RecordBatch[] = [];
      const skipped: SkippedRange[] = [];
      const consumer = harness.stream.consumer({ group: harness.name('group'), ...settings });
      running.push(consumer);
      await consumer.start({
        onBatch: async (batch): Promise<BatchAnswer> => {
          batches.push(batch);
          return (await handlers.onBatch?.(batch)) ?? {};
        },
        startOffset: handlers.startOffset ?? (() => Promise.resolve(undefined)),
        onSkipped: (range) => {
          skipped.push(range);
          return handlers.onSkipped?.(range) ?? Promise.resolve();
        },
      });
      const records = (): readonly StreamRecord[] => batches.flatMap((batch) => batch.records);
      return { consumer, batches, skipped, records, values: () => records().map(valueOf) };
    };

    const depth = async (topic: string, group: string): Promise<number | string> => {
      const reader = harness.stream.lagReader();
      const lag = await reader.read({ topic, group });
      await reader.close();
      return lag.kind === 'value' ? lag.depth : lag.reason;
    };

    test('delivers every record of a key in the order of its sends, one batch of a partition at a time', async () => {
      const topic = await makeTopic(3);
      for (let round = 0; round < 4; round++) await send(numbered(topic, { from: round * 100, count: 100, keys: 7 }));
      const inHandlers = new Set<number>();
      let isOverlapping = false;
      const reading = await read(
        { topics: [topic] },
        {
          onBatch: async ({ partition }) => {
            if (inHandlers.has(partition)) isOverlapping = true;
            inHandlers.add(partition);
            await Promise.resolve();
            inHandlers.delete(partition);
            return {};
          },
        },
      );
      await harness.until(() => reading.records().length >= 400);
      for (const partition of [0, 1, 2]) {
        const offsets = reading.records().filter((record) => record.partition === partition);
        expect(offsets.map(({ offset }) => offset)).toEqual(offsets.map((_, index) => index));
      }
      for (let key = 0; key < 7; key++) {
        const numbers = reading.records().filter((record) => keyText(record) === `key-${key}`);
        expect(numbers.map((record) => Number(valueOf(record)))).toEqual(
          numbers.map((_, index) => key + index * 7).filter((number) => number < 400),
        );
      }
      expect(isOverlapping).toBe(false);
    });

    test('commits only what was answered', async () => {
      const topic = await makeTopic();
      const group = harness.name('group');
      await send(numbered(topic, { count: 5 }));
      const { promise: held, resolve: release } = latch();
      const reading = await read(
        { topics: [topic], group },
        {
          onBatch: async () => {
            await held;
            return {};
          },
        },
      );
      await harness.until(() => reading.batches.length > 0);
      await harness.pass(300);
      expect(await depth(topic, group)).toBe(5);
      release();
      await harness.until(async () => (await depth(topic, group)) === 0);
      expect(reading.values()).toEqual(['0', '1', '2', '3', '4']);
    });

    test('delivers a batch again after a throw, while other partitions go on', async () => {
      const topic = await makeTopic(2);
      await send(numbered(topic, { count: 40, keys: 40 }));
      let failures = 0;
      const reading = await read(
        { topics: [topic] },
        {
          onBatch: ({ partition }) => {
            if (partition === 1 && failures++ < 3) return Promise.reject(new Error('the state is away'));
            return Promise.resolve({});
          },
        },
      );
      await harness.until(() => new Set(reading.values()).size === 40 && failures > 3);
      const failing = reading.batches.filter(({ partition }) => partition === 1);
      expect(failing.length).toBeGreaterThanOrEqual(4);
      for (const batch of failing.slice(0, 4)) expect(batch.records[0]?.offset).toBe(0);
      const healthy = reading.records().filter(({ partition }) => partition === 0);
      expect(new Set(healthy.map(({ offset }) => offset)).size).toBe(healthy.length);
    });

    test('goes on at `retryFromOffset`, and commits up to it', async () => {
      const topic = await makeTopic();
      const group = harness.name('group');
      await send(numbered(topic, { count: 10 }));
      let refusals = 0;
      const reading = await read(
        { topics: [topic], group },
        {
          onBatch: async () => {
            if (refusals === 0) {
              refusals++;
              return { retryFromOffset: 6 };
            }
            if (refusals === 1) {
              refusals++;
              // Read while nothing after the refused offset is done.
              expect(await depth(topic, group)).toBe(4);
            }
            return {};
          },
        },
      );
      await harness.until(async () => (await depth(topic, group)) === 0);
      expect(reading.values()).toEqual([...digits(0, 10), ...digits(6, 10)]);
      expect(refusals).toBe(2);
    });

    test('stops delivering while paused, and is still a member', async () => {
      const topic = await makeTopic(2);
      const reading = await read({ topics: [topic] });
      reading.consumer.pause();
      expect(reading.consumer.status().state).toBe('paused');
      await send(numbered(topic, { count: 20, keys: 20 }));
      await harness.pass(700);
      expect(reading.records()).toHaveLength(0);
      reading.consumer.resume();
      expect(reading.consumer.status().state).toBe('running');
      await harness.until(() => new Set(reading.values()).size === 20);
    });

    test('begins where `startOffset` says, with or without new records', async () => {
      const topic = await makeTopic();
      const group = harness.name('group');
      await send(numbered(topic, { count: 10 }));
      const first = await read({ topics: [topic], group });
      await harness.until(async () => (await depth(topic, group)) === 0);
      await first.consumer.stop();

      const asked: unknown[] = [];
      const back = await read(
        { topics: [topic], group },
        {
          startOffset: (of) => {
            asked.push(of);
            return Promise.resolve(3);
          },
        },
      );
      await harness.until(() => back.records().length === 7);
      expect(back.values()).toEqual(digits(3, 10));
      expect(asked).toEqual([{ topic, partition: 0 }]);
      await back.consumer.stop();

      const ahead = await read({ topics: [topic], group }, { startOffset: () => Promise.resolve(10) });
      await send(numbered(topic, { from: 10, count: 2 }));
      await harness.until(() => ahead.records().length === 2);
      expect(ahead.values()).toEqual(['10', '11']);
    });

    test('reseek goes back to what `startOffset` answers then', async () => {
      const topic = await makeTopic(2);
      let answer: number | undefined;
      await send(numbered(topic, { count: 30, keys: 30 }));
      const reading = await read({ topics: [topic] }, { startOffset: () => Promise.resolve(answer) });
      await harness.until(() => new Set(reading.values()).size === 30);
      await harness.pass(200);
      const before = reading.records().length;
      answer = 2;
      await reading.consumer.reseek();
      const again = (): readonly StreamRecord[] => reading.records().slice(before);
      await harness.until(() => new Set(again().map(valueOf)).size >= 26);
      expect(Math.min(...again().map(({ offset }) => offset))).toBe(2);
    });

    test('begins at the lookback, not at the commit, for an owner that has forgotten everything', async () => {
      const topic = await makeTopic();
      const group = harness.name('group');
      await send(numbered(topic, { count: 10 }));
      const first = await read({ topics: [topic], group });
      await harness.until(async () => (await depth(topic, group)) === 0);
      await first.consumer.stop();
      const again = await read({ topics: [topic], group }, { startOffset: () => Promise.resolve('lookback') });
      await harness.until(() => again.records().length === 10);
      expect(again.values()).toEqual(digits(0, 10));
    });

    test('a reseek in the pause after a failed batch does not leave its partition waiting', async () => {
      const topic = await makeTopic();
      await send(numbered(topic, { count: 3 }));
      let failures = 0;
      let isDown = true;
      const values = new Set<string>();
      const reading = await read(
        { topics: [topic] },
        {
          onBatch: ({ records }) => {
            if (isDown) return Promise.reject(new Error(`down ${++failures}`));
            for (const record of records) values.add(valueOf(record));
            return Promise.resolve({});
          },
        },
      );
      await harness.until(() => failures > 0);
      isDown = false;
      await reading.consumer.reseek();
      await harness.until(() => values.size === 3);
    });

    test('two members share the partitions, and lose nothing when one comes or goes', async () => {
      const topic = await makeTopic(4);
      const group = harness.name('group');
      const seen = new Map<string, number>();
      const note = (batch: RecordBatch): Promise<BatchAnswer> => {
        for (const record of batch.records) seen.set(valueOf(record), (seen.get(valueOf(record)) ?? 0) + 1);
        return Promise.resolve({});
      };
      let sent = 0;
      const sendMore = async (count: number): Promise<void> => {
        await send(numbered(topic, { from: sent, count, keys: 100 }));
        sent += count;
      };
      const one = await read({ topics: [topic], group }, { onBatch: note });
      await sendMore(200);
      await harness.until(() => seen.size === sent);
      const two = await read({ topics: [topic], group }, { onBatch: note });
      await harness.until(async () => {
        await sendMore(50);
        await harness.pass(50);
        return two.records().length > 0;
      });
      await harness.until(() => seen.size === sent);
      const partitionsOfTwo = new Set(two.records().map(({ partition }) => partition));
      expect(partitionsOfTwo.size).toBe(2);

      await two.consumer.stop();
      const before = one.records().length;
      await sendMore(200);
      await harness.until(() => seen.size === sent);
      expect(
        new Set(
          one
            .records()
            .slice(before)
            .map(({ partition }) => partition),
        ).size,
      ).toBe(4);
      expect(two.consumer.status().state).toBe('stopped');
    });

    test('after a stop, the next member goes on behind what was answered: nothing twice, nothing lost', async () => {
      const topic = await makeTopic(2);
      const group = harness.name('group');
      await send(numbered(topic, { count: 50, keys: 50 }));
      const first = await read({ topics: [topic], group });
      await harness.until(() => first.records().length > 0);
      await first.consumer.stop();
      await send(numbered(topic, { from: 50, count: 50, keys: 50 }));
      const second = await read({ topics: [topic], group });
      await harness.until(() => first.records().length + second.records().length >= 100);
      expect([...first.values(), ...second.values()].map(Number).toSorted((a, b) => a - b)).toEqual(
        digits(0, 100).map(Number),
      );
    });

    test('a consumer that was stopped delivers nothing more', async () => {
      const topic = await makeTopic();
      const reading = await read({ topics: [topic] });
      await reading.consumer.stop();
      await send(numbered(topic, { count: 3 }));
      await harness.pass(500);
      expect(reading.records()).toHaveLength(0);
      await reading.consumer.stop();
    });

    test('keeps keys, values, times, tombstones and headers as they were sent', async () => {
      const topic = await makeTopic();
      const timestampMs = harness.nowMs() - 1234;
      const bytes = new Uint8Array([0, 255, 128, 10]);
      await send([
        { topic, key: bytes, value: bytes, timestampMs },
        { topic, key: 'gone', value: null },
        { topic, key: null, value: '' },
        { topic, key: 'ü', value: 'ß', headers: { 'Content-Type': 'application/json', ['__proto__']: 'x', empty: '' } },
      ]);
      const reading = await read({ topics: [topic] });
      await harness.until(() => reading.records().length === 4);
      const [binary, tombstone, empty, text] = reading.records();
      expect(Buffer.from(binary?.key ?? [])).toEqual(Buffer.from(bytes));
      expect(Buffer.from(binary?.value ?? [])).toEqual(Buffer.from(bytes));
      expect(binary?.timestampMs).toBe(timestampMs);
      expect(binary?.headers).toEqual({});
      expect(keyText(tombstone)).toBe('gone');
      expect(tombstone?.value).toBeNull();
      expect(empty?.key).toBeNull();
      expect(empty?.value).toHaveLength(0);
      expect([keyText(text), text === undefined ? '' : valueOf(text)]).toEqual(['ü', 'ß']);
      expect(Object.entries(text?.headers ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))).toEqual([
        ['__proto__', 'x'],
        ['content-type', 'application/json'],
        ['empty', ''],
      ]);
      expect(reading.batches.map(({ lag }) => lag)).toEqual(reading.batches.map(() => 0));
    });

    test('a new group begins at the first record inside the lookback', async () => {
      const topic = await makeTopic();
      const now = harness.nowMs();
      await send([
        { topic, key: null, value: 'old', timestampMs: now - 3_600_000 },
        { topic, key: null, value: 'older than the ring', timestampMs: now - 1_000_000 },
      ]);
      await send([{ topic, key: null, value: 'young', timestampMs: now - 600_000 }]);
      const reading = await read({ topics: [topic] });
      const all = await read({ topics: [topic], lookbackMs: 7_200_000 });
      await harness.until(() => reading.records().length >= 1 && all.records().length >= 3);
      expect(reading.values()).toEqual(['young']);
      expect(all.values()).toHaveLength(3);
      expect(reading.skipped).toEqual([]);
    });

    test('says which records expired before they were read', async () => {
      const topic = await makeTopic();
      await send(numbered(topic, { count: 10 }));
      await harness.expire({ topic, partition: 0, offset: 6 });
      const reading = await read({ topics: [topic] }, { startOffset: () => Promise.resolve(2) });
      await harness.until(() => reading.records().length === 4);
      expect(reading.values()).toEqual(digits(6, 10));
      expect(reading.skipped).toMatchObject([{ topic, partition: 0, fromOffset: 2, toOffset: 5, reason: 'expired' }]);
    });

    test('says when the log ends before the offset that was asked for, and reads what is there', async () => {
      const topic = await makeTopic();
      await send(numbered(topic, { count: 4 }));
      const reading = await read({ topics: [topic] }, { startOffset: () => Promise.resolve(100) });
      await harness.until(() => reading.records().length === 4);
      expect(reading.skipped).toMatchObject([{ fromOffset: 4, toOffset: 99, reason: 'vanished' }]);
    });

    test('reads lag: all that exists without a commit, missing for a topic that does not exist', async () => {
      const topic = await makeTopic(3);
      const group = harness.name('group');
      await send(numbered(topic, { count: 30, keys: 30 }));
      await harness.expire({ topic, partition: 0, offset: 1 });
      expect(await depth(topic, group)).toBe(29);
      expect(typeof (await depth(harness.name('nowhere'), group))).toBe('string');
      const reader = harness.stream.lagReader();
      await reader.read({ topic, group });
      await send(numbered(topic, { count: 5, keys: 5 }));
      expect(await reader.read({ topic, group })).toMatchObject({ depth: 34, enqueued: 5, dequeued: 0 });
      await reader.close();
    });

    test('a producer takes many sends at once, and says when the topic does not exist', async () => {
      const topic = await makeTopic(2);
      const producer = harness.stream.producer();
      await Promise.all(digits(0, 200).map((value) => producer.send([{ topic, key: value, value }])));
      await expect(producer.send([{ topic: harness.name('nowhere'), key: null, value: 'x' }])).rejects.toMatchObject({
        code: 'not-found',
      });
      await producer.send([]);
      await producer.close();
      const reading = await read({ topics: [topic] });
      await harness.until(() => reading.records().length >= 200);
      expect(new Set(reading.values()).size).toBe(200);
    });

    test('topics can be ensured again, and by many at the same time', async () => {
      const topics = [1, 2, 3].map((partitions) => ({
        topic: harness.name('topic'),
        partitions,
        replicationFactor: 1,
      }));
      const admins = [1, 2, 3].map(() => harness.stream.admin());
      await Promise.all(admins.map((admin) => admin.ensureTopics(topics)));
      await admins[0]?.ensureTopics(topics);
      await Promise.all(admins.map((admin) => admin.close()));
      await send(topics.map(({ topic }) => ({ topic, key: null, value: 'x' })));
      const reading = await read({ topics: topics.map(({ topic }) => topic) });
      await harness.until(() => reading.records().length === 3);
    });

    test('a consumer of a topic that does not exist is refused', async () => {
      const { impatient = harness.stream } = harness;
      const consumer = impatient.consumer({ group: harness.name('group'), topics: [harness.name('nowhere')] });
      const handlers: ConsumerHandlers = {
        onBatch: () => Promise.resolve({}),
        startOffset: () => Promise.resolve(undefined),
      };
      await expect(consumer.start(handlers)).rejects.toMatchObject({ code: 'config' });
      await consumer.stop();
    });
  });
}

function numbered(topic: string, of: { from?: number; count: number; keys?: number }): OutgoingRecord[] {
  const { from = 0, count, keys = 1 } = of;
  return Array.from({ length: count }, (_, index) => {
    const number = from + index;
    return { topic, key: `key-${number % keys}`, value: String(number) };
  });
}

function latch(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  const resolvers: (() => void)[] = [];
  const promise = new Promise<void>((resolve) => {
    resolvers.push(resolve);
  });
  return { promise, resolve: () => resolvers[0]?.() };
}

function digits(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => String(from + index));
}

function valueOf({ value }: StreamRecord): string {
  return Buffer.from(value ?? []).toString('utf8');
}

function keyText(record: StreamRecord | undefined): string {
  return Buffer.from(record?.key ?? []).toString('utf8');
}
