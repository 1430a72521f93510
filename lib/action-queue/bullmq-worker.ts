/** The consumer side on BullMQ: long-running, or one drain per call. */
import { randomUUID } from 'node:crypto';
import { DelayedError, UnrecoverableError, Worker, type Job } from 'bullmq';
import type { Clock } from '../base/clock.ts';
import { messageOf, PenstockError } from '../base/errors.ts';
import {
  ALERT_CONCURRENCY_DEFAULT,
  CONCURRENCY_DEFAULT,
  keysOf,
  PREFIX_DEFAULT,
  watchConnection,
  WORKER_CONNECTION,
  type BullmqOptions,
  type RedisConnect,
} from './bullmq-parts.ts';
import {
  LOCK_MS,
  STALLED_CHECK_MS,
  type ActionHandler,
  type ActionJob,
  type ActionWorker,
  type DeadJob,
} from './contract.ts';
import { jobOf, LANES, type Lane } from './job-id.ts';
import { retryDelayMs } from './retry.ts';
import { reportDead, runStep } from './step.ts';
import { SETTLE_AGAIN } from './wake-scripts.ts';

/** Takeovers of one job before it is dead. A rolling restart or a series of crashes takes it over a few times; a step that kills its process every time must end. */
const TAKEOVERS_MAX = 50;

/** After Redis was away the worker asks again so often [ms]. */
const REDIS_RETRY_MS = 1_000;

/** The longest step (an alert) and a little: closing waits for it, but not for a Redis that never comes back [ms]. */
const CLOSE_MS_MAX = 21_000;

const CLOSE_POLL_MS = 100;

/** While another worker holds the last jobs, a drain looks this often whether they are left behind [ms]. */
const DRAIN_POLL_MS = 100;

/** How often the lock of a running step is renewed [ms]: twice within its life. */
const RENEW_MS = LOCK_MS / 2.5;

type StoredJob = Job<ActionJob>;
type Connection = ReturnType<RedisConnect>;
type OnDead = (dead: DeadJob) => Promise<void>;

/** Opens the worker. Nothing runs before `start` or `drain`. */
export function openBullmqWorker(options: BullmqOptions): ActionWorker {
  const prefix = options.prefix ?? PREFIX_DEFAULT;
  const connection = options.connect(WORKER_CONNECTION);
  watchConnection(connection, 'action worker', options.log);
  const connections = withDuplicates(connection);
  const workers = new Map<Lane, Worker<ActionJob>>();
  const closing = new AbortController();
  const reported = new WeakSet<Error>();

  /** One step; a normal return completes the job, DelayedError leaves it where it was put, UnrecoverableError ends it, anything else backs off. */
  const process = async (
    lane: Lane,
    stored: StoredJob,
    step: { token: string; handler: ActionHandler; onDead: OnDead },
  ): Promise<void> => {
    const job = jobOf(stored.data);
    const renewing = new AbortController();
    const renewed = renew(stored, step.token, renewing.signal);
    const outcome = await runStep(job, { ...step, attempt: stored.attemptsMade + 1 }, options);
    renewing.abort();
    await renewed;
    if (outcome.kind === 'retry') throw outcome.error;
    if (outcome.kind === 'dead') {
      const dead = new UnrecoverableError(messageOf(outcome.error));
      reported.add(dead);
      throw dead;
    }
    if (outcome.kind === 'again') {
      await moveAgain(lane, stored, { inMs: outcome.inMs, token: step.token });
      throw new DelayedError();
    }
  };

  const moveAgain = async (lane: Lane, stored: StoredJob, again: { inMs: number; token: string }): Promise<void> => {
    await stored.moveToDelayed(options.clock.nowMs() + again.inMs, again.token);
    const key = keysOf(prefix, lane);
    const id = stored.opts.deduplication?.id ?? '';
    const keys = [key(stored.id ?? ''), key('delayed'), key(`dn:${id}`)];
    const followMs = Number(await connection.eval(SETTLE_AGAIN, keys.length, ...keys, stored.id ?? ''));
    // It may have started already: that is as good.
    if (followMs >= 0 && followMs < again.inMs) await stored.changeDelay(followMs).catch(() => {});
  };

  const open = (lane: Lane, handler: ((job: StoredJob, token?: string) => Promise<void>) | null): Worker<ActionJob> => {
    const worker = new Worker<ActionJob>(lane, handler, {
      connection,
      prefix,
      autorun: false,
      concurrency:
        lane === 'alerts'
          ? (options.alertConcurrency ?? ALERT_CONCURRENCY_DEFAULT)
          : (options.concurrency ?? CONCURRENCY_DEFAULT),
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_CHECK_MS,
      // Its timer outlives a close while Redis is away; steps renew their own lock.
      skipLockRenewal: true,
      maxStalledCount: TAKEOVERS_MAX,
      runRetryDelay: REDIS_RETRY_MS,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
      settings: {
        backoffStrategy: (attempt, _type, error, job) => {
          const retryAfterMs = error instanceof PenstockError ? error.retryAfterMs : undefined;
          return (options.retryDelay ?? retryDelayMs)(
            { kind: jobOf(job?.data).kind, attempt, retryAfterMs },
            options.random,
          );
        },
      },
    });
    worker.on('error', (error) => {
      // Without Redis every attempt to reconnect is an error: that is said once, by the connection.
      if (connection.status !== 'ready') return;
      options.log.warn('The action worker had an error', { lane, error: messageOf(error) });
    });
    worker.on('stalled', (id) => {
      options.log.warn('Took over the job of a worker that went silent', { lane, job: id });
      options.metrics.count('action_takeovers_total', 1, { lane });
    });
    workers.set(lane, worker);
    return worker;
  };

  /** A job that killed its workers too often never reaches the handler: BullMQ fails it by itself. */
  const onFailedByItself = (worker: Worker<ActionJob>, onDead: OnDead): void => {
    worker.on('failed', (stored, error) => {
      if (stored?.deferredFailure === undefined || reported.has(error)) return;
      void reportDead(
        { job: jobOf(stored.data), error: messageOf(error), attempts: stored.attemptsMade },
        onDead,
        options,
      );
    });
  };

  const supervise = async (worker: Worker<ActionJob>, lane: Lane): Promise<void> => {
    while (!closing.signal.aborted) {
      try {
        await worker.run();
        return;
      } catch (error) {
        options.log.error('The action worker stopped and is started again', { lane, error: messageOf(error) });
        await options.clock.sleep(REDIS_RETRY_MS, closing.signal);
      }
    }
  };

  const start = (handler: ActionHandler, onDead: OnDead): void => {
    for (const lane of LANES) {
      const worker = open(lane, (job, token = '') => process(lane, job, { token, handler, onDead }));
      onFailedByItself(worker, onDead);
      void supervise(worker, lane);
    }
  };

  /** Runs one job by hand. */
  const runByHand = async (
    lane: Lane,
    stored: StoredJob,
    step: { token: string; handler: ActionHandler; onDead: OnDead },
  ): Promise<void> => {
    try {
      if (stored.deferredFailure !== undefined) {
        await reportDead(
          { job: jobOf(stored.data), error: stored.deferredFailure, attempts: stored.attemptsMade },
          step.onDead,
          options,
        );
        throw new UnrecoverableError(stored.deferredFailure);
      }
      await process(lane, stored, step);
      await stored.moveToCompleted(undefined, step.token, false);
    } catch (error) {
      if (error instanceof DelayedError) return;
      await stored.moveToFailed(error instanceof Error ? error : new Error(messageOf(error)), step.token, false);
    }
  };

  const renew = async (stored: StoredJob, token: string, ended: AbortSignal): Promise<void> => {
    for (;;) {
      await options.clock.sleep(RENEW_MS, ended);
      if (ended.aborted) return;
      await stored.extendLock(token, LOCK_MS).catch(() => {});
    }
  };

  const drainLane = async (
    lane: Lane,
    drain: { handler: ActionHandler; onDead: OnDead; deadlineMs: number },
  ): Promise<number> => {
    const worker = workers.get(lane) ?? open(lane, null);
    await worker.startStalledCheckTimer();
    let steps = 0;
    while (options.clock.nowMs() < drain.deadlineMs) {
      const token = randomUUID();
      const stored = await worker.getNextJob(token, { block: false });
      if (stored !== undefined) {
        steps += 1;
        await runByHand(lane, stored, { ...drain, token }).catch((error: unknown) => {
          // The lock was lost: another worker has the job, or will have it. Steps are idempotent.
          options.log.warn('Could not finish a step', { lane, job: stored.id, error: messageOf(error) });
        });
      } else if ((await connection.llen(keysOf(prefix, lane)('active'))) === 0) {
        return steps;
      } else {
        await options.clock.sleep(DRAIN_POLL_MS);
      }
    }
    return steps;
  };

  return {
    start: async (handler, onDead) => start(handler, onDead),
    drain: async (handler, { deadlineMs, onDead }) => {
      const ended = new AbortController();
      const late = options.clock
        .sleep(Math.max(0, deadlineMs - options.clock.nowMs()) + LOCK_MS, ended.signal)
        .then(() => 0);
      try {
        const steps = await Promise.all(
          LANES.map((lane) => Promise.race([drainLane(lane, { handler, onDead, deadlineMs }), late])),
        );
        return steps.reduce((sum, count) => sum + count, 0);
      } finally {
        ended.abort();
      }
    },
    close: async () => {
      closing.abort();
      const closed = Promise.all([...workers.values()].map((worker) => worker.close().catch(() => {})));
      const ended = new AbortController();
      await Promise.race([closed, patience(connection, options.clock, ended.signal)]);
      ended.abort();
      for (const client of connections) if (client.status !== 'end') client.disconnect();
    },
  };
}

/** Resolves when it is no use to wait any longer for jobs to end: Redis stayed away, or the longest step should be over. */
async function patience(connection: Connection, clock: Clock, ended: AbortSignal): Promise<void> {
  const startedMs = clock.monotonicMs();
  let awaySinceMs: number | undefined;
  while (!ended.aborted && clock.monotonicMs() - startedMs < CLOSE_MS_MAX) {
    await clock.sleep(CLOSE_POLL_MS, ended);
    if (connection.status === 'ready') awaySinceMs = undefined;
    else if (clock.monotonicMs() - (awaySinceMs ??= clock.monotonicMs()) >= STALLED_CHECK_MS) return;
  }
}

/** The connection, and every one that BullMQ makes of it: when Redis is away, BullMQ's own closing waits for ever, and only ending them frees it. */
function withDuplicates(connection: Connection): Connection[] {
  const all = [connection];
  const duplicate = connection.duplicate.bind(connection) as (...args: unknown[]) => Connection;
  const tracked = (...args: unknown[]): Connection => {
    const copy = duplicate(...args);
    all.push(copy);
    return copy;
  };
  Object.assign(connection, { duplicate: tracked });
  return all;
}
