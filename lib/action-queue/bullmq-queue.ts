/** The producer side on BullMQ. */
import { randomUUID } from 'node:crypto';
import { Queue, type BulkJobOptions, type Job } from 'bullmq';
import { assert } from '../base/assert.ts';
import { messageOf, TransientError } from '../base/errors.ts';
import {
  EVENTS_LENGTH_MAX,
  keysOf,
  PREFIX_DEFAULT,
  QUEUE_CONNECTION,
  WAKE_MS_MAX,
  watchConnection,
  type BullmqOptions,
} from './bullmq-parts.ts';
import type { ActionJob, ActionQueue } from './contract.ts';
import { LANES, laneOf, sameJobId, type Lane } from './job-id.ts';
import { attemptCountMax } from './retry.ts';
import { MERGE_WAKE } from './wake-scripts.ts';

/** A wake that finds its predecessor just ended goes round again; the third time in a row something else is wrong. */
const MERGE_ROUNDS_MAX = 5;

/** Codes of BullMQ for "no such job" and "not waiting for a time any more": then it runs now, which is what was wanted. */
const STARTED_MEANWHILE: readonly unknown[] = [-1, -3];

type StoredJob = Job<ActionJob>;

/** Opens the queue. Connects in the background; every call fails with TransientError while Redis cannot be reached, and works again afterwards. */
export function openBullmqQueue(options: BullmqOptions): ActionQueue {
  const prefix = options.prefix ?? PREFIX_DEFAULT;
  const connection = options.connect(QUEUE_CONNECTION);
  watchConnection(connection, 'action queue', options.log);
  const queues = new Map<Lane, Queue<ActionJob>>();

  const queueOf = (lane: Lane): Queue<ActionJob> => {
    const open = queues.get(lane) ?? newQueue(lane);
    queues.set(lane, open);
    return open;
  };
  const newQueue = (lane: Lane): Queue<ActionJob> => {
    const queue = new Queue<ActionJob>(lane, {
      connection,
      prefix,
      skipWaitingForReady: true,
      streams: { events: { maxLen: EVENTS_LENGTH_MAX } },
    });
    queue.on('error', (error) => options.log.debug('The action queue had an error', { lane, error: error.message }));
    return queue;
  };
  /** A BullMQ queue whose first command failed stays broken for good, so it is opened anew. */
  const reopen = (): void => {
    for (const queue of queues.values()) queue.close().catch(() => {});
    queues.clear();
  };

  const mergeWake = async (lane: Lane, existingId: string, added: StoredJob, delayMs: number): Promise<string> => {
    const key = keysOf(prefix, lane);
    const id = added.opts.deduplication?.id ?? '';
    const json = added.asJSON();
    const keys = ['delayed', 'wait', 'active', `de:${id}`, `dn:${id}`].map(key);
    const dueMs = options.clock.nowMs() + delayMs;
    const followUp = [json.name, json.data, storedOptions(json.opts), randomUUID()];
    const args = [key(existingId), ...keys, existingId, dueMs, delayMs, ...followUp];
    return String(await connection.eval(MERGE_WAKE, keys.length + 1, ...args));
  };

  /** Adds the jobs to one lane and returns those that must be added again, because the job they met is no more. */
  const addOnce = async (lane: Lane, jobs: readonly ActionJob[], delayMs: number): Promise<ActionJob[]> => {
    const ids = jobs.map(() => randomUUID());
    const added = await queueOf(lane).addBulk(
      jobs.map((job, index) => ({ name: job.kind, data: job, opts: addOptions(job, ids[index] ?? '', delayMs) })),
    );
    const answers = await Promise.all(
      added.map(async (job, index) => {
        if (job.id === undefined || job.id === ids[index]) return 'kept';
        const answer = await mergeWake(lane, job.id, job, delayMs);
        if (answer === 'late') await hasten(job, delayMs);
        return answer;
      }),
    );
    // What ended ran after a wake without delay, or is followed up; of a delayed wake it may have known nothing.
    const lost = delayMs === 0 ? ['gone'] : ['gone', 'ended'];
    return jobs.filter((_, index) => lost.includes(answers[index] ?? ''));
  };

  const add = async (jobs: readonly ActionJob[], delayMs: number): Promise<void> => {
    for (const lane of LANES) {
      let open = jobs.filter((job) => laneOf(job) === lane);
      for (let round = 0; open.length > 0 && round < MERGE_ROUNDS_MAX; round++)
        open = await addOnce(lane, open, delayMs);
      if (open.length > 0)
        throw new TransientError(
          `Cannot wake "${lane}": expected a stable queue, current value is ${open.length} vanishing jobs`,
        );
    }
  };

  const guarded = async <T>(act: string, work: () => Promise<T>): Promise<T> => {
    const ended = new AbortController();
    const late = options.clock.sleep(WAKE_MS_MAX, ended.signal).then(() => {
      throw new Error(`no answer within ${WAKE_MS_MAX} ms`);
    });
    try {
      return await Promise.race([work(), late]);
    } catch (error) {
      reopen();
      if (error instanceof TransientError) throw error;
      throw new TransientError(
        `Cannot ${act} "action queue": expected an answer from Redis, current value is "${messageOf(error)}"`,
        {
          cause: error,
        },
      );
    } finally {
      ended.abort();
    }
  };

  return {
    wake: async (jobs, { delayMs = 0 } = {}) => {
      assert(Number.isFinite(delayMs) && delayMs >= 0, 'the delay of a wake is a number of at least 0');
      if (jobs.length === 0) return;
      await guarded('wake', () => add(newestOfEach(jobs), Math.ceil(delayMs)));
      options.metrics.count('action_wakes_total', jobs.length);
    },
    depth: () =>
      guarded('measure', async () => {
        const counts = await Promise.all(
          LANES.map((lane) => queueOf(lane).getJobCountByTypes('waiting', 'delayed', 'active')),
        );
        return counts.reduce((sum, count) => sum + count, 0);
      }),
    close: async () => {
      for (const queue of queues.values()) await queue.close().catch(() => {});
      queues.clear();
      connection.disconnect();
    },
  };
}

/** A wake without delay makes BullMQ remember it as a follow-up of a running job; one with delay is merged by our script, so that it never replaces an earlier one. */
function addOptions(job: ActionJob, jobId: string, delayMs: number): BulkJobOptions {
  return {
    jobId,
    delay: delayMs,
    attempts: attemptCountMax(job.kind),
    backoff: { type: 'custom' },
    deduplication: delayMs === 0 ? { id: sameJobId(job), keepLastIfActive: true } : { id: sameJobId(job) },
    removeOnComplete: true,
    removeOnFail: true,
    stackTraceLimit: 0,
  };
}

/** Options as BullMQ stores them: this one has a short name there. */
function storedOptions({ deduplication, ...rest }: StoredJob['opts']): string {
  return JSON.stringify({ ...rest, de: deduplication });
}

/** One job per thing: the last one of a call. */
function newestOfEach(jobs: readonly ActionJob[]): readonly ActionJob[] {
  return [...new Map(jobs.map((job) => [sameJobId(job), job])).values()];
}

async function hasten(job: StoredJob, delayMs: number): Promise<void> {
  try {
    await job.changeDelay(delayMs);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (!STARTED_MEANWHILE.includes(code)) throw error;
  }
}
