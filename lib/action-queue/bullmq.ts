/** The action queue on BullMQ and Redis. */
import { openBullmqQueue } from './bullmq-queue.ts';
import type { BullmqOptions } from './bullmq-parts.ts';
import { openBullmqWorker } from './bullmq-worker.ts';
import type { ActionQueue, ActionWorker } from './contract.ts';

export type { BullmqOptions, RedisConnect } from './bullmq-parts.ts';

/** Queue and worker of one installation; each opens its own connections when asked for, and closes them. */
export function bullmqActions(options: BullmqOptions): { openQueue(): ActionQueue; openWorker(): ActionWorker } {
  return { openQueue: () => openBullmqQueue(options), openWorker: () => openBullmqWorker(options) };
}
