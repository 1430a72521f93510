import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Clock, systemClock, VirtualClock } from '../../lib/base/clock.ts';
import { jsonLogger } from '../../lib/base/log.ts';
import { noMetrics } from '../../lib/base/metrics.ts';
import { recordTopic, type RecordOptions } from '../../lib/cli/record.ts';
import { kafkaStream, memoryStream, type MemoryStream } from '../../lib/stream/index.ts';
import { testKafkaBrokers, uniqueName } from '../support/kafka-redis.ts';
import { until } from '../support/until.ts';

let folder: string;
let clock: VirtualClock;
let stream: MemoryStream;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'penstock-record-'));
  clock = new VirtualClock();
  stream = memoryStream({ clock });
  await stream.admin().ensureTopics([{ topic: 'load', partitions: 2, replicationFactor: 1 }]);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Starts a recording; resolves when it listens, or has failed before. */
async function start(options: Partial<RecordOptions> = {}, signal = new AbortController().signal) {
  const listening = new AbortController();
  const listens = new Promise((resolve) => listening.signal.addEventListener('abort', resolve));
  const log = jsonLogger({ level: 'info', write: () => listening.abort() });
  const done = recordTopic(
    { stream, clock, log },
    { topic: 'load', group: 'g', out: join(folder, 'out'), seconds: 60, signal, ...options },
  );
  await Promise.race([listens, done.catch(() => undefined)]);
  return { done };
}

async function failure(options: Partial<RecordOptions>): Promise<string> {
  const { done } = await start(options);
  return done.then(
    () => 'none',
    (error: unknown) => (error as Error).message,
  );
}

/** An event of the two seconds before `endMs`. */
function eventOf(workload: string, { arrived, endMs }: { arrived: number; endMs: number }): string {
  return JSON.stringify({
    schema: 'penstock.inference-load/1',
    workload,
    source: 'pod/a',
    intervalStartMs: endMs - 2_000,
    intervalEndMs: endMs,
    requests: { arrived },
    tokens: { input: arrived * 100, output: arrived * 10 },
  });
}

/** Sends one event of the two seconds before now, and waits until it was handled. */
function send(workload: string, arrived: number): Promise<void> {
  return sendText(workload, eventOf(workload, { arrived, endMs: clock.nowMs() }));
}

async function sendText(key: string, value: string): Promise<void> {
  await stream.producer().send([{ topic: 'load', key, value }]);
  await stream.settled();
}

async function everyTwoSeconds(seconds: number, act: (second: number) => Promise<void>): Promise<void> {
  for (let second = 0; second < seconds; second += 2) {
    await clock.advance(2_000);
    await act(second);
  }
}

const written = (workload: string): string => readFileSync(join(folder, 'out', `${workload}.csv`), 'utf8');

describe('recordTopic', () => {
  test('writes a rate trace per workload from now on', async () => {
    await send('chat', 1_000);
    await clock.advance(1_000);
    const { done } = await start();
    await everyTwoSeconds(58, async (second) => {
      await send('chat', 4);
      if (second < 30) await send('code', 2);
    });
    await sendText('x', 'nonsense');
    await clock.advance(2_000);
    const summary = await done;
    // 29 of one, 15 of the other. What was sent before is not heard; the first interval and that of the newest event are not whole.
    expect(summary).toEqual({
      events: 44,
      otherRecords: 1,
      lateEvents: 0,
      workloadsLeftOut: 0,
      points: { chat: 4, code: 2 },
    });
    expect(written('chat')).toMatch(/^t,rps,mean_in,mean_out\n(\d{10},2,100,10\n){4}$/);
    expect(written('code')).toMatch(/^t,rps,mean_in,mean_out\n(\d{10},1,100,10\n){2}$/);
  });

  test('begins in the past when asked to', async () => {
    await everyTwoSeconds(120, () => send('chat', 6));
    const { done } = await start({ seconds: 1, lookbackSec: 60, intervalSec: 20 });
    await stream.settled();
    await clock.advance(1_000);
    expect((await done).points).toEqual({ chat: 3 });
    expect(written('chat').split('\n')[1]).toMatch(/,3,100,10$/);
  });

  test('stops at the signal and keeps what was heard', async () => {
    const stopping = new AbortController();
    const { done } = await start({ seconds: 1e6 }, stopping.signal);
    await everyTwoSeconds(40, () => send('chat', 2));
    stopping.abort();
    expect((await done).points).toEqual({ chat: 4 });
  });

  test('says so when nothing came', async () => {
    const { done } = await start({ seconds: 5 });
    await clock.advance(5_000);
    expect((await done).points).toEqual({});
  });

  test('refuses a folder with traces, a file as folder, an unknown topic and a bad interval', async () => {
    writeFileSync(join(folder, 'chat.csv'), '');
    expect(await failure({ out: folder })).toMatch(
      'expected a folder without traces, current value is one with chat.csv',
    );
    expect(await failure({ out: join(folder, 'chat.csv') })).toMatch(/Cannot record into ".*chat\.csv": .*EEXIST/);
    expect(await failure({ topic: 'none' })).toMatch('Cannot consume topic "none"');
    expect(await failure({ intervalSec: 0 })).toMatch('expected an interval from 1 to 3600 s');
  });

  test('fails when a file cannot be written', async () => {
    const { done } = await start({ seconds: 1_000 });
    const failing = expect(done).rejects.toThrow(/Cannot record into ".*out": .*ENOENT/);
    rmSync(join(folder, 'out'), { recursive: true });
    await everyTwoSeconds(120, () => send('chat', 2));
    await failing;
  });
});

test('recordTopic records what Kafka still has', async () => {
  const log = jsonLogger({ level: 'silent' });
  const nowMs = systemClock.nowMs();
  // So that a slow machine looks back no less far.
  const standing: Clock = { ...systemClock, nowMs: () => nowMs };
  const kafka = kafkaStream({
    kafka: { brokers: testKafkaBrokers(), clientId: 'record-test' },
    clock: standing,
    log,
    metrics: noMetrics,
    random: () => 0.5,
  });
  const topic = uniqueName('record');
  const admin = kafka.admin();
  await admin.ensureTopics([{ topic, partitions: 2, replicationFactor: 1 }]);
  await admin.close();
  const producer = kafka.producer();
  const ends = Array.from({ length: 30 }, (_, at) => nowMs - (30 - at) * 2_000);
  await producer.send(
    ends.map((endMs) => ({ topic, key: 'chat', value: eventOf('chat', { arrived: 4, endMs }), timestampMs: endMs })),
  );
  await producer.close();
  const group = uniqueName('record');
  const heard = new AbortController();
  const recorded = recordTopic(
    { stream: kafka, clock: standing, log },
    { topic, group, out: join(folder, 'out'), seconds: 3_600, lookbackSec: 62, signal: heard.signal },
  );
  const lag = kafka.lagReader();
  await until('all is heard', async () => {
    const left = await lag.read({ topic, group });
    return left.kind === 'value' && left.depth === 0;
  });
  await lag.close();
  heard.abort();
  const summary = await recorded;
  expect(summary.events).toBe(30);
  // A minute has five whole intervals of ten seconds at least; the first may have begun before the first event.
  expect(summary.points['chat']).toBeGreaterThanOrEqual(5);
  expect(written('chat')).toMatch(/\n\d{10},2,100,10\n/);
});
