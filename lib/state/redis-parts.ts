/** What every Redis store is made of. */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Metrics } from '../base/metrics.ts';
import type { RedisClient } from '../clients/redis.ts';

export type RedisParts = {
  readonly client: RedisClient;
  /** In front of every key, such as `penstock:`. With braces (`{penstock}:`) all keys share one slot of a cluster. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
};
