/** Counts of replicas that come in steps. */
import { nextStep } from '../nodes/place.ts';
import type { AllocationClaim } from './contract.ts';

type Stepped = Pick<AllocationClaim, 'held' | 'step'>;

/** Largest count up to `replicas` that leaves no gang incomplete; not below what is held, which may be a broken gang. */
export function wholeGangs(claim: Stepped, replicas: number): number {
  const step = claim.step ?? 1;
  return Math.max(claim.held, Math.floor(replicas / step) * step);
}

/** Replicas that the next grant has, after `replicas`: one gang, or the rest of a broken one. */
export function nextUnit({ step = 1 }: Stepped, replicas: number): number {
  return nextStep(step, replicas);
}
