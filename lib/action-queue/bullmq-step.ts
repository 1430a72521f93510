/** One step of a BullMQ job: run, and put where its outcome says. The same for both ways of working. */
import { DelayedError, UnrecoverableError, type Job } from 'bullmq';
import { messageOf } from '../base/errors.ts';
import { keysOf, type BullmqOptions, type RedisConnect } from './bullmq-parts.ts';
import { LOCK_MS, type ActionHandler, type ActionJob, type DeadJob } from './contract.ts';
import { jobOf, type Lane } from './job-id.ts';
import { reportDead, runStep } from './step.ts';
import { SETTLE_AGAIN } from './wake-scripts.ts';

export type StoredJob = Job<ActionJob>;
export type Connection = ReturnType<RedisConnect>;
export type OnDead = (dead: DeadJob) => Promise<void>;

/** What the parts of one worker share. */
export type WorkerContext = {
  readonly options: BullmqOptions;
  readonly prefix: string;
  readonly connection: Connection;
};

export type StepRun = { readonly token: string; readonly handler: ActionHandler; readonly onDead: OnDead };

/** How often the lock of a running step is renewed [ms]: twice within its life. */
const RENEW_MS = LOCK_MS / 2.5;

/**
 * Runs one step while its lock is renewed. A normal return means complete the job; DelayedError: it has been put where it belongs; UnrecoverableError: it is
 * dead and reported; anything else: back off.
 */
export async function processStep(context: WorkerContext, lane: Lane, stored: StoredJob, run: StepRun): Promise<void> {
  const renewing = new AbortController();
  const renewed = renew(context, stored, { token: run.token, ended: renewing.signal });
  const step = { handler: run.handler, onDead: run.onDead, attempt: stored.attemptsMade + 1 };
  const outcome = await runStep(jobOf(stored.data), step, context.options);
  renewing.abort();
  await renewed;
  if (outcome.kind === 'retry') throw outcome.error;
  if (outcome.kind === 'dead') throw new UnrecoverableError(messageOf(outcome.error));
  if (outcome.kind === 'again') {
    await moveAgain(context, lane, stored, { inMs: outcome.inMs, token: run.token });
    throw new DelayedError();
  }
}

/** Reports a job that killed its workers too often: BullMQ marks it and fails it without asking the handler. */
export async function reportPoison(context: WorkerContext, stored: StoredJob, onDead: OnDead): Promise<void> {
  const error = stored.deferredFailure ?? 'unknown';
  await reportDead({ job: jobOf(stored.data), error, attempts: stored.attemptsMade }, onDead, context.options);
}

async function moveAgain(
  context: WorkerContext,
  lane: Lane,
  stored: StoredJob,
  again: { readonly inMs: number; readonly token: string },
): Promise<void> {
  await stored.moveToDelayed(context.options.clock.nowMs() + again.inMs, again.token);
  const key = keysOf(context.prefix, lane);
  const id = stored.id ?? '';
  const keys = [key(id), key('delayed'), key(`dn:${stored.opts.deduplication?.id ?? ''}`)];
  const followMs = Number(await context.connection.eval(SETTLE_AGAIN, keys.length, ...keys, id));
  // It may have started already: that is as good.
  if (followMs >= 0 && followMs < again.inMs) await stored.changeDelay(followMs).catch(() => {});
}

async function renew(
  { options }: WorkerContext,
  stored: StoredJob,
  lock: { readonly token: string; readonly ended: AbortSignal },
): Promise<void> {
  for (;;) {
    await options.clock.sleep(RENEW_MS, lock.ended);
    if (lock.ended.aborted) return;
    await stored.extendLock(lock.token, LOCK_MS).catch(() => {});
  }
}
