/** A kit on the run's real Redis, with keys of its own. */
import { WAKE_MS_MAX } from '../../lib/action-queue/bullmq-parts.ts';
import { bullmqActions, type BullmqOptions, type RedisConnect } from '../../lib/action-queue/index.ts';
import { STEP_MS_MAX } from '../../lib/action-queue/contract.ts';
import { type Clock, systemClock } from '../../lib/base/clock.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { noMetrics } from '../../lib/base/metrics.ts';
import { seededRandom } from '../../lib/base/random.ts';
import { openRedis } from '../../lib/clients/redis.ts';
import { testRedisUrl, uniqueName } from '../support/kafka-redis.ts';
import { PATIENT_MS } from '../support/patience.ts';

/** Connects to the shared Redis, or to `url`; patiently: a busy machine must not fail a connection that comes. */
export function connectTo(url = testRedisUrl()): RedisConnect {
  return (settings) =>
    openRedis({
      url,
      log: silentLogger,
      commandTimeoutMs: null,
      settings: { ...settings, connectTimeout: PATIENT_MS },
    });
}

const LIMITS_MS: readonly number[] = [WAKE_MS_MAX, STEP_MS_MAX];

/** Wakes and steps are given up so late that no honest one of a busy machine is. Tests of these limits take `systemClock` or a virtual one. */
const patientClock: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(LIMITS_MS.includes(ms) ? PATIENT_MS : ms, signal),
};

export function redisKit(
  overrides: Partial<BullmqOptions> = {},
): ReturnType<typeof bullmqActions> & { readonly prefix: string } {
  const prefix = overrides.prefix ?? `{${uniqueName('actions')}}`;
  const kit = bullmqActions({
    clock: patientClock,
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
