/** How every Redis connection of an installation is opened. */
import { readFileSync } from 'node:fs';
import { ConfigError, messageOf } from '../base/errors.ts';
import type { RedisClientOptions } from '../clients/redis.ts';
import type { Config } from './config.ts';

/** Address, cluster mode and authority. Throws ConfigError when the CA file cannot be read. */
export function redisOptionsOf({
  redis,
}: Pick<Config, 'redis'>): Pick<RedisClientOptions, 'url' | 'cluster' | 'caPem'> {
  return {
    url: redis.url,
    cluster: redis.cluster,
    ...(redis.caFile === null ? {} : { caPem: readCa(redis.caFile) }),
  };
}

function readCa(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(`Cannot read PENSTOCK_REDIS_CA_FILE "${path}": ${messageOf(error)}`, { cause: error });
  }
}
