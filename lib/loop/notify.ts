/** The notify stage: publishes what waits in the outbox. */
import { Buffer } from 'node:buffer';
import { BadEventError, messageOf, PenstockError, TransientError } from '../base/errors.ts';
import type { OutboxMessage } from '../state/contract.ts';
import type { OutgoingRecord } from '../stream/contract.ts';
import type { NotifyDeps } from './deps.ts';

/** Messages per send: a dead letter has at most 64 KiB, so a batch stays below 20 MB even when all of them are. */
const BATCH_MESSAGES_MAX = 200;

/** Messages of refused topics that are stepped over to reach the others; more of them block the outbox until somebody repairs the topic. */
const STUCK_MESSAGES_MAX = 5_000;

export type NotifyResult = { readonly published: number; readonly left: number };

type Waiting = { readonly id: string; readonly message: OutboxMessage };

/**
 * Publishes from the oldest on until the outbox is empty or `maxMs` are over (the send under way is finished). The order within a topic is kept. A message
 * leaves the outbox only after the brokers acknowledged it, so it is published at least once. One that is too large for the
 * brokers can never be published: it is dropped, logged and counted. Messages of a topic that refuses us stay and don't
 * hold up the other topics. Throws TransientError when messages could not be published (they stay), and what the state store throws.
 */
export async function notify(deps: NotifyDeps, options: { readonly maxMs: number }): Promise<NotifyResult> {
  const { outbox } = deps.state;
  const deadlineMs = deps.clock.monotonicMs() + options.maxMs;
  const refused = new Map<string, unknown>();
  const stuck = new Set<string>();
  let published = 0;
  do {
    const wanted = stuck.size + BATCH_MESSAGES_MAX;
    const seen = await outbox.peek(wanted);
    const batch: Waiting[] = [];
    for (const waiting of seen) {
      if (refused.has(waiting.message.topic)) stuck.add(waiting.id);
      else batch.push(waiting);
    }
    if (batch.length === 0 && seen.length < wanted) break;
    published += await publishByTopic(deps, { batch, refused });
  } while (stuck.size <= STUCK_MESSAGES_MAX && deps.clock.monotonicMs() < deadlineMs);
  const left = await outbox.size();
  deps.metrics.gauge('outbox_messages', left);
  const [first] = refused;
  if (first !== undefined) throw failure(first);
  return { published, left };
}

type Batch = {
  readonly batch: readonly Waiting[];
  /** Topics that refuse us, with the first error. */
  readonly refused: Map<string, unknown>;
};

/** Sends the topics of a batch side by side. Throws the first error that concerns more than its topic, after all sends have ended. */
async function publishByTopic(deps: NotifyDeps, { batch, refused }: Batch): Promise<number> {
  const byTopic = new Map<string, Waiting[]>();
  for (const waiting of batch) {
    const { topic } = waiting.message;
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), waiting]);
  }
  const results = await Promise.all(
    [...byTopic].map(async ([topic, messages]) => {
      try {
        return { published: await publish(deps, messages), error: null };
      } catch (error) {
        if (!isRefusal(error)) return { published: 0, error: failure([topic, error]) };
        refused.set(topic, error);
        deps.metrics.count('notify_refused_total', 1, { topic });
        return { published: 0, error: null };
      }
    }),
  );
  const failed = results.find(({ error }) => error !== null);
  if (failed?.error) throw failed.error;
  return results.reduce((sum, result) => sum + result.published, 0);
}

/** Sends messages of one topic, one by one when one of them is too large. */
async function publish(deps: NotifyDeps, messages: readonly Waiting[]): Promise<number> {
  try {
    await deps.producer.send(messages.map(({ message }) => recordOf(message)));
  } catch (error) {
    if (!(error instanceof BadEventError)) throw error;
    if (messages.length > 1) {
      let published = 0;
      for (const message of messages) published += await publish(deps, [message]);
      return published;
    }
    drop(deps, { messages, error });
    await deps.state.outbox.acknowledge(messages.map(({ id }) => id));
    return 0;
  }
  await deps.state.outbox.acknowledge(messages.map(({ id }) => id));
  for (const { message } of messages) deps.metrics.count('notify_published_total', 1, { topic: message.topic });
  return messages.length;
}

function drop(deps: NotifyDeps, of: { readonly messages: readonly Waiting[]; readonly error: unknown }): void {
  for (const { message } of of.messages) {
    deps.metrics.count('notify_dropped_total', 1, { topic: message.topic });
    deps.log.error('message can never be published and was dropped', {
      topic: message.topic,
      key: message.key,
      error: messageOf(of.error),
    });
  }
}

/** The topic does not exist, or we may not write to it: other topics may work. */
function isRefusal(error: unknown): boolean {
  return error instanceof PenstockError && (error.code === 'not-found' || error.code === 'denied');
}

function failure([topic, error]: readonly [string, unknown]): TransientError {
  if (error instanceof TransientError) return error;
  return new TransientError(`Cannot publish from the outbox to "${topic}": ${messageOf(error)}`, { cause: error });
}

function recordOf({ topic, key, value, encoding, headers }: OutboxMessage): OutgoingRecord {
  return {
    topic,
    key,
    value: encoding === 'base64' ? Buffer.from(value, 'base64') : value,
    ...(headers === undefined ? {} : { headers }),
  };
}
