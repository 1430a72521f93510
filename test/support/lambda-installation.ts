/** The built functions with Redis keys of their own and a stand-in for the Lambda API, called in fresh processes. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from '../../infra/local/build.mjs';
import { systemClock } from '../../lib/base/clock.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { noMetrics } from '../../lib/base/metrics.ts';
import { openRedis } from '../../lib/clients/redis.ts';
import { redisStateStores } from '../../lib/state/redis.ts';
import type { StateStores } from '../../lib/state/contract.ts';
import { testRedisUrl, uniqueName } from './kafka-redis.ts';
import { kafkaRecord } from './lambda-events.ts';
import { PATIENT_MS } from './patience.ts';
import { invokeBundle } from './run-bundle.ts';
import type { Invoked } from './run-bundle.ts';

/** Opens `/status` of every installation. */
export const STATUS_TOKEN = 'a-token-for-the-status';

/** One asynchronous invocation that was asked for. */
export type AskedInvocation = { readonly name: string; readonly type: string; readonly body: unknown };

export type Installation = {
  readonly state: StateStores;
  /** Wakes of this installation, by the plain name of the function. */
  readonly wakes: () => readonly AskedInvocation[];
  readonly invoke: (name: string, event: unknown, more?: Readonly<Record<string, string>>) => Promise<Invoked>;
};

export type BuiltFunctions = {
  readonly folder: string;
  /** Nothing of another installation is in its keys. `env` is for all its invocations. */
  install(env?: Readonly<Record<string, string>>): Installation;
  close(): Promise<void>;
};

/** Builds the functions and writes `policies` beside them. */
export async function buildFunctions(policies: string): Promise<BuiltFunctions> {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-functions-'));
  await writeFile(join(folder, 'policies.yaml'), policies);
  await build({ only: ['functions'], outDir: folder });
  const invocations: AskedInvocation[] = [];
  const lambda = await lambdaApi(invocations);
  const states: StateStores[] = [];
  return {
    folder,
    install: (env = {}) => {
      const prefix = uniqueName('lambda');
      const state = openState(prefix);
      states.push(state);
      const all = { ...environmentOf({ prefix, folder, lambdaUrl: lambda.url }), ...env };
      return {
        state,
        wakes: () =>
          invocations.flatMap((one) =>
            one.name.startsWith(`${prefix}-`) ? [{ ...one, name: one.name.slice(prefix.length + 1) }] : [],
          ),
        invoke: (name, event, more = {}) =>
          invokeBundle({ file: join(folder, 'functions', `${name}.cjs`), event, env: { ...all, ...more } }),
      };
    },
    close: async () => {
      await Promise.all(states.map((state) => state.close()));
      await new Promise((resolve) => lambda.server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function openState(prefix: string): StateStores {
  return redisStateStores({
    client: openRedis({ url: testRedisUrl(), log: silentLogger, commandTimeoutMs: PATIENT_MS }),
    prefix: `${prefix}:`,
    clock: systemClock,
    log: silentLogger,
    metrics: noMetrics,
  });
}

function environmentOf(of: { prefix: string; folder: string; lambdaUrl: string }): Record<string, string> {
  return {
    PENSTOCK_REDIS_URL: testRedisUrl(),
    PENSTOCK_KEY_PREFIX: of.prefix,
    PENSTOCK_POLICIES: join(of.folder, 'policies.yaml'),
    PENSTOCK_KUBERNETES: 'none',
    PENSTOCK_STATUS_TOKEN_SHA256: createHash('sha256').update(STATUS_TOKEN).digest('hex'),
    PENSTOCK_FUNCTION_EVALUATE: `${of.prefix}-evaluate`,
    PENSTOCK_FUNCTION_ACTUATE: `${of.prefix}-actuate`,
    PENSTOCK_FUNCTION_NOTIFY: `${of.prefix}-notify`,
    PENSTOCK_AWS_ENDPOINT: of.lambdaUrl,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  };
}

/** As much of the Lambda API as a wake needs: takes asynchronous invocations and keeps them. */
async function lambdaApi(invocations: AskedInvocation[]): Promise<{ server: Server; url: string }> {
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
  const address = server.address();
  return { server, url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}` };
}

/** A load event of workload `llama` in the last seconds, as a record of a Kafka event. */
export function loadEvent(offset: number, inFlight: number): Record<string, unknown> {
  const endMs = Math.floor(systemClock.nowMs() / 1_000) * 1_000 - (20 - offset) * 1_000;
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
