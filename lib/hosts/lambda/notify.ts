/** The notify function: publishes what waits in the outbox. */
import { PenstockError, messageOf } from '../../base/errors.ts';
import type { NotifyDeps } from '../../loop/deps.ts';
import { withinMs, workMs } from './lambda.ts';
import type { LambdaContext, LambdaHandler } from './lambda.ts';
import type { CollectingWake } from './wake.ts';

export type NotifyParts = {
  readonly deps: Pick<NotifyDeps, 'clock' | 'log' | 'metrics'> & {
    readonly state: Pick<NotifyDeps['state'], 'outbox'>;
  };
  /** Publishes for at most `maxMs`, but finishes the send that is under way. */
  readonly notify: (options: { readonly maxMs: number }) => Promise<unknown>;
  readonly wake: CollectingWake;
};

export type NotifyAnswer = { readonly messagesLeft: number };

/** A send that the brokers are slow to acknowledge may take this long; none is begun later than this before the timeout [ms]. */
const PUBLISH_MARGIN_MS = 6_000;

/**
 * Drains the outbox, and wakes itself when its time is over and messages are left. Brokers out of reach or a refused topic are logged and counted
 * (`notify_failures_total`), not thrown: messages stay until acknowledged, and each round of evaluate wakes this function while some wait.
 * Throws what will not pass by itself.
 */
export function notifyHandler(build: () => Promise<NotifyParts>): LambdaHandler<NotifyAnswer> {
  return async (_event, context) => {
    const parts = await build();
    const ended = await publish(parts, context);
    const messagesLeft = await parts.deps.state.outbox.size();
    // After a failure the next round is soon enough: an immediate wake would only fail again.
    if (messagesLeft > 0 && ended === 'inTime') await parts.wake.notify();
    await parts.wake.flush();
    parts.deps.log.info('outbox was published', { messagesLeft });
    return { messagesLeft };
  };
}

async function publish(parts: NotifyParts, context: LambdaContext): Promise<'inTime' | 'failed'> {
  const { clock, log, metrics } = parts.deps;
  try {
    const work = parts.notify({ maxMs: workMs(context, PUBLISH_MARGIN_MS) });
    const outcome = await withinMs(work, { clock, ms: workMs(context) });
    if (outcome.kind === 'done') return 'inTime';
    log.warn('a send was not acknowledged in time', { margin: PUBLISH_MARGIN_MS });
  } catch (error) {
    if (!(error instanceof PenstockError && error.retryable)) throw error;
    log.warn('outbox could not be published, messages stay', { error: messageOf(error) });
  }
  metrics.count('notify_failures_total');
  return 'failed';
}
