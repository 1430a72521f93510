/** The notify function: publishes what waits in the outbox. */
import type { NotifyDeps } from '../loop/deps.ts';
import { workMs } from './lambda.ts';
import type { LambdaHandler } from './lambda.ts';
import type { CollectingWake } from './lambda-wake.ts';

export type NotifyParts = {
  readonly deps: Pick<NotifyDeps, 'log' | 'metrics'> & { readonly state: Pick<NotifyDeps['state'], 'outbox'> };
  /** Publishes for at most `maxMs`. */
  readonly notify: (options: { readonly maxMs: number }) => Promise<unknown>;
  readonly wake: CollectingWake;
};

export type NotifyAnswer = { readonly messagesLeft: number };

/** One request to the brokers may take this long; nothing is begun later than this before the timeout [ms]. */
export const PUBLISH_MARGIN_MS = 6_000;

/** Drains the outbox and wakes itself when messages are left. Throws what the stage throws: Lambda tries again, messages stay until acknowledged. */
export function notifyHandler(build: () => Promise<NotifyParts>): LambdaHandler<NotifyAnswer> {
  return async (_event, context) => {
    const parts = await build();
    await parts.notify({ maxMs: workMs(context, PUBLISH_MARGIN_MS) });
    const messagesLeft = await parts.deps.state.outbox.size();
    if (messagesLeft > 0) await parts.wake.notify();
    await parts.wake.flush();
    parts.deps.log.info('outbox was published', { messagesLeft });
    return { messagesLeft };
  };
}
