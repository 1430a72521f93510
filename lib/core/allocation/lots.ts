/** Placements of many claims as few: replicas with the same needs and the same choice of groups are alike, whoever they belong to. */
import { placeAll } from '../nodes/place.ts';
import type { Placement } from '../nodes/placement.ts';
import type { Supply } from '../nodes/supply.ts';
import type { AllocationClaim } from './contract.ts';
import { classOf } from './ledger.ts';

/** A claim, and how its replicas are placed; the placement's own counts do not matter here. */
export type Claimant = { readonly claim: AllocationClaim; readonly placement: Placement };

/** Replicas of a claim that need a place, on top of those it has. */
export type Wish = Claimant & { readonly replicas: number; readonly have: number };

export type Lot = {
  readonly wishes: readonly Wish[];
  /** Replicas placed of all that were asked for; who of the lot gets them is open. */
  readonly placed: number;
  readonly isComplete: boolean;
  readonly blockedBy: readonly string[];
};

/** Places the largest replicas first, gangs whole; fills `supply`. A thousand workloads of five kinds are five placements, not a thousand. */
export function placeInLots(supply: Supply, wishes: readonly Wish[]): readonly Lot[] {
  const lots = new Map<string, Wish[]>();
  for (const wish of wishes) {
    if (wish.replicas <= 0) continue;
    const key = lotOf(wish);
    const lot = lots.get(key);
    if (lot === undefined) lots.set(key, [wish]);
    else lot.push(wish);
  }
  const placements = [...lots].flatMap(([workload, lot]): Placement[] => {
    const [first] = lot;
    if (first === undefined) return [];
    const replicas = lot.reduce((sum, wish) => sum + wish.replicas, 0);
    return [{ ...first.placement, workload, replicas, held: first.have }];
  });
  const placed = placeAll(supply, placements);
  return placements.map(({ workload, replicas: asked }): Lot => {
    const { replicas = 0, blockedBy = [] } = placed.get(workload) ?? {};
    return { wishes: lots.get(workload) ?? [], placed: replicas, isComplete: replicas === asked, blockedBy };
  });
}

/** A gang is placed whole or not at all, so each has a lot of its own. */
function lotOf({ claim, placement }: Wish): string {
  const own = (claim.step ?? 1) > 1 ? claim.workload : '';
  return `${classOf(placement)} ${placement.choice ?? 'order'} ${own}`;
}
