import { memoryActions } from '../../lib/action-queue/index.ts';
import { VirtualClock } from '../../lib/base/clock.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { noMetrics } from '../../lib/base/metrics.ts';
import { seededRandom } from '../../lib/base/random.ts';
import { actionQueueConformance } from '../conformance/action-queue.ts';

actionQueueConformance('memory', async () => {
  const clock = new VirtualClock();
  const kit = memoryActions({
    clock,
    log: silentLogger,
    metrics: noMetrics,
    random: seededRandom(1),
    retryDelay: ({ retryAfterMs = 30 }) => retryAfterMs,
  });
  return {
    ...kit,
    nowMs: () => clock.nowMs(),
    until: async (condition, withinMs = 10_000) => {
      const endMs = clock.nowMs() + withinMs;
      while (!(await condition())) {
        if (clock.nowMs() >= endMs) throw new Error(`It did not happen within ${withinMs} virtual ms`);
        await clock.advance(10);
      }
    },
    close: async () => {},
  };
});
