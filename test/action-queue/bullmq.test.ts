import { actionQueueConformance } from '../conformance/action-queue.ts';
import { redisKit, until } from './support.ts';

actionQueueConformance('BullMQ on Redis', async () => {
  return { ...redisKit(), nowMs: () => Date.now(), until, close: async () => {} };
});
