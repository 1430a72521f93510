import { describe, expect, test } from '@jest/globals';
import { VirtualClock } from '../../lib/base/clock.ts';
import { BadEventError, NotFoundError, TransientError } from '../../lib/base/errors.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { memoryMetrics } from '../../lib/base/metrics.ts';
import { notify } from '../../lib/loop/notify.ts';
import type { OutboxMessage } from '../../lib/state/contract.ts';
import { memoryStateStores } from '../../lib/state/memory.ts';
import type { OutgoingRecord, StreamProducer } from '../../lib/stream/contract.ts';
import { memoryStream } from '../../lib/stream/memory.ts';

const TOPICS = ['decisions', 'alerts', 'dead'];

async function setUp(intercept?: (records: readonly OutgoingRecord[]) => Promise<void> | void) {
  const clock = new VirtualClock();
  const stream = memoryStream({ clock });
  await stream.admin().ensureTopics(TOPICS.map((topic) => ({ topic, partitions: 1, replicationFactor: 1 })));
  const real = stream.producer();
  const producer: StreamProducer = {
    send: async (records) => {
      await intercept?.(records);
      await real.send(records);
    },
    close: () => real.close(),
  };
  const state = memoryStateStores();
  const metrics = memoryMetrics();
  const deps = { clock, log: silentLogger, metrics, state, producer };
  return {
    clock,
    state,
    metrics,
    put: (messages: readonly OutboxMessage[]) => state.outbox.put(messages),
    run: (maxMs = 1_000) => notify(deps, { maxMs }),
    published: (topic: string) => stream.records(topic).map(({ value }) => Buffer.from(value ?? []).toString()),
    records: (topic: string) => stream.records(topic),
  };
}

const message = (topic: string, value: number | string): OutboxMessage => ({
  topic,
  key: 'chat',
  value: String(value),
});
const numbered = (topic: string, count: number): readonly OutboxMessage[] =>
  Array.from({ length: count }, (_, at) => message(topic, at));
const numbers = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => String(at));

describe('notify', () => {
  test('an empty outbox is nothing to do', async () => {
    const { run } = await setUp(() => {
      throw new Error('nothing should be sent');
    });
    expect(await run()).toEqual({ published: 0, left: 0 });
  });

  test('publishes everything, batch after batch, in the order of each topic', async () => {
    const { put, run, published, state } = await setUp();
    await put(numbered('decisions', 450));
    await put(numbered('alerts', 30));
    expect(await run()).toEqual({ published: 480, left: 0 });
    expect(published('decisions')).toEqual(numbers(450));
    expect(published('alerts')).toEqual(numbers(30));
    expect(await state.outbox.size()).toBe(0);
  });

  test('keys, headers and bytes go out as they were put in', async () => {
    const { put, run, records } = await setUp();
    const bytes = Buffer.from([0, 255, 128, 10]);
    const headers = { reason: 'not JSON' };
    await put([{ topic: 'dead', key: 'k', value: bytes.toString('base64'), encoding: 'base64', headers }]);
    await run();
    const [record] = records('dead');
    expect(Buffer.from(record?.value ?? [])).toEqual(bytes);
    expect(Buffer.from(record?.key ?? []).toString()).toBe('k');
    expect(record?.headers).toEqual(headers);
  });

  test('a failure midway leaves what was not acknowledged, and the next run goes on with it', async () => {
    let sends = 0;
    const { put, run, published, state } = await setUp(() => {
      if (++sends === 2) throw new TransientError('brokers are away');
    });
    await put(numbered('decisions', 500));
    await expect(run()).rejects.toThrow(TransientError);
    expect(published('decisions')).toEqual(numbers(200));
    expect(await state.outbox.size()).toBe(300);
    expect(await run()).toEqual({ published: 300, left: 0 });
    expect(published('decisions')).toEqual(numbers(500));
  });

  test('what was written without an acknowledgement is written again: at least once', async () => {
    let isLost = true;
    const { put, run, published, state } = await setUp();
    await put(numbered('decisions', 3));
    const acknowledge = state.outbox.acknowledge.bind(state.outbox);
    Object.assign(state.outbox, {
      acknowledge: async (ids: readonly string[]) => {
        if (isLost) throw new TransientError('the store is away');
        await acknowledge(ids);
      },
    });
    await expect(run()).rejects.toThrow('the store is away');
    isLost = false;
    expect(await run()).toEqual({ published: 3, left: 0 });
    expect(published('decisions')).toEqual([...numbers(3), ...numbers(3)]);
  });

  test('any other error becomes a TransientError that names the topic', async () => {
    const { put, run, state } = await setUp(() => {
      throw new Error('socket hang up');
    });
    await put(numbered('decisions', 1));
    const text = 'Cannot publish from the outbox to "decisions": socket hang up';
    await expect(run()).rejects.toMatchObject({ code: 'transient', message: text });
    expect(await state.outbox.size()).toBe(1);
  });

  test('a message that is too large is dropped and counted, the others are published', async () => {
    const { put, run, published, metrics, state } = await setUp((records) => {
      if (records.some(({ value }) => value === 'large')) throw new BadEventError('too large');
    });
    await put([message('decisions', 0), message('decisions', 'large'), message('decisions', 1)]);
    expect(await run()).toEqual({ published: 2, left: 0 });
    expect(published('decisions')).toEqual(['0', '1']);
    expect(metrics.counter('notify_dropped_total', { topic: 'decisions' })).toBe(1);
    expect(await state.outbox.size()).toBe(0);
  });

  test('a topic that does not exist keeps its messages and does not hold up the others', async () => {
    const { put, run, published, state } = await setUp();
    await put(numbered('missing', 450));
    await put(numbered('alerts', 450));
    await expect(run()).rejects.toThrow(/"missing"/);
    expect(published('alerts')).toEqual(numbers(450));
    expect(await state.outbox.size()).toBe(450);
  });

  test('when the topic exists at last, its messages go out in their order', async () => {
    let isMissing = true;
    const { put, run, published } = await setUp((records) => {
      if (isMissing && records[0]?.topic === 'alerts') throw new NotFoundError('no such topic');
    });
    await put(numbered('alerts', 300));
    await expect(run()).rejects.toThrow(TransientError);
    isMissing = false;
    expect(await run()).toEqual({ published: 300, left: 0 });
    expect(published('alerts')).toEqual(numbers(300));
  });

  test('it stops at the deadline with what is left', async () => {
    const { put, run, clock } = await setUp(() => clock.advance(600));
    await put(numbered('decisions', 1_000));
    expect(await run(1_000)).toEqual({ published: 400, left: 600 });
  });
});
