/** The strategy's turns, with what everybody keeps or gets before anybody grows in front of them. */
import type { AllocationClaim, AllocationStrategy, Turn } from './contract.ts';
import { nextUnit, wholeGangs } from './gangs.ts';
import { fill } from './fill.ts';
import { ledgerOf } from './ledger.ts';
import type { Ledger } from './ledger.ts';
import type { CapacityPool } from './contract.ts';
import { tiersOf } from './strategies.ts';

/** What claims get as far as sums of GPUs can tell. */
export type Allocation = {
  /** Floors by tier, then the strategy's own turns; `replicas` after each by workload, for its claims. */
  readonly turns: readonly { readonly turn: Turn; readonly replicas: ReadonlyMap<string, number> }[];
  readonly ledger: Ledger;
};

/**
 * Held replicas, then floors by tier (a shortage is shared within the tier), then the turns of the strategy. Replicas are whole, in whole gangs,
 * between held and wanted, and what is not held fits into the pools. The order of `claims` does not matter.
 */
export function allocate(
  strategy: AllocationStrategy,
  of: { readonly claims: readonly AllocationClaim[]; readonly pools: readonly CapacityPool[] },
): Allocation {
  const claims = of.claims.toSorted((a, b) => (a.workload < b.workload ? -1 : 1));
  const ledger = ledgerOf(of.pools, claims);
  const granted = new Map(claims.map((claim) => [claim.workload, claim.held]));
  const { take, sizeOf } = ledger;
  const turns = [...floorTurns(claims), ...strategy(claims, sizeOf)].map((turn) => {
    fill(turn.entries, { granted, take, sizeOf });
    return {
      turn,
      replicas: new Map(turn.entries.map(({ claim }) => [claim.workload, granted.get(claim.workload) ?? claim.held])),
    };
  });
  return { turns, ledger };
}

/** Replicas of everybody after all turns. */
export function replicasAfter({ turns }: Allocation): ReadonlyMap<string, number> {
  return new Map(turns.flatMap(({ replicas }) => [...replicas]));
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
