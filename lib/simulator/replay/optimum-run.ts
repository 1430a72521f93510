/** The two yardsticks of the scored part, with the figures of a policy: the clairvoyant bound, and a planner's rule with hindsight. */
import { clairvoyantOptimum } from '../optimum/optimum.ts';
import type { Optimum } from '../optimum/optimum.ts';
import { windowRule } from '../optimum/window-rule.ts';
import type { PlantTotals } from '../plant/contract.ts';
import { createFluidService } from '../plant/fluid/service.ts';
import { createWaitScore } from '../plant/wait-score.ts';
import { scoredFromTick } from './ground.ts';
import type { Ground } from './ground.ts';
import { requestsIn } from './request-columns.ts';
import type { Outcome } from './task.ts';

const RULES = {
  optimum: {
    solve: clairvoyantOptimum,
    rule: 'least GPU time that serves everything within the SLO wait, knowing the whole trace',
  },
  windowRule: {
    solve: windowRule,
    rule: 'replicas for the mean load of the SLO wait before and after, kept through gaps of up to a lead time, knowing the whole trace: no bound, a burst may miss',
  },
} as const;

/** Limits of the policies do not bind them, nor do failed starts and waits for machines. */
export function runBound(ground: Ground, kind: keyof typeof RULES): Outcome {
  const { ticks, level, options } = ground;
  const from = scoredFromTick(ground);
  const best = RULES[kind].solve({
    workReplicaSec: ticks.workReplicaSec.subarray(from),
    tickSec: ticks.tickMs / 1000,
    waitLimitSec: options.sloWaitSec,
    leadTimeSec: options.leadTimeSec,
    ...(level.replicaClass.serial ? { dueReplicaSec: dueOf(ground, from) } : {}),
  });
  const hours = best.replicaSec / 3600;
  const { totals, misses } = level.replicaClass.serial
    ? notServed(ground, { from, kind })
    : served(ground, { from, best });
  return {
    totals: {
      ...totals,
      gpuHours: hours * level.replicaClass.gpusPerReplica,
      costUsd: hours * level.replicaClass.usdPerHour,
      replicaStarts: best.replicaStarts,
      directionChanges: directionChanges(best.replicas),
      replicasMax: best.replicasMax,
    },
    settings: { rule: RULES[kind].rule },
    series: { ready: placed(ticks.count, { from, values: best.replicas }), misses },
  };
}

function placed(count: number, of: { readonly from: number; readonly values: ArrayLike<number> }): Float64Array {
  const column = new Float64Array(count);
  column.set(of.values, of.from);
  return column;
}

/** Fewer missed requests than this are sums of fractions that are not exact. */
const MISSES_MIN = 0.01;

type Served = {
  readonly totals: Pick<PlantTotals, 'requestCount' | 'sloMissCount' | 'waitSec'>;
  readonly misses: Float64Array;
};

/** A schedule is served like anybody's: its waits and misses are counted, not claimed. */
function served({ ticks, options }: Ground, of: { readonly from: number; readonly best: Optimum }): Served {
  const score = createWaitScore({ limitSec: options.sloWaitSec, scoreFromMs: 0 });
  const service = createFluidService(score);
  const misses = new Float64Array(ticks.count);
  let missed = 0;
  for (const [index, replicas] of of.best.replicas.entries()) {
    const tick = of.from + index;
    const requests = ticks.requests[tick] ?? 0;
    const workMs = (ticks.workReplicaSec[tick] ?? 0) * 1000;
    const fromMs = index * ticks.tickMs;
    if (requests > 0) score.arrived(fromMs, requests);
    const requestsPerWork = workMs > 0 ? requests / workMs : 0;
    const toMs = fromMs + ticks.tickMs;
    service.serve({ fromMs, toMs, workMs, requestsPerWork, inputPerWork: 0, outputPerWork: 0 }, replicas);
    misses[tick] = score.missesSoFar() - missed;
    missed = score.missesSoFar();
  }
  const totals = score.totals(service.waiting(of.best.replicas.length * ticks.tickMs));
  if (totals.sloMissCount >= MISSES_MIN) return { totals, misses };
  return { totals: { ...totals, sloMissCount: 0 }, misses: new Float64Array(ticks.count) };
}

/**
 * When requests that take a replica alone must be done: begun within the limit, each is done by its arrival + limit + its own time. Any schedule that does so with whole
 * requests also does it with a fluid, so what is least for the fluid is a bound.
 */
function dueOf({ ticks, options, requests }: Ground, from: number): Float64Array {
  const due = new Float64Array(ticks.count - from);
  if (requests === null) return due;
  const fromMs = from * ticks.tickMs;
  for (const { arrivalMs, execSec = 0 } of requestsIn(requests)) {
    if (arrivalMs < fromMs) continue;
    const tick = Math.ceil((arrivalMs - fromMs + (options.sloWaitSec + execSec) * 1000) / ticks.tickMs) - 1;
    if (tick < due.length) due[tick] = (due[tick] ?? 0) + execSec;
  }
  return due;
}

/** A fluid queue says nothing of requests that take a replica alone: no waits. The optimum misses none by its rule; of the other rule it is not known. */
function notServed({ ticks }: Ground, of: { readonly from: number; readonly kind: keyof typeof RULES }): Served {
  const requestCount = ticks.requests.subarray(of.from).reduce((sum, count) => sum + count, 0);
  const waitSec = { p50: Number.NaN, p99: Number.NaN, max: Number.NaN };
  const sloMissCount = of.kind === 'optimum' ? 0 : Number.NaN;
  return { totals: { requestCount, sloMissCount, waitSec }, misses: new Float64Array(ticks.count) };
}

function directionChanges(replicas: Optimum['replicas']): number {
  let [changes, last] = [0, 0];
  for (let index = 1; index < replicas.length; index++) {
    const step = Math.sign((replicas[index] ?? 0) - (replicas[index - 1] ?? 0));
    if (step === 0) continue;
    if (last !== 0 && step !== last) changes++;
    last = step;
  }
  return changes;
}
