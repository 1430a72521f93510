/** How the built `penstock run` and `penstock bridge` refuse to start: within a bound, with the exit code of the documentation, and nothing left running. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ownRedis, testKafkaBrokers, testRedisUrl, uniqueName } from '../support/kafka-redis.ts';
import { buildTestCli } from '../support/process-host.ts';
import { openStores } from '../state/support.ts';
import { type Ran, NOBODY, penstock } from './built.ts';

/** Joining is tried for 30 s, because a broker may be starting too; the rest is for a busy machine [ms]. */
const START_MS_MAX = 180_000;

let cli: Awaited<ReturnType<typeof buildTestCli>>;
let folder: string;

beforeAll(async () => {
  cli = await buildTestCli();
  folder = await mkdtemp(join(tmpdir(), 'penstock-run-'));
});
afterAll(async () => {
  await cli.remove();
  await rm(folder, { recursive: true, force: true });
});

function start(command: 'run' | 'bridge', env: Readonly<Record<string, string>>): Promise<Ran> {
  const name = uniqueName('run');
  const usable = {
    PENSTOCK_REDIS_URL: testRedisUrl(),
    PENSTOCK_KAFKA_BROKERS: testKafkaBrokers().join(','),
    PENSTOCK_KAFKA_GROUP: name,
    PENSTOCK_KEY_PREFIX: name,
    PENSTOCK_KUBERNETES: 'none',
    PENSTOCK_HTTP_PORT: '0',
  };
  return penstock([command], { script: cli.script, env: { ...usable, ...env }, msMax: START_MS_MAX });
}

/** What is not a line of the log: the last word to the person who started it. */
function lastWord({ err }: Ran): string {
  const lines = err.trimEnd().split('\n');
  return lines.findLast((line) => !line.startsWith('{')) ?? '';
}

describe('penstock run', () => {
  test('without Kafka, or without its topics: says so at once in the log, tries on for half a minute, and ends', async () => {
    const topic = uniqueName('nowhere');
    const [noKafka, noTopics] = await Promise.all([
      start('run', { PENSTOCK_KAFKA_BROKERS: NOBODY }),
      start('run', { PENSTOCK_TOPIC_INFERENCE_LOAD: topic, PENSTOCK_TOPIC_QUEUE_DEPTH: topic }),
    ]);
    expect(noKafka.code).toBe(1);
    expect(lastWord(noKafka)).toMatch(/^Cannot consume .* as group ".*": .*ECONNREFUSED 127\.0\.0\.1:1$/);
    expect(noKafka.err).toContain('cannot consume yet, trying on');
    // A line per attempt would be a hundred.
    expect(noKafka.err.split('\n').length).toBeLessThan(30);
    expect(noTopics.code).toBe(2);
    expect(lastWord(noTopics)).toContain(`"${topic}"`);
    expect(lastWord(noTopics)).toContain('expected the topic to exist');
  });

  test('without Redis: names the address and the reason, not the password, ends with 1', async () => {
    const ran = await start('run', { PENSTOCK_REDIS_URL: `redis://:secret@${NOBODY}` });
    expect(ran.code).toBe(1);
    expect(lastWord(ran)).toBe(
      `Cannot reach Redis at "${NOBODY}" (PENSTOCK_REDIS_URL): connect ECONNREFUSED ${NOBODY}`,
    );
    expect(ran.err).not.toContain('secret');
  });

  test('a Redis that may drop keys: ends with 2', async () => {
    const redis = await ownRedis();
    const { client } = openStores({ url: redis.url, prefix: 'run' });
    try {
      await client.call('CONFIG', 'SET', 'maxmemory-policy', 'volatile-lru');
      const ran = await start('run', { PENSTOCK_REDIS_URL: redis.url });
      expect(ran.code).toBe(2);
      expect(lastWord(ran)).toContain('expected maxmemory-policy noeviction');
    } finally {
      client.disconnect();
      await redis.stop();
    }
  });

  test('a port in use: names the settings, ends with 2', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const ran = await start('run', { PENSTOCK_HTTP_PORT: String(port) });
    other.close();
    expect(ran.code).toBe(2);
    expect(lastWord(ran)).toContain(`Cannot serve "127.0.0.1:${port}"`);
    expect(lastWord(ran)).toContain('PENSTOCK_HTTP_PORT');
  });

  test('no good policy: every problem, ends with 2', async () => {
    const file = join(folder, 'policy.yaml');
    await writeFile(file, 'kind: Nothing');
    const ran = await start('run', { PENSTOCK_POLICIES: file });
    expect(ran.code).toBe(2);
    expect(lastWord(ran)).toContain(`Cannot load policy "${file}"`);
  });
});

describe.each(['run', 'bridge'] as const)('penstock %s', (command) => {
  test.each([
    ['a kubeconfig that is not there', { PENSTOCK_KUBERNETES: 'kubeconfig', KUBECONFIG: '/nowhere/config' }, 'ENOENT'],
    ['a kubeconfig that is not named', { PENSTOCK_KUBERNETES: 'kubeconfig' }, 'expected KUBECONFIG to name a file'],
    ['no kubeconfig and no cluster around it', { PENSTOCK_KUBERNETES: 'auto' }, 'PENSTOCK_KUBERNETES=none'],
    ['a CA file that is not there', { PENSTOCK_KAFKA_CA_FILE: '/nowhere/ca.pem' }, 'PENSTOCK_KAFKA_CA_FILE'],
  ])('with %s: ends with 2', async (_what, env, expected) => {
    const ran = await start(command, env);
    expect(ran.code).toBe(2);
    expect(lastWord(ran)).toContain(expected);
  });
});
