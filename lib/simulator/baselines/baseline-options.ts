/** What baselines share in reading their options. */
import { seededRandom } from '../../base/random.ts';
import type { BaselineOptions } from './contract.ts';

/** Share of a replica's measured requests at which a careful user puts the target, 70 to 80 % by the guides for GPU inference:
 *  the rest is for what arrives while replicas start. */
export const TARGET_RATIO = 0.75;

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
