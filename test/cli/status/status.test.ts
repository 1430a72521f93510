/** The built `penstock status` against a real Redis. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ownRedis, testRedisUrl, uniqueName } from '../../support/kafka-redis.ts';
import { buildTestCli } from '../../support/process-host.ts';
import { openStores } from '../../state/support.ts';
import { type Ran, penstock } from '../built.ts';

const ESCAPE = '\u001b';

let cli: Awaited<ReturnType<typeof buildTestCli>>;

beforeAll(async () => {
  cli = await buildTestCli();
});
afterAll(() => cli.remove());

function status(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const names = { PENSTOCK_REDIS_URL: testRedisUrl(), PENSTOCK_KEY_PREFIX: uniqueName('status') };
  return penstock(['status', ...args], { script: cli.script, env: { ...names, ...env } });
}

describe('penstock status', () => {
  test('of a new installation shows every workload of the policies, undecided, and no colours in a pipe', async () => {
    const { code, out, err } = await status();
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^WORKLOAD +MODE +REPLICAS/);
    expect(out).toMatch(/^llama-8b-chat .*not decided yet$/m);
    expect(out).toMatch(/^NODE GROUP/m);
    expect(out).toContain('No alerts.');
    expect(out).not.toContain(ESCAPE);
  });

  test('with --json is one line of JSON', async () => {
    const { code, out, err } = await status(['--json']);
    expect([code, err]).toEqual([0, '']);
    expect(out.trimEnd()).not.toContain('\n');
    const view = JSON.parse(out) as { workloads: { workload: string; wanted: number | null }[]; jobs: number };
    expect(view.workloads.map(({ workload, wanted }) => [workload, wanted])).toEqual([
      ['image-batch', null],
      ['llama-8b-chat', null],
    ]);
    expect(view.jobs).toBe(0);
  });

  test('a Redis that may drop keys is refused: exit code 2, with the setting to change', async () => {
    const redis = await ownRedis();
    const { client } = openStores({ url: redis.url, prefix: 'status' });
    try {
      await client.call('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
      const { code, out, err } = await status([], { PENSTOCK_REDIS_URL: redis.url });
      expect([code, out]).toEqual([2, '']);
      expect(err).toMatch(
        /^Cannot use this Redis: expected maxmemory-policy noeviction .*current value is allkeys-lru\n$/,
      );
    } finally {
      client.disconnect();
      await redis.stop();
    }
  });

  test('a wrong password is told as that, and not shown', async () => {
    const redis = await ownRedis();
    const { client } = openStores({ url: redis.url, prefix: 'status' });
    try {
      await client.call('CONFIG', 'SET', 'requirepass', 'right');
      const url = redis.url.replace('redis://', 'redis://:wr0ng@');
      const { code, out, err } = await status([], { PENSTOCK_REDIS_URL: url });
      expect([code, out]).toEqual([1, '']);
      expect(err).toMatch(/^Cannot .*Redis.*: .*WRONGPASS/);
      expect(err).not.toMatch(/wr0ng|right/);
    } finally {
      client.disconnect();
      await redis.stop();
    }
  });
});
