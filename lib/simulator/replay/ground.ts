/** What every policy of a replay meets, as data that can be handed to another thread. */
import type { Plant } from '../plant/contract.ts';
import { createFluidPlant } from '../plant/fluid.ts';
import { createRequestsPlant } from '../plant/requests.ts';
import { tickAt } from '../traces/ticks.ts';
import type { Prepared, ReplayOptions } from './prepare.ts';
import { requestsIn } from './request-columns.ts';

export type Ground = Pick<
  Prepared,
  'level' | 'capacity' | 'ticks' | 'requests' | 'replicas' | 'initialReplicas' | 'historyPeakPerSec'
> & {
  readonly options: Pick<
    ReplayOptions,
    'leadTimeSec' | 'leadTimeSigma' | 'failedStartRatio' | 'sloWaitSec' | 'warmupSec' | 'seed'
  >;
};

/** An epoch for the virtual clock: any one will do, this one makes runs comparable. */
export const START_MS = 1_763_920_800_000;

export function groundOf(prepared: Prepared): Ground {
  const { level, capacity, ticks, requests, replicas, initialReplicas, historyPeakPerSec } = prepared;
  const { leadTimeSec, leadTimeSigma, failedStartRatio, sloWaitSec, warmupSec, seed } = prepared.options;
  const options = { leadTimeSec, leadTimeSigma, failedStartRatio, sloWaitSec, warmupSec, seed };
  return { level, capacity, ticks, requests, replicas, initialReplicas, historyPeakPerSec, options };
}

/** The same plant for everybody: the seed draws the same lead times for the first start, the second, … */
export function plantOf({ options, level, ticks, requests, initialReplicas }: Ground): Plant {
  const shared = {
    level,
    start: {
      leadTimeSec: options.leadTimeSec,
      sigma: options.leadTimeSigma,
      failedStartRatio: options.failedStartRatio,
      capacityWaitSec: null,
    },
    waitLimitSec: options.sloWaitSec,
    replicas: initialReplicas,
    seed: options.seed,
    startMs: START_MS,
    scoreFromMs: options.warmupSec * 1000,
  };
  if (requests !== null) return createRequestsPlant({ ...shared, requests: requestsIn(requests) });
  return createFluidPlant({ ...shared, arrivals: arrivalsOf(ticks), tickMs: ticks.tickMs });
}

function* arrivalsOf(ticks: Ground['ticks']): Generator<ReturnType<typeof tickAt>> {
  for (let index = 0; index < ticks.count; index++) yield tickAt(ticks, index);
}

/** First tick of the scored part. */
export function scoredFromTick({ options, ticks }: Pick<Ground, 'options' | 'ticks'>): number {
  return Math.round((options.warmupSec * 1000) / ticks.tickMs);
}
