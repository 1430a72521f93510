/** The strategies that share by one rule: who comes when, and with what weight. */
import { figure } from '../format.ts';
import { total } from '../nodes/gpus.ts';
import type { AllocationClaim, AllocationStrategy, Turn } from './contract.ts';
import { gainOf } from './gain.ts';

/** As in the trail: `weight 2 of 3`. */
export const byWeightText = (part: number, sum: number): string => `weight ${figure(part)} of ${figure(sum)}`;

/** As in the trail: `load 9 of 12 GPUs`. */
export const byLoadText = (part: number, sum: number): string => `load ${figure(part)} of ${figure(sum)} GPUs`;

/** As in the trail: `30 of 60 wanted GPUs`. */
export const byWantText = (part: number, sum: number): string => `${figure(part)} of ${figure(sum)} wanted GPUs`;

/** In proportion to what is wanted: R_c = R_total · N_c / N_total. One turn for all tiers. */
export const byResource: AllocationStrategy = (claims, sizeOf) => [
  {
    name: 'all workloads',
    describe: byWantText,
    entries: claims.map((claim) => ({
      claim,
      weight: claim.wanted * sizeOf(claim),
      part: claim.wanted * total(claim.gpus),
    })),
  },
];

/**
 * Every replica carries the same load ΣR_i / N_total, which makes the replicas of a workload proportional to its load: N_c = N_total · R_c / ΣR_i.
 * One turn for all tiers.
 */
export const byLoad: AllocationStrategy = (claims, sizeOf) => [
  {
    name: 'all workloads',
    describe: byLoadText,
    entries: claims.map((claim) => ({
      claim,
      weight: claim.load * sizeOf(claim),
      part: claim.load * total(claim.gpus),
    })),
  },
];

/** Strict tiers; within a tier in proportion to the weights: R_c = P_c / ΣP_i of what the tier has. What a tier leaves is for the next. */
export const byPriority: AllocationStrategy = (claims) =>
  tiersOf(claims).map((tier): Turn => ({
    name: `tier ${tier[0]?.tier ?? 1}`,
    describe: byWeightText,
    entries: tier.map((claim) => ({ claim, weight: claim.weight, part: claim.weight })),
  }));

/** Strict tiers; within a tier weighted max-min of the dominant shares, and between equal shares the replica that saves most waiting. */
export const byFairness: AllocationStrategy = (claims, sizeOf) =>
  byPriority(claims, sizeOf).map((turn) => ({
    ...turn,
    entries: turn.entries.map(({ claim, weight, part }) => ({
      claim,
      weight,
      part,
      gain: (replicas: number, more: number) => gainOf(claim, replicas, more) / sizeOf(claim),
    })),
  }));

/** Claims by tier, 1 first. */
export function tiersOf(claims: readonly AllocationClaim[]): readonly (readonly AllocationClaim[])[] {
  const tiers = [...new Set(claims.map((claim) => claim.tier))].toSorted((a, b) => a - b);
  return tiers.map((tier) => claims.filter((claim) => claim.tier === tier));
}
