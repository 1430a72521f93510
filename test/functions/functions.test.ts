/** The built functions against real Redis (and Kafka), in fresh processes, called as Lambda calls them. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { build } from '../../infra/local/build.mjs';
import { systemClock } from '../../lib/base/clock.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { noMetrics } from '../../lib/base/metrics.ts';
import { openRedis } from '../../lib/clients/redis.ts';
import { redisStateStores } from '../../lib/state/redis.ts';
import type { StateStores } from '../../lib/state/contract.ts';
import { testRedisUrl, uniqueName } from '../support/kafka-redis.ts';
import { httpEvent, kafkaEvent, kafkaRecord } from '../support/lambda-events.ts';
import { invokeBundle } from '../support/run-bundle.ts';
import type { Invoked } from '../support/run-bundle.ts';

const TOKEN = 'a-token-for-the-status';

const POLICY = `apiVersion: penstock.dev/v1
kind: ScalingPolicy
metadata: { name: llama }
spec:
  target: { name: llama }
  replicas: { max: 8 }
  signals: [{ kind: inFlight, perReplica: 8 }]
`;

let folder: string;
let aws: Server;
const invocations: { name: string; type: string; body: unknown }[] = [];
const states: StateStores[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-functions-'));
  await mkdir(join(folder, 'policies'));
  await writeFile(join(folder, 'policies', 'llama.yaml'), POLICY);
  await build({ only: ['functions'], outDir: folder });
  aws = await lambdaApi();
}, 120_000);

afterAll(async () => {
  await Promise.all(states.map((state) => state.close()));
  await new Promise((resolve) => aws.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

/** An installation of its own: nothing of another test is in its Redis keys. */
function installation(): {
  readonly state: StateStores;
  readonly wakes: () => typeof invocations;
  readonly invoke: (name: string, event: unknown, more?: Record<string, string>) => Promise<Invoked>;
} {
  const prefix = uniqueName('lambda');
  const address = aws.address();
  const env = {
    PENSTOCK_REDIS_URL: testRedisUrl(),
    PENSTOCK_KEY_PREFIX: prefix,
    PENSTOCK_POLICIES: join(folder, 'policies'),
    PENSTOCK_KUBERNETES: 'none',
    PENSTOCK_STATUS_TOKEN_SHA256: createHash('sha256').update(TOKEN).digest('hex'),
    PENSTOCK_FUNCTION_EVALUATE: `${prefix}-evaluate`,
    PENSTOCK_FUNCTION_NOTIFY: `${prefix}-notify`,
    PENSTOCK_AWS_ENDPOINT: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  };
  const state = redisStateStores({
    client: openRedis({ url: testRedisUrl(), log: silentLogger }),
    prefix: `${prefix}:`,
    clock: systemClock,
    log: silentLogger,
    metrics: noMetrics,
  });
  states.push(state);
  return {
    state,
    wakes: () =>
      invocations.flatMap((one) =>
        one.name.startsWith(`${prefix}-`) ? [{ ...one, name: one.name.slice(prefix.length + 1) }] : [],
      ),
    invoke: (name, event, more = {}) =>
      invokeBundle({ file: join(folder, 'functions', `${name}.cjs`), event, env: { ...env, ...more } }),
  };
}

/** As much of the Lambda API as a wake needs: takes asynchronous invocations and keeps them. */
async function lambdaApi(): Promise<Server> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      invocations.push({
        name: decodeURIComponent(/functions\/([^/]+)\/invocations/.exec(request.url ?? '')?.[1] ?? ''),
        type: String(request.headers['x-amz-invocation-type']),
        body: JSON.parse(body),
      });
      response.writeHead(202).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** A load event of the last seconds. */
function loadEvent(offset: number, inFlight: number): Record<string, unknown> {
  const endMs = Math.floor(Date.now() / 1_000) * 1_000 - (20 - offset) * 1_000;
  return kafkaRecord({
    offset,
    timestamp: endMs,
    key: 'llama',
    value: JSON.stringify({
      schema: 'penstock.inference-load/1',
      workload: 'llama',
      source: 'pod/llama-1',
      intervalStartMs: endMs - 1_000,
      intervalEndMs: endMs,
      ready: true,
      inFlight,
    }),
  });
}

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
    const nowhere = { PENSTOCK_POLICIES: join(folder, 'nowhere') };
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
    const { answer } = await invoke('api', httpEvent('GET /status', { headers: { authorization: `Bearer ${TOKEN}` } }));
    expect(answer).toMatchObject({ statusCode: 200 });
    const body = JSON.parse((answer as { body: string }).body) as Record<string, unknown>;
    expect(body).toMatchObject({ workloads: [{ workload: 'llama', mode: 'observe', max: 8 }], outbox: 1, jobs: 0 });
  });

  test('gives nothing to anybody else', async () => {
    expect((await installation().invoke('api', httpEvent('GET /status'))).answer).toMatchObject({ statusCode: 401 });
  });
});
