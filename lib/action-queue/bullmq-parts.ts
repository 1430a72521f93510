/** What the BullMQ queue and worker share: options, connections, key names. */
import type { Cluster, Redis } from 'ioredis';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { RetryDelay } from './retry.ts';
import type { StepDeps } from './step.ts';

/** What the queue demands of a connection. */
export type ConnectionSettings = {
  /** Null: a command waits for ever; BullMQ's blocking commands need it. */
  readonly maxRetriesPerRequest: number | null;
  readonly connectTimeout: number;
  /** How long a closing connection may linger [ms]. */
  readonly disconnectTimeout: number;
  /** True: what was sent when the connection broke is sent again. Otherwise ioredis forgets such commands without an answer, and a worker waits for ever. */
  readonly autoResendUnfulfilledCommands: true;
  /** Wait before connecting again [ms]. */
  readonly retryStrategy: (attempt: number) => number;
};

/** Opens a connection with these settings on top of the address and credentials that the host knows. The queue closes what it opened. */
export type RedisConnect = (settings: ConnectionSettings) => Redis | Cluster;

export type BullmqOptions = StepDeps & {
  readonly connect: RedisConnect;
  readonly random: Random;
  readonly retryDelay?: RetryDelay;
  /** Put before every key. The braces keep all keys in one slot of a Redis Cluster. */
  readonly prefix?: string;
  /** Steps of targets and node groups at once in one worker. */
  readonly concurrency?: number;
  /** Alert deliveries at once in one worker. */
  readonly alertConcurrency?: number;
};

export const PREFIX_DEFAULT = '{penstock}';

/** Steps wait for other systems, not for the processor: 16 keep a pool of 100 targets current within seconds without flooding an API server. */
export const CONCURRENCY_DEFAULT = 16;
/** Four receivers may hang for 15 s each and the fifth still gets its alert at once with a handful of hooks. */
export const ALERT_CONCURRENCY_DEFAULT = 8;

/** A wake answers within this time [ms], also when Redis is down. */
export const WAKE_MS_MAX = 900;

/** Fails fast: whoever wakes has something better to do than to wait. */
export const QUEUE_CONNECTION: ConnectionSettings = {
  maxRetriesPerRequest: 1,
  connectTimeout: WAKE_MS_MAX,
  disconnectTimeout: 200,
  autoResendUnfulfilledCommands: true,
  retryStrategy: (attempt) => Math.min(attempt * 50, 500),
};

/** Comes back by itself, however long Redis is away. */
export const WORKER_CONNECTION: ConnectionSettings = {
  maxRetriesPerRequest: null,
  connectTimeout: 5_000,
  disconnectTimeout: 200,
  autoResendUnfulfilledCommands: true,
  retryStrategy: (attempt) => Math.min(attempt * 100, 1_000),
};

/** Events of a queue kept in Redis; nobody reads them, BullMQ writes them. */
export const EVENTS_LENGTH_MAX = 100;

/** Redis keys of one queue, as BullMQ composes them. */
export function keysOf(prefix: string, queueName: string): (suffix: string) => string {
  return (suffix) => `${prefix}:${queueName}:${suffix}`;
}

/** Says once that Redis is away, and once that it is back; without a listener its errors would end the process. */
export function watchConnection(connection: ReturnType<RedisConnect>, part: string, log: Logger): void {
  let away = false;
  connection.on('error', (error: Error) => {
    if (!away) log.warn('Lost Redis', { part, error: messageOf(error) });
    away = true;
  });
  connection.on('ready', () => {
    if (away) log.info('Reached Redis again', { part });
    away = false;
  });
}
