/** Whether a Redis may hold our state: asked once at start. */
import { Cluster } from 'ioredis';
import { ConfigError } from '../base/errors.ts';
import type { RedisClient } from '../clients/redis.ts';
import { call } from './redis-call.ts';

export type RedisCheck = {
  /** Version of the server; `unknown` where it does not say. */
  readonly version: string;
  /** Sentences for the log: what works, but not as safely as it could. */
  readonly warnings: readonly string[];
};

/** Throws ConfigError when keys could be evicted or scripts would not work, TransientError when Redis does not answer. Asks every master of a cluster. */
export async function checkRedis(client: RedisClient): Promise<RedisCheck> {
  if (client instanceof Cluster && client.status === 'wait') {
    await call({ act: 'reach', of: 'Redis Cluster' }, () => client.connect());
  }
  const nodes = client instanceof Cluster ? client.nodes('master') : [client];
  const checks = await Promise.all(
    nodes.map(async (node) => checkInfo(await call({ act: 'check', of: 'Redis' }, () => node.info()))),
  );
  return {
    version: checks[0]?.version ?? 'unknown',
    warnings: [...new Set(checks.flatMap((check) => check.warnings))],
  };
}

/** Judges an answer to INFO. Fields that a managed service hides are warned of, not refused. */
export function checkInfo(info: string): RedisCheck {
  const fields = new Map(info.split(/\r?\n/).map((line) => [line.split(':', 1)[0], line.slice(line.indexOf(':') + 1)]));
  const policy = fields.get('maxmemory_policy');
  const version = fields.get('redis_version') ?? 'unknown';
  if (policy !== undefined && policy !== 'noeviction') {
    throw new ConfigError(
      `Cannot use this Redis: expected maxmemory-policy noeviction (anything else drops load state and jobs when memory is short), current value is ${policy}`,
    );
  }
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < 6 || (major === 6 && minor < 2)) {
    throw new ConfigError(`Cannot use this Redis: expected version 6.2 or newer, current value is ${version}`);
  }
  const warnings: string[] = [];
  if (policy === undefined) warnings.push('Redis does not say its maxmemory-policy: make sure that it is noeviction');
  if (fields.get('aof_enabled') === '0') {
    warnings.push(
      'Redis keeps no append-only file: after a crash the load state is rebuilt from Kafka, actions in the queue are lost and made again by the next evaluation',
    );
  }
  return { version, warnings };
}
