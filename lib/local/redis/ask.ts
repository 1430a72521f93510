/** Asks a Redis-compatible server whether it is ready and what it is. */
import { Redis } from 'ioredis';

/** A loopback server that needs longer to accept is not up yet [ms]. */
const CONNECT_MS_MAX = 2_000;

/** PING and INFO. Throws when it does not answer or is still loading its data. */
export async function askRedis(url: string): Promise<{ kind: string; version: string }> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_MS_MAX,
    commandTimeout: CONNECT_MS_MAX,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.ping();
    return parseServerInfo(await client.info('server'));
  } finally {
    // After a refused connection there is nothing to end, and ioredis would keep a timer for it.
    if (client.status !== 'end') client.disconnect();
  }
}

/** Kind and version in the text of `INFO server`. Valkey reports the Redis version it is compatible with beside its own. */
export function parseServerInfo(info: string): { kind: string; version: string } {
  const field = (name: string): string | undefined => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1];
  const valkey = field('valkey_version');
  if (valkey !== undefined) return { kind: 'valkey', version: valkey };
  return { kind: field('server_name') ?? 'redis', version: field('redis_version') ?? 'unknown' };
}
