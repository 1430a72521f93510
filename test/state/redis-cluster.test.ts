import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TransientError } from '../../lib/base/errors.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { COMMAND_TIMEOUT_MS, openRedis } from '../../lib/clients/redis.ts';
import type { RedisHandle } from '../../lib/local/index.ts';
import { checkRedis } from '../../lib/state/index.ts';
import { describeState } from '../conformance/state.ts';
import { ownRedis, uniqueName } from '../support/kafka-redis.ts';
import { openStores, until } from './support.ts';

/** A cluster of one node: it refuses every command whose keys are in two slots, as a large one does. */
let redis: RedisHandle;

beforeAll(async () => {
  redis = await ownRedis({ args: ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'] });
  const admin = openRedis({ url: redis.url, log: silentLogger });
  await admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  await until(async () => String(await admin.call('CLUSTER', 'INFO')).includes('cluster_state:ok'));
  await admin.quit();
});
afterAll(() => redis.stop());

let prefix = '';
describeState('redis cluster', {
  open: async () => {
    prefix = uniqueName('cluster');
    return openStores({ url: redis.url, prefix, cluster: true }).stores;
  },
  another: async () => openStores({ url: redis.url, prefix, cluster: true }).stores,
});

describe('redis cluster', () => {
  test('fails within its timeout when no node answers', async () => {
    const commandTimeoutMs = COMMAND_TIMEOUT_MS;
    const { stores } = openStores({ url: 'redis://127.0.0.1:1', prefix: 'nowhere', cluster: true, commandTimeoutMs });
    // Without it, looking for a node goes on for ever.
    await expect(stores.ping()).rejects.toThrow(TransientError);
    await expect(stores.load.readMany(['w'])).rejects.toThrow(TransientError);
    await stores.close();
  });

  test('is checked on every master', async () => {
    const client = openRedis({ url: redis.url, log: silentLogger, cluster: true });
    expect((await checkRedis(client)).warnings).toEqual([]);
    await client.quit();
  });
});
