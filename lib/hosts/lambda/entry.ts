/** What turns parts and a handler into a function's entry point. */
import { systemClock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { jsonLogger } from '../../base/log.ts';
import { oncePerContainer } from './lambda.ts';
import type { LambdaHandler } from './lambda.ts';
import { lambdaMetrics } from './metrics.ts';
import type { LambdaMetrics } from './metrics.ts';

/**
 * Starts building the parts at once, in the init phase, where Lambda gives a whole processor: the first event then finds the connection ready.
 * A build that fails is logged and tried again by the next invocation. Metrics are written at the end of each.
 */
export function lambdaEntry<Parts, Answer>(
  build: (metrics: LambdaMetrics) => Promise<Parts>,
  handlerOf: (parts: () => Promise<Parts>) => LambdaHandler<Answer>,
): LambdaHandler<Answer> {
  const metrics = lambdaMetrics({ clock: systemClock, write: (line) => void process.stdout.write(line) });
  const parts = oncePerContainer(async () => {
    try {
      return await build(metrics);
    } catch (error) {
      jsonLogger({ level: 'error' }).error('function could not be prepared', { error: messageOf(error) });
      throw error;
    }
  });
  // Whoever awaits it later hears of a failure; here it is only begun.
  parts().catch(() => {});
  const handler = handlerOf(parts);
  return async (event, context) => {
    try {
      return await handler(event, context);
    } finally {
      metrics.flush(context.functionName ?? 'local');
    }
  };
}
