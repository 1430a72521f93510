/** The built functions against real Redis and Kafka, in fresh processes, called as Lambda calls them. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { kafkaEvent, httpEvent, kafkaRecord } from '../support/lambda-events.ts';
import { testKafkaBrokers, uniqueName } from '../support/kafka-redis.ts';
import { STATUS_TOKEN, buildFunctions, loadEvent } from '../support/lambda-installation.ts';
import type { BuiltFunctions, Installation } from '../support/lambda-installation.ts';
import { rawKafka } from '../stream/kafka-support.ts';

const POLICY = `apiVersion: penstock.dev/v1
kind: ScalingPolicy
metadata: { name: llama }
spec:
  target: { name: llama }
  replicas: { max: 8 }
  signals: [{ kind: inFlight, perReplica: 8 }]
`;

let functions: BuiltFunctions;

beforeAll(async () => {
  functions = await buildFunctions(POLICY);
});

afterAll(() => functions.close());

const installation = (): Installation => functions.install();

describe('the ingest function', () => {
  test.each(['msk', 'selfManaged'] as const)('folds a %s event into the state in Redis', async (source) => {
    const { invoke, state } = installation();
    const { answer } = await invoke(
      'ingest',
      kafkaEvent(
        source,
        [1, 2, 3].map((offset) => loadEvent(offset, 7)),
      ),
    );
    expect(answer).toEqual({ batchItemFailures: [] });
    const window = (await state.load.readMany(['llama'])).get('llama');
    expect(window?.applied.get('inference-load-0')?.offset).toBe(3);
    expect((await state.progress.read('inference-load-0'))?.value.offset).toBe(3);
  });

  test('a redelivered event changes nothing', async () => {
    const { invoke, state } = installation();
    const event = kafkaEvent(
      'msk',
      [1, 2, 3].map((offset) => loadEvent(offset, 7)),
    );
    await invoke('ingest', event);
    const before = await state.load.readMany(['llama']);
    expect(before.size).toBe(1);
    expect((await invoke('ingest', event)).answer).toEqual({ batchItemFailures: [] });
    state.load.forgetCache();
    expect(await state.load.readMany(['llama'])).toEqual(before);
  });

  test('poisoned records never fail the batch: they become dead letters, and notify is woken', async () => {
    const { invoke, state, wakes } = installation();
    const poisoned = [
      kafkaRecord({ offset: 10, value: 'not json at all' }),
      { ...kafkaRecord({ offset: 11 }), value: '%%%' },
      kafkaRecord({ offset: 12, value: '{"schema":"penstock.inference-load/99","workload":"llama"}' }),
      kafkaRecord({ offset: 13, value: '{"__proto__":{"polluted":true}}' }),
      kafkaRecord({ offset: 14, value: `"${'x'.repeat(300_000)}"` }),
      { ...kafkaRecord({ offset: 15 }), value: null },
      loadEvent(16, 3),
    ];
    expect((await invoke('ingest', kafkaEvent('msk', poisoned))).answer).toEqual({ batchItemFailures: [] });
    expect((await state.progress.read('inference-load-0'))?.value.offset).toBe(16);
    const letters = (await state.outbox.peek(100)).map(({ message }) => message.topic);
    // The tombstone is ignored, the good event is applied.
    expect(letters).toEqual(Array.from({ length: 5 }, () => 'penstock.dead-letter'));
    expect(wakes()).toEqual([{ name: 'notify', type: 'Event', body: { penstock: 'wake' } }]);
  });

  test('fails as a whole while Redis is out of reach, within its time', async () => {
    const { invoke } = installation();
    const away = { PENSTOCK_REDIS_URL: 'redis://127.0.0.1:1' };
    expect((await invoke('ingest', kafkaEvent('msk', [loadEvent(17, 3)]), away)).error).toMatch(/^Cannot /);
  });

  test('refuses an event that is not from Kafka', async () => {
    expect((await installation().invoke('ingest', { Records: [] })).error).toContain('expected a Kafka event');
  });

  test('refuses to run without a good policy, and names the problem', async () => {
    const nowhere = { PENSTOCK_POLICIES: join(functions.folder, 'nowhere') };
    const { error, output } = await installation().invoke('ingest', kafkaEvent('msk', [loadEvent(18, 1)]), nowhere);
    expect(error).toContain('nowhere');
    expect(output).toContain('function could not be prepared');
  });

  test('counts what it did in log lines that CloudWatch turns into metrics', async () => {
    const { output } = await installation().invoke('ingest', kafkaEvent('msk', [loadEvent(19, 3)]));
    const lines = output.split('\n').filter((line) => line.startsWith('{"_aws"'));
    const metrics = Object.assign({}, ...lines.map((line) => JSON.parse(line) as object)) as Record<string, unknown>;
    expect(metrics).toMatchObject({ function: 'penstock-test', ingest_events_applied_total: 1 });
  });
});

describe('the api function', () => {
  test('answers the health check', async () => {
    const { answer } = await installation().invoke('api', httpEvent('GET /healthz'));
    expect(answer).toMatchObject({ statusCode: 200, body: 'ok\n' });
  });

  test('gives the status to whoever has the token', async () => {
    const { invoke, state } = installation();
    await state.outbox.put([{ topic: 't', key: 'k', value: 'v' }]);
    const { answer } = await invoke(
      'api',
      httpEvent('GET /status', { headers: { authorization: `Bearer ${STATUS_TOKEN}` } }),
    );
    expect(answer).toMatchObject({ statusCode: 200 });
    const body = JSON.parse((answer as { body: string }).body) as Record<string, unknown>;
    expect(body).toMatchObject({ workloads: [{ workload: 'llama', mode: 'observe', max: 8 }], outbox: 1, jobs: 0 });
  });

  test('gives nothing to anybody else', async () => {
    expect((await installation().invoke('api', httpEvent('GET /status'))).answer).toMatchObject({ statusCode: 401 });
  });
});

describe('the notify function', () => {
  test('publishes what waits in the outbox to Kafka, and leaves nothing', async () => {
    const topic = uniqueName('decisions');
    const { invoke, state } = installation();
    const admin = rawKafka(testKafkaBrokers()).admin();
    await admin.connect();
    try {
      await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 1 }] });
      await state.outbox.put(['one', 'two', 'three'].map((value) => ({ topic, key: 'llama', value })));
      const { answer } = await invoke('notify', {}, { PENSTOCK_KAFKA_BROKERS: testKafkaBrokers().join(',') });
      expect(answer).toEqual({ messagesLeft: 0 });
      expect((await admin.fetchTopicOffsets(topic)).map(({ high }) => high)).toEqual(['3']);
      expect(await state.outbox.size()).toBe(0);
    } finally {
      await admin.disconnect();
    }
  });
});
