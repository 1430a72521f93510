/** What another replica is worth to an interactive workload: waiting beyond the SLO that it saves. */
import type { AllocationClaim } from './contract.ts';

/** Width of the bend of the hinge [SLO waits]: at the SLO itself a quarter of one is counted, so that being just inside it is worth something too. */
const BEND = 0.5;

/** Least SLO wait that is divided by [s]: an SLO of no wait at all would make everything infinitely bad. */
const WAIT_SEC_MIN = 0.1;

/** No replica at all counts as half of one: worse than one, and finite. */
const REPLICAS_MIN = 0.5;

/**
 * Weighted drop in the excess wait per replica when `more` are added to `replicas` [SLO waits]. Falls as replicas are added, so giving the next
 * one to the largest gain is optimal for the sum. Excess = smooth hinge of x − 1, x = L · (R / n − 1)⁺ / W: the wait at the end of the lead
 * time L of a queue that grows from empty, over the allowed wait W. Source: relaxed utility of Faro (Jeon et al. 2025).
 */
export function gainOf(claim: AllocationClaim, replicas: number, more: number): number {
  return (claim.weight * (excessWait(claim, replicas) - excessWait(claim, replicas + more))) / more;
}

function excessWait({ load, leadTimeSec, waitSec }: AllocationClaim, replicas: number): number {
  const overload = Math.max(0, load / Math.max(replicas, REPLICAS_MIN) - 1);
  const beyond = (leadTimeSec * overload) / Math.max(waitSec, WAIT_SEC_MIN) - 1;
  return (beyond + Math.sqrt(beyond * beyond + BEND * BEND)) / 2;
}
