/** Every state store by its kind. */
import { memoryStateStores } from './memory.ts';
import { redisStateStores } from './redis.ts';

export const stateStores = { redis: redisStateStores, memory: memoryStateStores } satisfies Record<string, unknown>;

export { memoryStateStores } from './memory.ts';
export { redisStateStores } from './redis.ts';
export { checkRedis } from './redis-check.ts';
