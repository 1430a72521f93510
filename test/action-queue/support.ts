/** A kit on the run's real Redis, with keys of its own. */
import { bullmqActions, type BullmqOptions, type RedisConnect } from '../../lib/action-queue/index.ts';
import { systemClock } from '../../lib/base/clock.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { noMetrics } from '../../lib/base/metrics.ts';
import { seededRandom } from '../../lib/base/random.ts';
import { openRedis } from '../../lib/clients/redis.ts';
import { testRedisUrl, uniqueName } from '../support/kafka-redis.ts';

/** Connects to the shared Redis, or to `url`. */
export function connectTo(url = testRedisUrl()): RedisConnect {
  return (settings) => openRedis({ url, log: silentLogger, commandTimeoutMs: null, settings });
}

export function redisKit(
  overrides: Partial<BullmqOptions> = {},
): ReturnType<typeof bullmqActions> & { readonly prefix: string } {
  const prefix = overrides.prefix ?? `{${uniqueName('actions')}}`;
  const kit = bullmqActions({
    clock: systemClock,
    log: silentLogger,
    metrics: noMetrics,
    random: seededRandom(1),
    connect: connectTo(),
    retryDelay: ({ retryAfterMs = 30 }) => retryAfterMs,
    ...overrides,
    prefix,
  });
  return { ...kit, prefix };
}

/** Asks until the condition holds; fails after `withinMs` of real time. */
export async function until(condition: () => boolean | Promise<boolean>, withinMs = 120_000): Promise<void> {
  const endMs = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > endMs) throw new Error(`It did not happen within ${withinMs} ms`);
    await systemClock.sleep(5);
  }
}
