/** Every action queue by its kind. */
import { bullmqActions } from './bullmq.ts';
import { memoryActions } from './memory.ts';

export const actionQueues = { bullmq: bullmqActions, memory: memoryActions } satisfies Record<string, unknown>;

export { bullmqActions, type BullmqOptions, type RedisConnect } from './bullmq.ts';
export { memoryActions } from './memory.ts';
