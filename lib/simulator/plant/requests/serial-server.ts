/** One server that works on one request at a time, for the time that the trace recorded. Its first token is its whole answer. */
import { assert } from '../../../base/assert.ts';
import type { Job } from './job.ts';
import type { ModelServer, ServerEvents, ServerSums } from './model-server.ts';

/** An idle server. */
export function createSerialServer(
  id: number,
  at: { readonly startMs: number; readonly events: ServerEvents },
): ModelServer {
  const { events } = at;
  const sums: ServerSums = { loadMs: 0, kvMs: 0, inputTokens: 0, outputTokens: 0 };
  let current: Job | null = null;
  let [settledMs, nextMs] = [at.startMs, Infinity];

  const settle = (atMs: number): void => {
    if (current !== null) sums.loadMs += atMs - settledMs;
    settledMs = atMs;
  };
  const end = (): void => {
    const [job, atMs] = [current, nextMs];
    assert(job !== null, 'a server that ends something works on it');
    settle(atMs);
    current = null;
    nextMs = Infinity;
    job.firstTokenMs = atMs;
    events.firstToken?.(job, atMs);
    sums.inputTokens += job.inputTokens;
    sums.outputTokens += job.outputTokens;
    events.finished(job, atMs);
    events.pull(self, atMs);
  };

  const self: ModelServer = {
    id,
    sums,
    get load() {
      return current === null ? 0 : 1;
    },
    get nextMs() {
      return nextMs;
    },
    canTake: () => current === null,
    take: (job, atMs) => {
      settle(atMs);
      current = job;
      nextMs = atMs + job.execMs;
      events.admitted(job, atMs);
    },
    run: (toMs) => {
      for (let atMs = nextMs; atMs <= toMs; atMs = nextMs) end();
    },
    settle,
  };
  return self;
}
