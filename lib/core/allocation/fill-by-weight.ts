/** Shares in proportion to weights, between a base and a want: the one engine behind every strategy. */
import type { AllocationClaim } from './contract.ts';

/** Halvings of the level: 2^-60 of the range is below a millionth of a GPU. */
const BISECTION_STEPS = 60;

/** GPU counts this close are equal: slices such as 0.1 do not add up exactly in binary. */
const GPU_TOLERANCE = 1e-9;

export type WeighedClaim = { readonly claim: AllocationClaim; readonly base: number; readonly weight: number };

/**
 * Gives every claim level·weight GPUs, at least its base and at most its want, where the level uses up the capacity; then whole replicas by
 * largest remainder. Without bounds in the way this is R_c = R_total · w_c / Σw; with wants in the way it is weighted max-min water-filling.
 * A weight of 0 gets nothing beyond the base while others want more. Sources: Bertsekas and Gallager (water-filling); Hamilton (largest remainder).
 */
export function fillByWeight(asked: readonly WeighedClaim[], capacityGpus: number): ReadonlyMap<string, number> {
  // Sums of fractions depend on their order in the last bit, so the order is fixed.
  const claims = asked.toSorted((a, b) => (a.claim.workload < b.claim.workload ? -1 : 1));
  const level = levelFor(claims, capacityGpus);
  const shares = claims.map((entry) => ({ ...entry, share: shareAt(entry, level) / entry.claim.gpusPerReplica }));
  const grants = new Map(
    shares.map(({ claim, base, share }) => [claim.workload, Math.max(base, Math.floor(share + GPU_TOLERANCE))]),
  );
  let left =
    capacityGpus - shares.reduce((sum, { claim }) => sum + (grants.get(claim.workload) ?? 0) * claim.gpusPerReplica, 0);
  const byRemainder = shares.toSorted(
    (a, b) =>
      remainder(b.share) - remainder(a.share) || b.weight - a.weight || (a.claim.workload < b.claim.workload ? -1 : 1),
  );
  for (let given = true; given;) {
    given = false;
    for (const { claim } of byRemainder) {
      const granted = grants.get(claim.workload) ?? 0;
      if (granted >= claim.wanted || claim.gpusPerReplica > left + GPU_TOLERANCE) continue;
      grants.set(claim.workload, granted + 1);
      left -= claim.gpusPerReplica;
      given = true;
    }
  }
  return grants;
}

function remainder(share: number): number {
  return share - Math.floor(share + GPU_TOLERANCE);
}

/** GPUs of a claim at a level. */
function shareAt({ claim, base, weight }: WeighedClaim, level: number): number {
  return Math.min(claim.wanted * claim.gpusPerReplica, Math.max(base * claim.gpusPerReplica, level * weight));
}

/** The level at which the shares use up the capacity, or the one at which everybody has what it wants. */
function levelFor(claims: readonly WeighedClaim[], capacityGpus: number): number {
  const usedAt = (level: number): number => claims.reduce((sum, entry) => sum + shareAt(entry, level), 0);
  const weights = claims.map(({ weight }) => weight).filter((weight) => weight > 0);
  if (weights.length === 0) return 0;
  let low = 0;
  let high = Math.max(...claims.map(({ claim }) => claim.wanted * claim.gpusPerReplica)) / Math.min(...weights);
  if (usedAt(high) <= capacityGpus) return high;
  for (let turn = 0; turn < BISECTION_STEPS; turn++) {
    const middle = (low + high) / 2;
    if (usedAt(middle) <= capacityGpus) low = middle;
    else high = middle;
  }
  return low;
}
