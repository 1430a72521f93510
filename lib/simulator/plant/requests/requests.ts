/**
 * The engine of single requests: every step of every server. For hours, not weeks; see `fluid.ts` for those.
 *
 * A request's wait ends when a server takes it, which is when its prompt begins. Its time to first token adds 15 ms for HTTP and tokenising; its inter-token time is the mean
 * over its answer. A replica that is removed takes nothing more and is paid for until its last request has ended.
 */
import { assert } from '../../../base/assert.ts';
import type { Plant, PlantTotals, TraceRequest } from '../contract.ts';
import { createFleet } from '../fleet/fleet.ts';
import { jobCursor } from './arrivals.ts';
import { createFirstTokens } from './first-tokens.ts';
import { createLatencies } from './latencies.ts';
import type { FinishedRequest } from './latencies.ts';
import type { Job } from './job.ts';
import { createModelServer } from './model-server.ts';
import type { ModelServer, ServerEvents } from './model-server.ts';
import type { PlantOptions } from '../plant-options.ts';
import { plantOver } from '../plant-over.ts';
import { createRouter } from './router.ts';
import { sampleOf } from './sample.ts';
import type { Progress } from './sample.ts';
import { createSerialServer } from './serial-server.ts';
import { plantTotals } from '../totals.ts';
import { createWaitScore } from '../wait-score.ts';
import type { AdmittedSpan } from '../wait-score.ts';

export type { FinishedRequest } from './latencies.ts';

export type RequestsOptions = PlantOptions & {
  /** In time order. */
  readonly requests: Iterable<TraceRequest>;
  /** Called when a request ends, scored or not: for tests and reports. */
  readonly onFinished?: (request: FinishedRequest) => void;
};

/** A plant at the start of the trace. */
export function createRequestsPlant(options: RequestsOptions): Plant {
  const startMs = options.startMs ?? 0;
  const scoreFromMs = startMs + (options.scoreFromMs ?? 0);
  const { replicaClass, mix } = options.level;
  const score = createWaitScore({ limitSec: options.waitLimitSec, scoreFromMs });
  const latencies = createLatencies(scoreFromMs, options.onFinished);
  const firstTokens = createFirstTokens();
  const arrivals = jobCursor(options.requests, { startMs, execSec: mix.execSec });
  const router = createRouter(startMs);
  const draining = new Map<number, ModelServer>();
  const gone = { inputTokens: 0, outputTokens: 0 };
  let [nowMs, completed, readyMs] = [startMs, 0, 0];

  const events: ServerEvents = {
    admitted: (job, atMs) => score.admitted(spanOf(job, atMs)),
    firstToken: (job, atMs) => firstTokens.add(job, atMs),
    finished: (job, atMs) => {
      completed++;
      latencies.add(job, atMs);
    },
    pull: (server, atMs) => {
      if (router.waitingCount > 0 && !draining.has(server.id)) router.fill(server, atMs);
    },
    isAnyWaiting: () => router.waitingCount > 0,
  };
  const fleet = createFleet(options, {
    ready: (id, atMs) => router.add(serverOf(id, atMs), atMs),
    retire: (id, atMs) => {
      const server = router.remove(id);
      assert(server !== undefined, `replica ${id} takes requests`);
      if (server.load === 0) {
        forget(server);
        return atMs;
      }
      draining.set(id, server);
      return null;
    },
    isIdle: (id) => router.servers.find((server) => server.id === id)?.load === 0,
  });

  function serverOf(id: number, atMs: number): ModelServer {
    return replicaClass.serial
      ? createSerialServer(id, { startMs: atMs, events })
      : createModelServer(id, { replicaClass, startMs: atMs, events });
  }
  function forget(server: ModelServer): void {
    gone.inputTokens += server.sums.inputTokens;
    gone.outputTokens += server.sums.outputTokens;
  }
  const drain = (server: ModelServer, toMs: number): void => {
    // Step by step, to know when the last request ended.
    for (let stepMs = server.nextMs; stepMs <= toMs; stepMs = server.nextMs) {
      server.run(stepMs);
      if (server.load > 0) continue;
      forget(server);
      draining.delete(server.id);
      fleet.drained(server.id, stepMs);
    }
  };
  const moveTo = (toMs: number): void => {
    readyMs += router.servers.length * (toMs - nowMs);
    router.run(toMs);
    for (const server of draining.values()) drain(server, toMs);
    nowMs = toMs;
    fleet.advanceTo(toMs);
    for (let job = arrivals.next(toMs); job !== null; job = arrivals.next(toMs)) {
      score.arrived(job.arrivalMs, 1);
      router.route(job, toMs);
    }
  };
  /** Sums so far: flows of all that ever served, loads of those that take requests. */
  const progress = (): Progress => {
    router.settle(nowMs);
    const sums = {
      ...gone,
      completed,
      readyMs,
      arrived: arrivals.count,
      queuedMs: router.waitedMs,
      loadMs: 0,
      kvMs: 0,
    };
    for (const server of router.servers) {
      server.settle(nowMs);
      sums.loadMs += server.sums.loadMs;
      sums.kvMs += server.sums.kvMs;
    }
    for (const server of [...router.servers, ...draining.values()]) {
      sums.inputTokens += server.sums.inputTokens;
      sums.outputTokens += server.sums.outputTokens;
    }
    return sums;
  };

  return plantOver(fleet, {
    nowMs: () => nowMs,
    advanceTo: (toMs) => {
      const fromMs = nowMs;
      const before = progress();
      for (let atMs = nowMs; atMs < toMs; atMs = nowMs) moveTo(Math.min(toMs, fleet.nextReadyMs, arrivals.nextMs));
      const by = { fromMs, toMs, readyReplicas: fleet.readyReplicas, kvTokens: replicaClass.kvTokens };
      return { ...sampleOf({ before, after: progress() }, by), ttftMs: firstTokens.take() };
    },
    missesSoFar: () => score.missesSoFar(),
    totals: (): PlantTotals => {
      const waiting = function* waiting(): Iterable<AdmittedSpan> {
        for (const job of router.waiting) yield spanOf(job, nowMs);
      };
      return plantTotals(replicaClass, {
        fleet: fleet.totals(nowMs),
        waits: score.totals(waiting()),
        latencies: latencies.totals(),
      });
    },
  });
}

function spanOf(job: Job, admittedMs: number): AdmittedSpan {
  return {
    requests: 1,
    arrivedFromMs: job.arrivalMs,
    arrivedToMs: job.arrivalMs,
    admittedFromMs: admittedMs,
    admittedToMs: admittedMs,
  };
}
