/** What every policy of a replay meets, as data that can be handed to another thread. */
import { drawCapacityWaitSec } from '../plant/fleet/capacity-wait.ts';
import type { Plant, StartModel } from '../plant/contract.ts';
import { createFluidPlant } from '../plant/fluid/fluid.ts';
import { createRequestsPlant } from '../plant/requests/requests.ts';
import { tickAt } from '../traces/ticks.ts';
import { WARM_START_SEC, nodeModelOf } from './node-models.ts';
import type { Prepared, ReplayOptions } from './prepare.ts';
import { requestsIn } from './request-columns.ts';

export type Ground = Pick<
  Prepared,
  'level' | 'capacity' | 'ticks' | 'requests' | 'replicas' | 'initialReplicas' | 'historyPeakPerSec'
> & {
  readonly options: Pick<
    ReplayOptions,
    | 'leadTimeSec'
    | 'leadTimeSigma'
    | 'failedStartRatio'
    | 'sloWaitSec'
    | 'warmupSec'
    | 'seed'
    | 'capacityWait'
    | 'peerNodes'
    | 'warmStartSec'
  >;
};

/** An epoch for the virtual clock: any one will do, this one makes runs comparable. */
export const START_MS = 1_763_920_800_000;

export function groundOf(prepared: Prepared): Ground {
  const { level, capacity, ticks, requests, replicas, initialReplicas, historyPeakPerSec } = prepared;
  const { leadTimeSec, leadTimeSigma, failedStartRatio, sloWaitSec, warmupSec, seed } = prepared.options;
  const { capacityWait = null, peerNodes = 'none', warmStartSec = warmStartOf(leadTimeSec) } = prepared.options;
  const start = { leadTimeSec, leadTimeSigma, failedStartRatio, capacityWait, peerNodes, warmStartSec };
  const options = { ...start, sloWaitSec, warmupSec, seed };
  return { level, capacity, ticks, requests, replicas, initialReplicas, historyPeakPerSec, options };
}

/** Of the lead time, what a replica needs on a node that is there, when nobody says [s]. */
export function warmStartOf(leadTimeSec: number): number {
  return Math.min(leadTimeSec, WARM_START_SEC);
}

/** The same plant for everybody but for who brings the nodes: the seed draws the same waits, lead times and failures for the first start, the second, … */
export function plantOf(ground: Ground, who: 'penstock' | 'peer' = 'penstock'): Plant {
  const { options, level, ticks, requests, initialReplicas } = ground;
  const shared = {
    level,
    start: startOf(ground, who),
    waitLimitSec: options.sloWaitSec,
    replicas: initialReplicas,
    seed: options.seed,
    startMs: START_MS,
    scoreFromMs: options.warmupSec * 1000,
  };
  if (requests !== null) return createRequestsPlant({ ...shared, requests: requestsIn(requests) });
  return createFluidPlant({ ...shared, arrivals: arrivalsOf(ticks), tickMs: ticks.tickMs });
}

function startOf({ options }: Ground, who: 'penstock' | 'peer'): StartModel {
  const { capacityWait = null } = options;
  return {
    leadTimeSec: options.leadTimeSec,
    sigma: options.leadTimeSigma,
    failedStartRatio: options.failedStartRatio,
    capacityWaitSec: capacityWait === null ? null : (random) => drawCapacityWaitSec(random, capacityWait),
    nodes: nodeModelOf(who, nodeOptionsOf(options)),
  };
}

/** What `node-models.ts` is asked with. */
export function nodeOptionsOf(options: Ground['options']): Parameters<typeof nodeModelOf>[1] {
  const { peerNodes = 'none', warmStartSec = warmStartOf(options.leadTimeSec), leadTimeSec, seed } = options;
  return { peerNodes, warmStartSec, leadTimeSec, seed };
}

function* arrivalsOf(ticks: Ground['ticks']): Generator<ReturnType<typeof tickAt>> {
  for (let index = 0; index < ticks.count; index++) yield tickAt(ticks, index);
}

/** First tick of the scored part. */
export function scoredFromTick({ options, ticks }: Pick<Ground, 'options' | 'ticks'>): number {
  return Math.round((options.warmupSec * 1000) / ticks.tickMs);
}
