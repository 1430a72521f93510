/** Redis stores for tests. */
import { systemClock } from '../../lib/base/clock.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { memoryMetrics } from '../../lib/base/metrics.ts';
import { openRedis, type RedisClient } from '../../lib/clients/redis.ts';
import type { StateStores } from '../../lib/state/contract.ts';
import { redisStateStores } from '../../lib/state/index.ts';
import { PATIENT_MS } from '../support/patience.ts';

export type OpenStores = {
  readonly stores: StateStores;
  readonly client: RedisClient;
  readonly metrics: ReturnType<typeof memoryMetrics>;
};

/** Stores on a client of their own. Patient, unless `commandTimeoutMs` says otherwise: a busy machine must not fail an honest answer. */
export function openStores(options: {
  readonly url: string;
  readonly prefix: string;
  readonly cluster?: boolean;
  readonly commandTimeoutMs?: number;
}): OpenStores {
  const { url, cluster = false, commandTimeoutMs = PATIENT_MS } = options;
  const client = openRedis({ url, log: silentLogger, cluster, commandTimeoutMs });
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

/** Waits until `condition` holds; the deadline is only for one that never does. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + PATIENT_MS;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`the condition did not come true within ${PATIENT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
