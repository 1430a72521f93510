/** The action queue in memory, driven by a clock: for tests, the simulator and a demo without Redis. */
import { assert } from '../base/assert.ts';
import { PenstockError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import { type ActionHandler, type ActionJob, type ActionQueue, type ActionWorker, type DeadJob } from './contract.ts';
import { laneOf, sameJobId } from './job-id.ts';
import { retryDelayMs, type RetryDelay } from './retry.ts';
import { runStep, type StepDeps } from './step.ts';

export type MemoryOptions = StepDeps & {
  readonly random: Random;
  readonly concurrency?: number;
  readonly retryDelay?: RetryDelay;
};

const CONCURRENCY_DEFAULT = 16;

type Entry = {
  readonly id: string;
  job: ActionJob;
  state: 'waiting' | 'active';
  dueMs: number;
  /** Order among those due at the same time. */
  order: number;
  failures: number;
  followUp: { readonly job: ActionJob; readonly delayMs: number } | undefined;
};

type Board = {
  readonly entries: Map<string, Entry>;
  order: number;
  /** Ends the sleep of whoever waits for something to become due. */
  changed: AbortController;
};

/** Queue and workers of one process; they share the jobs. */
export function memoryActions(options: MemoryOptions): { openQueue(): ActionQueue; openWorker(): ActionWorker } {
  const board: Board = { entries: new Map(), order: 0, changed: new AbortController() };
  return { openQueue: () => openQueue(board, options), openWorker: () => openWorker(board, options) };
}

function openQueue(board: Board, options: MemoryOptions): ActionQueue {
  return {
    wake: async (jobs, { delayMs = 0 } = {}) => {
      assert(Number.isFinite(delayMs) && delayMs >= 0, 'the delay of a wake is a number of at least 0');
      for (const job of jobs) wakeOne(board, job, { delayMs, nowMs: options.clock.nowMs() });
      options.metrics.count('action_wakes_total', jobs.length);
      announce(board);
    },
    depth: async () => board.entries.size,
    close: async () => {},
  };
}

function wakeOne(board: Board, job: ActionJob, wake: { readonly delayMs: number; readonly nowMs: number }): void {
  const id = sameJobId(job);
  const entry = board.entries.get(id);
  const dueMs = wake.nowMs + wake.delayMs;
  if (entry === undefined) {
    board.entries.set(id, { id, job, state: 'waiting', dueMs, order: board.order++, failures: 0, followUp: undefined });
  } else if (entry.state === 'active') {
    if (entry.followUp === undefined || wake.delayMs <= entry.followUp.delayMs)
      entry.followUp = { job, delayMs: wake.delayMs };
  } else if (entry.failures === 0 && dueMs < entry.dueMs) {
    // A retry is left alone: a wake must not shorten its back-off.
    Object.assign(entry, { dueMs, order: board.order++ });
  }
}

function announce(board: Board): void {
  board.changed.abort();
  board.changed = new AbortController();
}

function openWorker(board: Board, options: MemoryOptions): ActionWorker {
  const closing = new AbortController();
  const running = new Set<Promise<void>>();

  const run = (entry: Entry, handler: ActionHandler, onDead: (dead: DeadJob) => Promise<void>): Promise<void> => {
    entry.state = 'active';
    const work = runEntry(board, entry, { handler, onDead, options }).finally(() => {
      running.delete(work);
      announce(board);
    });
    running.add(work);
    return work;
  };

  return {
    start: async (handler, onDead) => {
      const loop = async (): Promise<void> => {
        while (!closing.signal.aborted) {
          const changed = board.changed.signal;
          const { due, nextMs } = look(board, options, running.size);
          for (const entry of due) void run(entry, handler, onDead);
          if (due.length === 0) await options.clock.sleep(nextMs, changed);
        }
      };
      void loop();
    },
    drain: async (handler, { deadlineMs, onDead }) => {
      let steps = 0;
      while (!closing.signal.aborted && options.clock.nowMs() < deadlineMs) {
        const [entry] = look(board, options, 0).due;
        if (entry === undefined) break;
        await run(entry, handler, onDead);
        steps += 1;
      }
      return steps;
    },
    close: async () => {
      closing.abort();
      announce(board);
      await Promise.all(running);
    },
  };
}

/** Jobs due now that there is room for, and how long until the next one [ms]. */
function look(board: Board, options: MemoryOptions, busy: number): { due: Entry[]; nextMs: number } {
  const nowMs = options.clock.nowMs();
  const waiting = [...board.entries.values()].filter((entry) => entry.state === 'waiting');
  const room = (options.concurrency ?? CONCURRENCY_DEFAULT) - busy;
  const due = waiting
    .filter((entry) => entry.dueMs <= nowMs)
    .toSorted((a, b) => a.dueMs - b.dueMs || a.order - b.order || laneOf(a.job).localeCompare(laneOf(b.job)))
    .slice(0, Math.max(0, room));
  // Without room only the end of a step changes anything, and that is announced.
  const nextMs = room > 0 ? Math.min(60_000, ...waiting.map((entry) => Math.max(1, entry.dueMs - nowMs))) : 60_000;
  return { due, nextMs };
}

async function runEntry(
  board: Board,
  entry: Entry,
  {
    handler,
    onDead,
    options,
  }: { handler: ActionHandler; onDead: (dead: DeadJob) => Promise<void>; options: MemoryOptions },
): Promise<void> {
  const attempt = entry.failures + 1;
  const outcome = await runStep(entry.job, { attempt, handler, onDead }, options);
  const nowMs = options.clock.nowMs();
  const followUp = entry.followUp;
  if (outcome.kind === 'done' || outcome.kind === 'dead') {
    board.entries.delete(entry.id);
    if (followUp !== undefined) wakeOne(board, followUp.job, { delayMs: followUp.delayMs, nowMs });
    return;
  }
  if (outcome.kind === 'again') {
    const inMs = Math.min(outcome.inMs, followUp?.delayMs ?? Infinity);
    Object.assign(entry, {
      state: 'waiting',
      dueMs: nowMs + inMs,
      failures: 0,
      order: board.order++,
      followUp: undefined,
    });
    return;
  }
  const retryAfterMs = outcome.error instanceof PenstockError ? outcome.error.retryAfterMs : undefined;
  const delayMs = (options.retryDelay ?? retryDelayMs)({ kind: entry.job.kind, attempt, retryAfterMs }, options.random);
  Object.assign(entry, { state: 'waiting', dueMs: nowMs + delayMs, failures: attempt, order: board.order++ });
}
