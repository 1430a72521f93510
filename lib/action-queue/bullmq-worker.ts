/** The consumer side on BullMQ: long-running, or one drain per call. */
import { Worker } from 'bullmq';
import { messageOf, PenstockError } from '../base/errors.ts';
import { closeWithin, withDuplicates } from './bullmq-close.ts';
import { drainLane } from './bullmq-drain.ts';
import {
  ALERT_CONCURRENCY_DEFAULT,
  CONCURRENCY_DEFAULT,
  PREFIX_DEFAULT,
  WORKER_CONNECTION,
  watchConnection,
  type BullmqOptions,
} from './bullmq-parts.ts';
import { processStep, reportPoison, type OnDead, type StoredJob, type WorkerContext } from './bullmq-step.ts';
import { LOCK_MS, STALLED_CHECK_MS, type ActionHandler, type ActionJob, type ActionWorker } from './contract.ts';
import { jobOf, LANES, type Lane } from './job-id.ts';
import { retryDelayMs } from './retry.ts';

/** Takeovers of one job before it is dead. A rolling restart or a series of crashes takes it over a few times; a step that kills its process every time must end. */
const TAKEOVERS_MAX = 50;

/** After Redis was away the worker asks again so often [ms]. */
const REDIS_RETRY_MS = 1_000;

type Processor = (job: StoredJob, token?: string) => Promise<void>;

/** Opens the worker. Nothing runs before `start` or `drain`. */
export function openBullmqWorker(options: BullmqOptions): ActionWorker {
  const connection = options.connect(WORKER_CONNECTION);
  watchConnection(connection, 'action worker', options.log);
  const connections = withDuplicates(connection);
  const context: WorkerContext = { options, connection, prefix: options.prefix ?? PREFIX_DEFAULT };
  const workers = new Map<Lane, Worker<ActionJob>>();
  const closing = new AbortController();

  return {
    start: async (handler, onDead) => {
      for (const lane of LANES) {
        const worker = newWorker(context, lane, (job, token = '') =>
          processStep(context, lane, job, { token, handler, onDead }),
        );
        workers.set(lane, worker);
        worker.on('failed', (stored) => {
          if (stored?.deferredFailure !== undefined) void reportPoison(context, stored, onDead);
        });
        void supervise(context, worker, { lane, ended: closing.signal });
      }
    },
    drain: async (handler, { deadlineMs, onDead }) => {
      for (const lane of LANES) if (!workers.has(lane)) workers.set(lane, newWorker(context, lane, null));
      return drainAll(context, workers, { handler, onDead, deadlineMs });
    },
    close: async () => {
      closing.abort();
      const closed = Promise.all([...workers.values()].map((worker) => worker.close().catch(() => {})));
      await closeWithin(closed, connections, options.clock);
    },
  };
}

function newWorker(context: WorkerContext, lane: Lane, processor: Processor | null): Worker<ActionJob> {
  const { options, connection, prefix } = context;
  const worker = new Worker<ActionJob>(lane, processor, {
    connection,
    prefix,
    autorun: false,
    concurrency: concurrencyOf(options, lane),
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
    if (connection.status === 'ready')
      options.log.warn('The action worker had an error', { lane, error: messageOf(error) });
  });
  worker.on('stalled', (id) => {
    options.log.warn('Took over the job of a worker that went silent', { lane, job: id });
    options.metrics.count('action_takeovers_total', 1, { lane });
  });
  return worker;
}

function concurrencyOf(options: BullmqOptions, lane: Lane): number {
  if (lane === 'alerts') return options.alertConcurrency ?? ALERT_CONCURRENCY_DEFAULT;
  return options.concurrency ?? CONCURRENCY_DEFAULT;
}

/** Keeps a worker running: BullMQ's own loop ends when its first contact with Redis fails. */
async function supervise(
  { options }: WorkerContext,
  worker: Worker<ActionJob>,
  { lane, ended }: { readonly lane: Lane; readonly ended: AbortSignal },
): Promise<void> {
  while (!ended.aborted) {
    try {
      await worker.run();
      return;
    } catch (error) {
      options.log.error('The action worker stopped and is started again', { lane, error: messageOf(error) });
      await options.clock.sleep(REDIS_RETRY_MS, ended);
    }
  }
}

/** Both lanes side by side. A Redis that stops answering holds the caller up for at most the life of a lock beyond the deadline. */
async function drainAll(
  context: WorkerContext,
  workers: ReadonlyMap<Lane, Worker<ActionJob>>,
  drain: { readonly handler: ActionHandler; readonly onDead: OnDead; readonly deadlineMs: number },
): Promise<number> {
  const { clock } = context.options;
  const ended = new AbortController();
  const late = clock.sleep(Math.max(0, drain.deadlineMs - clock.nowMs()) + LOCK_MS, ended.signal).then(() => 0);
  try {
    const lanes = [...workers].map(([lane, worker]) =>
      Promise.race([drainLane(context, lane, { ...drain, worker }), late]),
    );
    const steps = await Promise.all(lanes);
    return steps.reduce((sum, count) => sum + count, 0);
  } finally {
    ended.abort();
  }
}
