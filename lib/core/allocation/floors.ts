/** What everybody keeps or gets before anybody grows. */
import type { AllocationClaim } from './contract.ts';

export type Floors = { readonly base: ReadonlyMap<string, number>; readonly leftGpus: number };

/** Held replicas first, then the floors by tier, one replica a turn so that a shortage is shared within the tier. */
export function withFloors(claims: readonly AllocationClaim[], capacityGpus: number): Floors {
  const base = new Map(claims.map((claim) => [claim.workload, Math.min(claim.wanted, claim.held)]));
  let leftGpus = capacityGpus - claims.reduce((sum, c) => sum + (base.get(c.workload) ?? 0) * c.gpusPerReplica, 0);
  for (const tier of tiersOf(claims)) {
    for (let given = true; given;) {
      given = false;
      for (const claim of tier) {
        const granted = base.get(claim.workload) ?? 0;
        if (granted >= Math.min(claim.wanted, claim.floor) || claim.gpusPerReplica > leftGpus) continue;
        base.set(claim.workload, granted + 1);
        leftGpus -= claim.gpusPerReplica;
        given = true;
      }
    }
  }
  return { base, leftGpus };
}

/** Claims by tier, 1 first; within a tier by name, so that the order of asking does not matter. */
export function tiersOf(claims: readonly AllocationClaim[]): readonly (readonly AllocationClaim[])[] {
  const tiers = [...new Set(claims.map((claim) => claim.tier))].toSorted((a, b) => a - b);
  const byName = claims.toSorted((a, b) => (a.workload < b.workload ? -1 : 1));
  return tiers.map((tier) => byName.filter((claim) => claim.tier === tier));
}
