import { systemClock } from '../../lib/base/clock.ts';
import { actionQueueConformance } from '../conformance/action-queue.ts';
import { redisKit, until } from './support.ts';

actionQueueConformance('BullMQ on Redis', async () => {
  const kit = redisKit();
  const inTime = redisKit({ prefix: kit.prefix, clock: systemClock });
  return {
    openQueue: () => kit.openQueue(),
    openWorker: ({ isPatient = true } = {}) => (isPatient ? kit : inTime).openWorker(),
    nowMs: () => Date.now(),
    until,
    close: async () => {},
  };
});
