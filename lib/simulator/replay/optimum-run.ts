/** The clairvoyant bound of the scored part, with the figures of a policy. */
import { clairvoyantOptimum } from '../optimum/optimum.ts';
import type { Optimum } from '../optimum/optimum.ts';
import type { PlantTotals } from '../plant/contract.ts';
import { createFluidService } from '../plant/fluid-service.ts';
import { createWaitScore } from '../plant/wait-score.ts';
import { scoredFromTick } from './ground.ts';
import type { Ground } from './ground.ts';
import type { Outcome } from './tasks.ts';

/** Limits of the policies do not bind it: it is the best that was possible. */
export function runOptimum(ground: Ground): Outcome {
  const { ticks, level, options } = ground;
  const from = scoredFromTick(ground);
  const best = clairvoyantOptimum({
    workReplicaSec: ticks.workReplicaSec.subarray(from),
    tickSec: ticks.tickMs / 1000,
    waitLimitSec: options.sloWaitSec,
    leadTimeSec: options.leadTimeSec,
  });
  const hours = best.replicaSec / 3600;
  return {
    totals: {
      ...served(ground, { from, best }),
      gpuHours: hours * level.replicaClass.gpusPerReplica,
      costUsd: hours * level.replicaClass.usdPerHour,
      replicaStarts: best.replicaStarts,
      directionChanges: directionChanges(best.replicas),
      replicasMax: best.replicasMax,
    },
    settings: { rule: 'least GPU time that serves everything within the SLO wait, knowing the whole trace' },
    series: null,
  };
}

/** Fewer missed requests than this are sums of fractions that are not exact. */
const MISSES_MIN = 0.01;

/** Its schedule is served like anybody's: its waits and misses are counted, not claimed. */
function served(
  { ticks, options }: Ground,
  of: { readonly from: number; readonly best: Optimum },
): Pick<PlantTotals, 'requestCount' | 'sloMissCount' | 'waitSec'> {
  const score = createWaitScore({ limitSec: options.sloWaitSec, scoreFromMs: 0 });
  const service = createFluidService(score);
  for (const [index, replicas] of of.best.replicas.entries()) {
    const tick = of.from + index;
    const requests = ticks.requests[tick] ?? 0;
    const workMs = (ticks.workReplicaSec[tick] ?? 0) * 1000;
    const fromMs = index * ticks.tickMs;
    if (requests > 0) score.arrived(fromMs, requests);
    const requestsPerWork = workMs > 0 ? requests / workMs : 0;
    const toMs = fromMs + ticks.tickMs;
    service.serve({ fromMs, toMs, workMs, requestsPerWork, inputPerWork: 0, outputPerWork: 0 }, replicas);
  }
  const totals = score.totals(service.waiting(of.best.replicas.length * ticks.tickMs));
  return { ...totals, sloMissCount: totals.sloMissCount < MISSES_MIN ? 0 : totals.sloMissCount };
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
