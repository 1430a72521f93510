/** What baselines share in reading their options. */
import { seededRandom } from '../../base/random.ts';
import type { BaselineOptions } from './contract.ts';

/** Share of a replica's measured requests at which a careful user puts the target: the rest is for what arrives while replicas start. */
export const TARGET_RATIO = 0.8;

/** The tuned value of a setting, or the recommended one. */
export function settingOf(options: BaselineOptions, name: string, recommended: number): number {
  return options.tuning?.[name] ?? recommended;
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
