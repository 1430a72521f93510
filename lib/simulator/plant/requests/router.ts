/**
 * Brings requests to servers. A request goes at once to the least loaded server that would begin its prompt in its next step: fewest requests in it, then the oldest. When no
 * server would, it waits at the router, first come first served, for the first server that can; so a replica that gets ready helps at once with all that waits.
 */
import type { Job } from './job.ts';
import type { ModelServer } from './model-server.ts';

export type Router = {
  /** Requests that wait at the router, oldest first. */
  readonly waiting: Iterable<Job>;
  readonly waitingCount: number;
  /** Waiting requests over time [request-ms], up to the last change. */
  readonly waitedMs: number;
  /** Servers that take requests. */
  readonly servers: readonly ModelServer[];
  add(server: ModelServer, atMs: number): void;
  /** The server takes nothing more, but goes on with what it has. */
  remove(id: number): ModelServer | undefined;
  route(job: Job, atMs: number): void;
  /** Gives the server as many waiting requests as it can take. */
  fill(server: ModelServer, atMs: number): void;
  /** Ends all steps that end at or before `toMs`. */
  run(toMs: number): void;
  settle(atMs: number): void;
};

/** No servers, nothing waits. */
export function createRouter(startMs: number): Router {
  const servers: ModelServer[] = [];
  let queue: Job[] = [];
  let first = 0;
  let [waitedMs, settledMs] = [0, startMs];
  const count = (): number => queue.length - first;
  const settle = (atMs: number): void => {
    waitedMs += count() * (atMs - settledMs);
    settledMs = atMs;
  };
  const dequeue = (atMs: number): void => {
    settle(atMs);
    first++;
    // Cut off what was taken now and then, so that taking one stays cheap.
    if (first * 2 < queue.length) return;
    queue = queue.slice(first);
    first = 0;
  };

  const fill = (server: ModelServer, atMs: number): void => {
    for (let head = queue[first]; head !== undefined && server.canTake(head); head = queue[first]) {
      dequeue(atMs);
      server.take(head, atMs);
    }
  };
  const best = (job: Job): ModelServer | undefined => {
    let least: ModelServer | undefined;
    for (const server of servers) {
      if ((least === undefined || server.load < least.load) && server.canTake(job)) least = server;
    }
    return least;
  };
  const soonest = (): ModelServer | undefined => {
    let next = servers[0];
    for (const server of servers) if (next !== undefined && server.nextMs < next.nextMs) next = server;
    return next;
  };

  return {
    servers,
    fill,
    settle,
    get waiting() {
      return queue.slice(first);
    },
    get waitingCount() {
      return count();
    },
    get waitedMs() {
      return waitedMs;
    },
    add: (server, atMs) => {
      servers.push(server);
      servers.sort((one, other) => one.id - other.id);
      fill(server, atMs);
    },
    remove: (id) => {
      const index = servers.findIndex((server) => server.id === id);
      return index < 0 ? undefined : servers.splice(index, 1)[0];
    },
    route: (job, atMs) => {
      const server = count() === 0 ? best(job) : undefined;
      if (server !== undefined) return server.take(job, atMs);
      settle(atMs);
      queue.push(job);
    },
    run: (toMs) => {
      // While requests wait, the order in which steps end says who gets them; otherwise servers do not affect each other.
      while (count() > 0) {
        const next = soonest();
        if (next === undefined || next.nextMs > toMs) return;
        next.run(next.nextMs);
      }
      for (const server of servers) server.run(toMs);
    },
  };
}
