/** What every action queue does. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ActionHandler, ActionJob, ActionQueue, ActionWorker, DeadJob } from '../../lib/action-queue/contract.ts';
import { attemptCountMax } from '../../lib/action-queue/retry.ts';
import { ConfigError, TransientError } from '../../lib/base/errors.ts';
import { PATIENT_MS } from '../support/patience.ts';

export type ActionQueueHarness = {
  openQueue(): ActionQueue;
  /** One that is not patient gives up a step when its time is over; others may be slower to, so that a busy machine fails no honest step. */
  openWorker(options?: { readonly isPatient?: boolean }): ActionWorker;
  nowMs(): number;
  /** Lets time pass until the condition holds; fails after `withinMs`. */
  until(condition: () => boolean | Promise<boolean>, withinMs?: number): Promise<void>;
  close(): Promise<void>;
};

export const target = (id: string): ActionJob => ({ kind: 'target', pool: 'default', id });
const alert = (id: string): ActionJob => ({ kind: 'alert', hook: 'slack', id, payload: '{"title":"x"}' });

const flakyOrWrong: ActionHandler = async (job, { attempt }) => {
  if (job.id === 'wrong') throw new ConfigError('wrong for good');
  if (attempt < 3) throw new TransientError('flaky');
  return { done: true };
};

/** A promise that is settled from outside. */
function gate(): { readonly open: () => void; readonly opened: Promise<void> } {
  const settle: (() => void)[] = [];
  const opened = new Promise<void>((resolve) => settle.push(resolve));
  return { open: () => settle.forEach((resolve) => resolve()), opened };
}

/** The harness's `retryDelay` waits 30 ms, or as long as it was asked to. */
export function actionQueueConformance(name: string, make: () => Promise<ActionQueueHarness>): void {
  describe(`action queue: ${name}`, () => {
    let harness: ActionQueueHarness;
    let queue: ActionQueue;
    let worker: ActionWorker;
    let dead: DeadJob[];
    const onDead = async (job: DeadJob): Promise<void> => void dead.push(job);
    const idle = async (): Promise<boolean> => (await queue.depth()) === 0;

    beforeEach(async () => {
      harness = await make();
      queue = harness.openQueue();
      worker = harness.openWorker();
      dead = [];
    });
    afterEach(async () => {
      await worker.close();
      await queue.close();
      await harness.close();
    });

    /** Starts the worker with a handler that records its calls. */
    const record = async (
      handler: ActionHandler = async () => ({ done: true }),
    ): Promise<{ job: ActionJob; attempt: number; atMs: number }[]> => {
      const calls: { job: ActionJob; attempt: number; atMs: number }[] = [];
      await worker.start((job, context) => {
        calls.push({ job, attempt: context.attempt, atMs: harness.nowMs() });
        return handler(job, context);
      }, onDead);
      return calls;
    };

    test('hands every kind of job to the handler as it was given, with attempt 1, and forgets it', async () => {
      const jobs: ActionJob[] = [
        target('a'),
        { kind: 'nodeGroup', pool: 'p:{1}', id: 'g5:od/{x}' },
        alert('critical: 50% of {pods}'),
      ];
      const calls = await record();
      await queue.wake(jobs);
      await harness.until(idle);
      expect(calls.map((call) => call.job)).toEqual(expect.arrayContaining(jobs));
      expect(calls.map((call) => call.attempt)).toEqual([1, 1, 1]);
      expect(dead).toEqual([]);
    });

    test('runs once for a hundred wakes of one thing, and once for each of different things', async () => {
      for (let index = 0; index < 100; index++) await queue.wake([target('same'), target(`other-${index % 3}`)]);
      expect(await queue.depth()).toBe(4);
      const calls = await record();
      await harness.until(idle);
      expect(calls).toHaveLength(4);
    });

    test('takes several wakes of one thing in one call as one', async () => {
      await queue.wake([target('a'), target('a'), target('a')]);
      const calls = await record();
      await harness.until(idle);
      expect(calls).toHaveLength(1);
    });

    test('keeps things of the same id apart by kind and pool', async () => {
      await queue.wake([
        target('a'),
        { kind: 'nodeGroup', pool: 'default', id: 'a' },
        { kind: 'target', pool: 'other', id: 'a' },
      ]);
      const calls = await record();
      await harness.until(idle);
      expect(calls).toHaveLength(3);
    });

    test('follows a running step exactly once, however many wakes come meanwhile', async () => {
      const first = gate();
      const calls = await record(async () => {
        if (calls.length === 1) await first.opened;
        return { done: true };
      });
      await queue.wake([target('a')]);
      await harness.until(() => calls.length === 1);
      for (let index = 0; index < 20; index++) await queue.wake([target('a')]);
      expect(calls).toHaveLength(1);
      first.open();
      await harness.until(idle);
      expect(calls).toHaveLength(2);
    });

    test('never runs two steps of one thing at once', async () => {
      let running = 0;
      let runningMax = 0;
      await record(async () => {
        running += 1;
        runningMax = Math.max(runningMax, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        return { done: true };
      });
      for (let index = 0; index < 200; index++) await queue.wake([target('a')]);
      await harness.until(idle);
      expect(runningMax).toBe(1);
    });

    test('starts a step after every wake: nothing is lost in any interleaving', async () => {
      let tick = 0;
      const lastWake = new Map<string, number>();
      const lastStart = new Map<string, number>();
      await record(async (job) => {
        lastStart.set(job.id, ++tick);
        for (let turn = 0; turn < tick % 5; turn++) await new Promise((resolve) => setImmediate(resolve));
        if (tick % 11 === 0) throw new TransientError('flaky');
        return tick % 7 === 0 ? { done: false, againInMs: tick % 3 === 0 ? 0 : 40 } : { done: true };
      });
      const second = harness.openQueue();
      const wakeMany = async (through: ActionQueue, seed: number): Promise<void> => {
        for (let index = 0; index < 150; index++) {
          const id = `t${(index * seed) % 5}`;
          lastWake.set(id, ++tick);
          await through.wake([target(id)], (index * seed) % 4 === 0 ? { delayMs: (index % 3) * 15 } : {});
        }
      };
      await Promise.all([wakeMany(queue, 3), wakeMany(second, 7)]);
      await harness.until(idle);
      await second.close();
      for (const [id, at] of lastWake) expect([id, (lastStart.get(id) ?? 0) > at]).toEqual([id, true]);
      expect(dead).toEqual([]);
    });

    test('runs a delayed wake when its time has come, not before', async () => {
      const calls = await record();
      const wokenMs = harness.nowMs();
      await queue.wake([target('a')], { delayMs: 300 });
      await harness.until(idle);
      expect(calls).toHaveLength(1);
      expect((calls[0]?.atMs ?? 0) - wokenMs).toBeGreaterThanOrEqual(300);
    });

    test('lets a wake without delay overtake a delayed one, and an earlier one a later one', async () => {
      await queue.wake([target('a'), target('b')], { delayMs: 600_000 });
      await queue.wake([target('a')]);
      await queue.wake([target('b')], { delayMs: 50 });
      expect(await queue.depth()).toBe(2);
      const calls = await record();
      await harness.until(idle);
      expect(calls.map((call) => call.job.id)).toEqual(['a', 'b']);
    });

    test('does not let a later wake put off an earlier one', async () => {
      await queue.wake([target('waiting')]);
      await queue.wake([target('delayed')], { delayMs: 50 });
      await queue.wake([target('waiting'), target('delayed')], { delayMs: 600_000 });
      const calls = await record();
      await harness.until(idle);
      expect(calls).toHaveLength(2);
    });

    test('remembers a delayed wake that comes while a step runs, and does not let it put off an immediate one', async () => {
      const first = gate();
      const calls = await record(async (_, context) => {
        expect(context.attempt).toBe(1);
        if (calls.length <= 2) await first.opened;
        return { done: true };
      });
      await queue.wake([target('a'), target('b')]);
      await harness.until(() => calls.length === 2);
      await queue.wake([target('a')]);
      await queue.wake([target('a')], { delayMs: 600_000 });
      await queue.wake([target('b')], { delayMs: 600_000 });
      await queue.wake([target('b')], { delayMs: 50 });
      first.open();
      await harness.until(idle);
      expect(calls).toHaveLength(4);
    });

    test('looks again after the time a step asks for, without counting an attempt, and forgets earlier failures', async () => {
      const calls = await record(async (_, { attempt }) => {
        if (calls.length === 1) throw new TransientError('first try');
        if (calls.length === 2) return { done: false, againInMs: 200 };
        expect(attempt).toBe(1);
        return calls.length < 5 ? { done: false, againInMs: 0 } : { done: true };
      });
      await queue.wake([target('a')]);
      await harness.until(idle);
      expect(calls.map((call) => call.attempt)).toEqual([1, 2, 1, 1, 1]);
      expect((calls[2]?.atMs ?? 0) - (calls[1]?.atMs ?? 0)).toBeGreaterThanOrEqual(200);
      expect(dead).toEqual([]);
    });

    test('looks again at once when a wake came while the step ran, whatever time the step asked for', async () => {
      const first = gate();
      const calls = await record(async () => {
        if (calls.length > 1) return { done: true };
        await first.opened;
        return { done: false, againInMs: 3_000_000 };
      });
      await queue.wake([target('a')]);
      await harness.until(() => calls.length === 1);
      await queue.wake([target('a')]);
      first.open();
      await harness.until(idle);
      expect(calls).toHaveLength(2);
    });

    test('lets a wake overtake a step that asked to be looked at much later', async () => {
      const calls = await record(async () =>
        calls.length === 1 ? { done: false, againInMs: 3_000_000 } : { done: true },
      );
      await queue.wake([target('a')]);
      await harness.until(() => calls.length === 1);
      await harness.until(async () => {
        if (calls.length === 1) await queue.wake([target('a')]);
        return calls.length > 1;
      });
      await harness.until(idle);
      expect(calls.length).toBeLessThanOrEqual(3);
    });

    test('tries a retryable error again, counts the attempts, and reports the job dead after the last one', async () => {
      const calls = await record(async () => {
        throw new TransientError('API is down');
      });
      await queue.wake([target('a')]);
      await harness.until(async () => dead.length > 0 && (await idle()));
      expect(calls.map((call) => call.attempt)).toEqual(
        Array.from({ length: attemptCountMax('target') }, (_, index) => index + 1),
      );
      expect(dead).toEqual([{ job: target('a'), error: 'API is down', attempts: attemptCountMax('target') }]);
    });

    test('reports any other error dead at once, and takes the next wake of the same thing as new', async () => {
      const calls = await record(async () => {
        if (calls.length === 1) throw new ConfigError('wrong for good');
        return { done: true };
      });
      await queue.wake([target('a')]);
      await harness.until(async () => dead.length > 0 && (await idle()));
      expect(dead).toEqual([{ job: target('a'), error: 'wrong for good', attempts: 1 }]);
      await queue.wake([target('a')]);
      await harness.until(async () => calls.length === 2 && (await idle()));
      expect(calls[1]?.attempt).toBe(1);
    });

    test('follows a step that died when a wake came while it ran', async () => {
      const first = gate();
      const calls = await record(async () => {
        if (calls.length > 1) return { done: true };
        await first.opened;
        throw new ConfigError('wrong');
      });
      await queue.wake([target('a')]);
      await harness.until(() => calls.length === 1);
      await queue.wake([target('a')]);
      first.open();
      await harness.until(idle);
      expect(calls).toHaveLength(2);
    });

    test('survives a failing report of a dead job', async () => {
      const calls: string[] = [];
      await worker.start(
        async (job) => {
          calls.push(job.id);
          throw new ConfigError('wrong');
        },
        async () => {
          throw new Error('the alert book is down');
        },
      );
      await queue.wake([target('a')]);
      await harness.until(async () => calls.length === 1 && (await idle()));
      await queue.wake([target('b')]);
      await harness.until(async () => calls.length === 2 && (await idle()));
    });

    test('waits as long as the other side asks, and a wake does not shorten that', async () => {
      const calls = await record(async () => {
        if (calls.length === 1) throw new TransientError('throttled', { retryAfterMs: 400 });
        return { done: true };
      });
      await queue.wake([target('a')]);
      await harness.until(() => calls.length === 1);
      await queue.wake([target('b')]);
      await harness.until(() => calls.length === 2);
      await queue.wake([target('a')]);
      await harness.until(idle);
      const ofA = calls.filter((call) => call.job.id === 'a');
      expect((ofA[1]?.atMs ?? 0) - (ofA[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(400);
      expect(ofA[1]?.attempt).toBe(2);
    });

    test('gives up a step that never ends and tries it again', async () => {
      await worker.close();
      worker = harness.openWorker({ isPatient: false });
      const calls = await record(async (_, { attempt }) => {
        if (attempt === 1) await new Promise(() => {});
        return { done: true };
      });
      await queue.wake([target('a')]);
      await harness.until(idle, PATIENT_MS);
      expect(calls.map((call) => call.attempt)).toEqual([1, 2]);
    });

    test('keeps scaling steps going while every alert receiver hangs', async () => {
      const hanging = gate();
      const scaled: string[] = [];
      await record(async (job) => {
        if (job.kind === 'alert') await hanging.opened;
        else scaled.push(job.id);
        return { done: true };
      });
      await queue.wake(Array.from({ length: 10 }, (_, index) => alert(`alert-${index}`)));
      await queue.wake(Array.from({ length: 10 }, (_, index) => target(`t${index}`)));
      await harness.until(() => scaled.length === 10);
      hanging.open();
      await harness.until(idle);
    });

    test('stays small under a flood: at most one waiting and one running per thing', async () => {
      const first = gate();
      await record(async () => {
        await first.opened;
        return { done: true };
      });
      const flood = Array.from({ length: 2_000 }, (_, index) => target(`t${index % 10}`));
      for (let from = 0; from < flood.length; from += 100) await queue.wake(flood.slice(from, from + 100));
      expect(await queue.depth()).toBeLessThanOrEqual(20);
      first.open();
      await harness.until(idle);
    });

    test('lets running steps finish when it is closed', async () => {
      let finished = false;
      const first = gate();
      const calls = await record(async () => {
        await first.opened;
        finished = true;
        return { done: true };
      });
      await queue.wake([target('a')]);
      await harness.until(() => calls.length === 1);
      const closed = worker.close();
      first.open();
      await closed;
      expect(finished).toBe(true);
    });

    test('drains what is due, leaves what is not, and returns the number of steps', async () => {
      await queue.wake([target('a'), target('b'), alert('x')]);
      await queue.wake([target('later')], { delayMs: 600_000 });
      const seen: string[] = [];
      const handler: ActionHandler = async (job) => {
        seen.push(job.id);
        return seen.length === 1 ? { done: false, againInMs: 0 } : { done: true };
      };
      const steps = await worker.drain(handler, { deadlineMs: harness.nowMs() + 20_000, onDead });
      expect(steps).toBe(4);
      expect(new Set(seen)).toEqual(new Set(['a', 'b', 'x']));
      expect(await queue.depth()).toBe(1);
    });

    test('drains again in the same process, retries, and reports the dead', async () => {
      await queue.wake([target('flaky'), target('wrong')]);
      await harness.until(async () => {
        await worker.drain(flakyOrWrong, { deadlineMs: harness.nowMs() + 5_000, onDead });
        return idle();
      });
      expect(dead).toEqual([{ job: target('wrong'), error: 'wrong for good', attempts: 1 }]);
    });

    test('stops draining at the deadline', async () => {
      await queue.wake(Array.from({ length: 5 }, (_, index) => target(`t${index}`)));
      const steps = await worker.drain(async () => ({ done: true }), { deadlineMs: harness.nowMs(), onDead });
      expect(steps).toBe(0);
      expect(await queue.depth()).toBe(5);
    });
  });
}
