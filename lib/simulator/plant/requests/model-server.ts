/**
 * One model server that batches at every step. In each step it takes waiting requests while sequences and KV memory allow, processes up to `budgetTokens` of their prompts in
 * chunks, first come first served, and gives every running sequence one token. A step takes a + b·B + k·KV/1000 + c·P ms: B running sequences at its start, KV the
 * context tokens they hold, P the prompt tokens of this step. A prompt that is finished gives its first token at the end of the step.
 *
 * Like the scheduler of vLLM it takes a request only when its prompt can begin in that very step; the steps are the same as if it took it earlier, but what waits for
 * others' prompts counts as waiting.
 */
import type { ReplicaClass } from '../contract.ts';
import { createFinishQueue } from './finish-queue.ts';
import type { Job } from './job.ts';

/** Of times and steps that are not known yet. Bound once, because every step looks at it. */
const NEVER = Infinity;

/** What a server tells the plant. */
export type ServerEvents = {
  admitted(job: Job, atMs: number): void;
  /** A prompt is done and its first token is out. */
  firstToken?(job: Job, atMs: number): void;
  finished(job: Job, atMs: number): void;
  /** A step begins: the router may bind waiting requests. */
  pull(server: ModelServer, atMs: number): void;
  /** Whether requests wait at the router. */
  isAnyWaiting(): boolean;
};

/** Sums since the start of the server. */
export type ServerSums = {
  /** Requests in it, over time [request-ms], up to the last change. */
  loadMs: number;
  /** Context tokens of running sequences, over time [token-ms]. */
  kvMs: number;
  inputTokens: number;
  outputTokens: number;
};

export type ModelServer = {
  readonly id: number;
  /** Requests in it: running, in their prompt, or bound to its next step. */
  readonly load: number;
  /** When its step ends [ms]; Infinity when it has nothing to do. */
  readonly nextMs: number;
  readonly sums: Readonly<ServerSums>;
  /** Whether the job's prompt would begin in the next step. An empty server takes anything. */
  canTake(job: Job): boolean;
  /** Binds the job to the next step, which begins at once when the server is idle. */
  take(job: Job, atMs: number): void;
  /** Ends the steps that end at or before `toMs`. */
  run(toMs: number): void;
  /** Brings `sums.loadMs` up to `atMs`. */
  settle(atMs: number): void;
};

/** An idle server of that class. */
export function createModelServer(
  id: number,
  at: { readonly replicaClass: ReplicaClass; readonly startMs: number; readonly events: ServerEvents },
): ModelServer {
  const { a, b, k, c, maxSeqs, budgetTokens, kvTokens } = at.replicaClass;
  const { events } = at;
  const sums: ServerSums = { loadMs: 0, kvMs: 0, inputTokens: 0, outputTokens: 0 };
  const running = createFinishQueue();
  /** Taken, not begun. */
  let bound: Job[] = [];
  /** Begun, in order; their prompts need more steps. */
  let prompting: Job[] = [];
  /** Prompts that end with the current step. */
  let prompted: Job[] = [];
  let [load, settledMs, nextMs, step] = [0, at.startMs, NEVER, 0];
  let [kvHeld, kvReserved, promptLeft] = [0, 0, 0];
  let isBeginning = false;

  const settle = (atMs: number): void => {
    sums.loadMs += load * (atMs - settledMs);
    settledMs = atMs;
  };

  const begin = (atMs: number): void => {
    // What is pulled joins this step instead of beginning one of its own.
    isBeginning = true;
    events.pull(self, atMs);
    isBeginning = false;
    if (bound.length > 0) {
      for (const job of bound) events.admitted(job, atMs);
      prompting.push(...bound);
      bound = [];
    }
    const promptTokens = prompting.length > 0 ? processPrompts() : 0;
    if (running.length === 0 && promptTokens === 0) {
      nextMs = NEVER;
      return;
    }
    const stepMs = a + b * running.length + (k * kvHeld) / 1000 + c * promptTokens;
    sums.kvMs += kvHeld * stepMs;
    nextMs = atMs + stepMs;
  };

  const processPrompts = (): number => {
    let budget = budgetTokens;
    let ended = 0;
    for (const job of prompting) {
      const chunk = Math.min(budget, job.promptLeft);
      job.promptLeft -= chunk;
      budget -= chunk;
      if (job.promptLeft > 0) break;
      ended++;
      if (budget === 0) break;
    }
    prompted = prompting.slice(0, ended);
    prompting = prompting.slice(ended);
    const processed = budgetTokens - budget;
    promptLeft -= processed;
    sums.inputTokens += processed;
    return processed;
  };

  const finish = (job: Job, atMs: number): void => {
    settle(atMs);
    load--;
    kvReserved -= job.inputTokens + job.outputTokens;
    events.finished(job, atMs);
  };

  const end = (): void => {
    const atMs = nextMs;
    step++;
    kvHeld += running.length;
    sums.outputTokens += running.length + prompted.length;
    while (running.soonestStep === step) {
      const job = running.pop();
      kvHeld -= job.inputTokens + job.outputTokens;
      finish(job, atMs);
    }
    for (const job of prompted) {
      job.firstTokenMs = atMs;
      events.firstToken?.(job, atMs);
      job.lastStep = step + job.outputTokens - 1;
      if (job.outputTokens === 1) {
        finish(job, atMs);
        continue;
      }
      kvHeld += job.inputTokens + 1;
      running.push(job);
    }
    if (prompted.length > 0) prompted = [];
    begin(atMs);
  };

  /** Steps in which nothing but tokens happens, without looking around. Most steps are such. */
  const glide = (toMs: number): void => {
    if (prompted.length + prompting.length + bound.length > 0 || events.isAnyWaiting()) return;
    const count = running.length;
    const fixedMs = a + b * count;
    for (let left = running.soonestStep - step - 1; left > 0 && nextMs <= toMs; left--) {
      step++;
      kvHeld += count;
      sums.outputTokens += count;
      const stepMs = fixedMs + (k * kvHeld) / 1000;
      sums.kvMs += kvHeld * stepMs;
      nextMs += stepMs;
    }
  };

  const self: ModelServer = {
    id,
    sums,
    get load() {
      return load;
    },
    get nextMs() {
      return nextMs;
    },
    canTake: (job) => {
      if (load === 0) return true;
      if (load >= maxSeqs || promptLeft >= budgetTokens) return false;
      return kvReserved + job.inputTokens + job.outputTokens <= kvTokens;
    },
    take: (job, atMs) => {
      settle(atMs);
      load++;
      kvReserved += job.inputTokens + job.outputTokens;
      promptLeft += job.promptLeft;
      bound.push(job);
      if (nextMs === NEVER && !isBeginning) begin(atMs);
    },
    run: (toMs) => {
      for (let atMs = nextMs; atMs <= toMs; atMs = nextMs) {
        glide(toMs);
        if (nextMs <= toMs) end();
      }
    },
    settle,
  };
  return self;
}
