/** Serves the turns of a strategy as far as sums of GPUs can tell, stage by stage. */
import type { AllocationClaim, AllocationStrategy, CapacityPool, Turn } from './contract.ts';
import { nextUnit, wholeGangs } from './gangs.ts';
import { fill } from './fill.ts';
import { ledgerOf } from './ledger.ts';
import { tiersOf } from './strategies.ts';

/** Turns that are served together: who has a choice of groups makes room for the others. What a stage was given stays where it is in all later ones. */
export type Stage = { readonly turns: readonly Turn[] };

/** Replicas by class and group. */
export type Assignment = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** Replicas after a turn by workload, for its claims. */
export type ServedTurn = { readonly turn: Turn; readonly replicas: ReadonlyMap<string, number> };

export type ServedStage = {
  readonly turns: readonly ServedTurn[];
  /** Where the replicas of the stage are. */
  readonly assignment: Assignment;
  /** Somebody had to make room: the claims' preferences alone do not lead there. */
  readonly hasMoved: boolean;
};

type SizeOf = (claim: AllocationClaim) => number;

/** In the order in which they are counted, so that the order in which they were given does not matter. */
export function byName(claims: readonly AllocationClaim[]): readonly AllocationClaim[] {
  return claims.toSorted((a, b) => (a.workload < b.workload ? -1 : 1));
}

/**
 * The stages of a strategy: floors by tier and the turns of its first tier, then tier by tier, so that a tier knows nothing of what a lower one wants beyond
 * its floors. A strategy that does not go by tier has one. `claims` as {@link byName} has them.
 */
export function stagesOf(
  strategy: AllocationStrategy,
  of: { readonly claims: readonly AllocationClaim[]; readonly sizeOf: SizeOf },
): readonly Stage[] {
  const { claims } = of;
  let turns: Turn[] = [...floorTurns(claims)];
  const stages = [{ turns }];
  let lowest = Infinity;
  for (const turn of strategy(claims, of.sizeOf)) {
    const tiers = turn.entries.map(({ claim }) => claim.tier);
    if (tiers.every((tier) => tier > lowest)) stages.push({ turns: (turns = []) });
    turns.push(turn);
    lowest = tiers.reduce((most, tier) => Math.max(most, tier), lowest === Infinity ? 0 : lowest);
  }
  return stages;
}

/**
 * Held replicas, then floors by tier (a shortage is shared within the tier), then the turns of the strategy. Replicas are whole, in whole gangs,
 * between held and wanted, and what is not held fits into the pools. `claims` as {@link byName} has them.
 */
export function allocate(
  stages: readonly Stage[],
  of: { readonly claims: readonly AllocationClaim[]; readonly pools: readonly CapacityPool[]; readonly sizeOf: SizeOf },
): readonly ServedStage[] {
  const { claims, sizeOf } = of;
  const ledger = ledgerOf(of.pools, claims);
  const granted = new Map(claims.map((claim) => [claim.workload, claim.held]));
  return stages.map(({ turns }) => {
    const served = turns.map((turn): ServedTurn => {
      fill(turn.entries, { granted, take: ledger.take, sizeOf });
      const replicasOf = ({ workload, held }: AllocationClaim): number => granted.get(workload) ?? held;
      return { turn, replicas: new Map(turn.entries.map(({ claim }) => [claim.workload, replicasOf(claim)])) };
    });
    return { turns: served, ...ledger.settle() };
  });
}

/** Replicas of everybody after all turns. */
export function replicasAfter(stages: readonly ServedStage[]): ReadonlyMap<string, number> {
  return new Map(stages.flatMap(({ turns }) => turns.flatMap(({ replicas }) => [...replicas])));
}

function floorTurns(claims: readonly AllocationClaim[]): readonly Turn[] {
  const below = claims.flatMap((claim) => belowFloor(claim) ?? []);
  return tiersOf(below).map((tier) => ({
    name: FLOORS,
    describe: () => '',
    entries: tier.map((claim) => ({ claim, weight: 1, part: 1 })),
  }));
}

/** Name of the turns of floors. */
export const FLOORS = 'running replicas and floors';

/** The claim as it is until its floor is met: whole gangs, so that the last one may go above it. */
function belowFloor(claim: AllocationClaim): AllocationClaim | null {
  const { step = 1, held, floor, wanted } = claim;
  const target = Math.min(wholeGangs(claim, wanted), Math.ceil(floor / step) * step);
  return target >= held + nextUnit(claim, held) ? { ...claim, wanted: target } : null;
}
