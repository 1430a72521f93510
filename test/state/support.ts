/** Redis stores for tests. */
import { systemClock } from '../../lib/base/clock.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { memoryMetrics } from '../../lib/base/metrics.ts';
import { openRedis, type RedisClient } from '../../lib/clients/redis.ts';
import type { StateStores } from '../../lib/state/contract.ts';
import { redisStateStores } from '../../lib/state/index.ts';

export type OpenStores = {
  readonly stores: StateStores;
  readonly client: RedisClient;
  readonly metrics: ReturnType<typeof memoryMetrics>;
};

/** Stores on a client of their own. */
export function openStores(options: {
  readonly url: string;
  readonly prefix: string;
  readonly cluster?: boolean;
}): OpenStores {
  const client = openRedis({ url: options.url, log: silentLogger, cluster: options.cluster ?? false });
  const metrics = memoryMetrics();
  const stores = redisStateStores({
    client,
    prefix: `${options.prefix}:`,
    clock: systemClock,
    log: silentLogger,
    metrics,
  });
  return { stores, client, metrics };
}

/** Waits until `condition` holds, at most 10 s. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error('the condition did not come true within 10 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
