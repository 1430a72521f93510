/** The action queue of the functions that carry it. */
import { bullmqActions } from '../../../action-queue/bullmq.ts';
import { openRedis } from '../../../clients/redis.ts';
import type { LambdaBase } from './base.ts';
import { redisOptionsOf } from '../../redis-options.ts';

/** Queue and worker on the same Redis as the state. Each connects when it is first used. */
export function actionsOf(base: LambdaBase): ReturnType<typeof bullmqActions> {
  const { config, clock, log, metrics } = base;
  return bullmqActions({
    clock,
    log,
    metrics,
    random: Math.random,
    // The braces keep all keys of the queue in one slot of a Redis Cluster.
    prefix: `{${config.redis.keyPrefix}}`,
    connect: (settings) =>
      openRedis({ ...redisOptionsOf(config), log, name: 'penstock-queue', commandTimeoutMs: null, settings }),
  });
}
