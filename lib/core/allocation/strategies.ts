/** The strategies, as weights of one engine. */
import type { AllocationClaim, AllocationStrategy } from './contract.ts';
import { fillByWeight } from './fill-by-weight.ts';
import { tiersOf, withFloors } from './floors.ts';

function shared(
  claims: readonly AllocationClaim[],
  options: { readonly capacityGpus: number; readonly weightOf: (claim: AllocationClaim) => number },
): ReadonlyMap<string, number> {
  const { base } = withFloors(claims, options.capacityGpus);
  const weighed = claims.map((claim) => ({
    claim,
    base: base.get(claim.workload) ?? 0,
    weight: options.weightOf(claim),
  }));
  return fillByWeight(weighed, options.capacityGpus);
}

/** In proportion to the GPUs wanted: R_c = R_total · N_c / N_total. */
export const byResource: AllocationStrategy = (claims, capacityGpus) =>
  shared(claims, { capacityGpus, weightOf: (claim) => claim.wanted * claim.gpusPerReplica });

/** In proportion to the work to be served, in GPUs of work. */
export const byLoad: AllocationStrategy = (claims, capacityGpus) =>
  shared(claims, { capacityGpus, weightOf: (claim) => claim.load * claim.gpusPerReplica });

/** Equal shares, whatever tier or weight: max-min. */
export const byFairness: AllocationStrategy = (claims, capacityGpus) =>
  shared(claims, { capacityGpus, weightOf: () => 1 });

/** Strict tiers; within a tier in proportion to the weights: R_c = P_c / ΣP. What a tier leaves is for the next. */
export const byPriority: AllocationStrategy = (claims, capacityGpus) => {
  const { base } = withFloors(claims, capacityGpus);
  const grants = new Map(base);
  const gpusOf = (counts: ReadonlyMap<string, number>): number =>
    claims.reduce((sum, claim) => sum + (counts.get(claim.workload) ?? 0) * claim.gpusPerReplica, 0);
  for (const tier of tiersOf(claims)) {
    const others = gpusOf(grants) - tier.reduce((sum, c) => sum + (grants.get(c.workload) ?? 0) * c.gpusPerReplica, 0);
    const weighed = tier.map((claim) => ({ claim, base: base.get(claim.workload) ?? 0, weight: claim.weight }));
    for (const [workload, replicas] of fillByWeight(weighed, capacityGpus - others)) grants.set(workload, replicas);
  }
  return grants;
};
