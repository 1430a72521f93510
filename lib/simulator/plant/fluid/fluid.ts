/**
 * The fluid engine: work flows into a first-in first-out queue in ticks and is admitted at one replica-second per second and ready replica. Fast enough for weeks.
 *
 * Requests of a tick arrive evenly over it and are counted in fractions; so are misses. A request is served the moment it is admitted; `running` follows
 * the load with the time of a request (`in-flight.ts`), `completedPerSec` is what was admitted. A replica that is removed admits nothing more and is paid for until its last request would have
 * ended, estimated from the mix and its load.
 *
 * Against the engine of requests on recorded hours (class B, see `agreement.test.ts`): GPU time within 0.2 %, shares of missed requests within 1 point where 1 to 35 % miss. Two
 * things differ. A server below its limits has free sequences and takes the first requests of a burst at once, all of them slower; the fluid has no batch and lets them wait,
 * so it misses more: after a sudden doubling of the rate up to 4 points. And a burst within a tick is spread over it, so it misses less: on bursts of seconds take ticks of 1 s.
 * A server of class C may also run above its service level when overloaded (steps of 180 ms, 15 % more requests); the fluid never does, and misses up to 12 points more.
 */
import type { LoadSample } from '../../baselines/contract.ts';
import { drainSecOf } from '../capacity.ts';
import type { ArrivalTick, Plant, PlantTotals } from '../contract.ts';
import { arrivalCursor } from './arrivals.ts';
import { createFleet } from '../fleet/fleet.ts';
import { createFluidService } from './service.ts';
import { createInFlight } from './in-flight.ts';
import type { PlantOptions } from '../plant-options.ts';
import { plantOver } from '../plant-over.ts';
import { plantTotals } from '../totals.ts';
import { createWaitScore } from '../wait-score.ts';

/** Length of a tick [ms]: short against every lead time and SLO wait, a week of them is 120,960. */
const TICK_MS = 5000;

export type FluidOptions = PlantOptions & {
  /** In time order; ticks without arrivals may be left out. */
  readonly arrivals: Iterable<ArrivalTick>;
  /** Length of a tick [ms]. Default {@link TICK_MS}. */
  readonly tickMs?: number;
};

/** A plant at the start of the trace. `advanceTo` takes any later time; nothing is rounded to ticks. */
export function createFluidPlant(options: FluidOptions): Plant {
  const startMs = options.startMs ?? 0;
  const { level } = options;
  const scoreFromMs = startMs + (options.scoreFromMs ?? 0);
  const score = createWaitScore({ limitSec: options.waitLimitSec, scoreFromMs });
  const service = createFluidService(score);
  const inFlight = createInFlight(level);
  const arrivals = arrivalCursor(options.arrivals, { startMs, tickMs: options.tickMs ?? TICK_MS });
  let nowMs = startMs;
  let utilizationRatio = 0;
  const fleet = createFleet(options, {
    ready: () => {},
    retire: (_id, atMs) => {
      inFlight.leave(fleet.readyReplicas + 1);
      return atMs + drainSecOf(level, utilizationRatio) * 1000;
    },
    isIdle: () => false,
  });

  /** One stretch of constant arrivals and replicas. */
  const stretch = (toMs: number, sums: SampleSums): void => {
    const spanMs = toMs - nowMs;
    const arriving = arrivals.between(nowMs, toMs);
    const requests = arriving.workMs * arriving.requestsPerWork;
    if (requests > 0) score.arrived(nowMs, requests);
    const queuedBefore = service.waitingRequests;
    const served = service.serve(arriving, fleet.readyReplicas);
    utilizationRatio = fleet.readyReplicas > 0 ? Math.min(1, served.workMs / (fleet.readyReplicas * spanMs)) : 0;
    sums.arrived += requests;
    sums.completed += served.requests;
    sums.input += served.inputTokens;
    sums.output += served.outputTokens;
    sums.runningMs += inFlight.advance({ spanMs, ready: fleet.readyReplicas, workMs: served.workMs }) * spanMs;
    sums.readyMs += fleet.readyReplicas * spanMs;
    sums.queuedMs += ((queuedBefore + service.waitingRequests) / 2) * spanMs;
    nowMs = toMs;
  };

  return plantOver(fleet, {
    nowMs: () => nowMs,
    advanceTo: (toMs) => {
      const fromMs = nowMs;
      const sums: SampleSums = { arrived: 0, completed: 0, input: 0, output: 0, runningMs: 0, readyMs: 0, queuedMs: 0 };
      for (let atMs = nowMs; atMs < toMs; atMs = nowMs) {
        stretch(Math.min(toMs, arrivals.constantUntilMs(nowMs), fleet.nextReadyMs), sums);
        fleet.advanceTo(nowMs);
      }
      return sampleOf(sums, { fromMs, toMs, readyReplicas: fleet.readyReplicas, kvPerRequest: kvRatioOf(options) });
    },
    missesSoFar: () => score.missesSoFar(),
    totals: (): PlantTotals =>
      plantTotals(level.replicaClass, { fleet: fleet.totals(nowMs), waits: score.totals(service.waiting(nowMs)) }),
  });
}

type SampleSums = {
  arrived: number;
  completed: number;
  input: number;
  output: number;
  runningMs: number;
  readyMs: number;
  queuedMs: number;
};

/** KV memory of a replica that one running request holds, 0..1. */
function kvRatioOf({ level }: PlantOptions): number {
  return level.mix.contextTokens / level.replicaClass.kvTokens;
}

function sampleOf(
  sums: SampleSums,
  at: { readonly fromMs: number; readonly toMs: number; readonly readyReplicas: number; readonly kvPerRequest: number },
): LoadSample {
  const spanSec = (at.toMs - at.fromMs) / 1000;
  return {
    atMs: at.toMs,
    arrivalsPerSec: sums.arrived / spanSec,
    completedPerSec: sums.completed / spanSec,
    running: sums.runningMs / 1000 / spanSec,
    queued: sums.queuedMs / 1000 / spanSec,
    inputTokensPerSec: sums.input / spanSec,
    outputTokensPerSec: sums.output / spanSec,
    kvRatio: sums.readyMs > 0 ? Math.min(1, (sums.runningMs / sums.readyMs) * at.kvPerRequest) : 0,
    readyReplicas: at.readyReplicas,
  };
}
