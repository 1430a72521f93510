/** What baselines share in reading their options. */
import { seededRandom } from '../../base/random.ts';
import type { BaselineOptions, ReplicaCapacity } from './contract.ts';

/** Share of a replica's measured request rate at which a careful user puts the target, 70 to 80 % by the guides for GPU inference: the rest is for what arrives while
 *  replicas start. */
export const RATE_TARGET_RATIO = 0.75;

/**
 * Share of the requests in a replica at 80 % of its rate at which a careful user puts a target of concurrency (about 0.6 of the rate). A batching server with half the load
 * holds much less than half the requests, so the metric falls faster than the load of a replica, and rises faster: a loop whose replicas take minutes to start swings for
 * ever on a constant load when the target is nearer to the knee. The highest value at which the peers settle on one.
 */
export const CONCURRENCY_TARGET_RATIO = 0.5;

/** The target of concurrency for one replica: a server of one request at a time does not get faster with less to do, so that its target is that of a rate. */
export function concurrencyTargetRatio({ slots }: ReplicaCapacity): number {
  return slots > 1 ? CONCURRENCY_TARGET_RATIO : RATE_TARGET_RATIO;
}

/** Phases in [0, periodMs) [ms], uniform, in whole steps of `stepMs`; the same seed gives the same phases in the same order. */
export function phasesOf(seed: number, stepMs = 1): (periodMs: number) => number {
  const random = seededRandom(seed);
  return (periodMs) => Math.floor(random() * (periodMs / stepMs)) * stepMs;
}

/** At least one replica: for peers that do not wake from none by themselves. */
export function boundsFromOne({ replicas }: BaselineOptions): { readonly min: number; readonly max: number } {
  const min = Math.max(1, replicas.min);
  return { min, max: Math.max(min, replicas.max) };
}
