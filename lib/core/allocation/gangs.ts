/** Counts of replicas that come in steps. */
import { nextStep } from '../nodes/place.ts';
import type { AllocationClaim } from './contract.ts';

type Stepped = Pick<AllocationClaim, 'held' | 'step' | 'whole'>;

/** Largest count up to `replicas` that leaves no gang incomplete; not below what is held, which may be a broken gang. */
export function wholeGangs(claim: Stepped, replicas: number): number {
  const { step = 1, whole = [] } = claim;
  const healed = whole.at(-1) ?? 0;
  const most = replicas < healed ? (whole.findLast((at) => at <= replicas) ?? 0) : Math.floor(replicas / step) * step;
  return Math.max(claim.held, most);
}

/** Replicas that the next grant has, after `replicas`: one gang, or the rest of a broken one. */
export function nextUnit({ step = 1, whole }: Stepped, replicas: number): number {
  return nextStep(replicas, { step, whole });
}
