/** Too few GPUs for everybody: the strategy's counts, as far as they fit on nodes, and whoever can use what is left then. */
import { place } from '../nodes/place.ts';
import type { Supply } from '../nodes/supply.ts';
import type { AllocationClaim, Turn } from './contract.ts';
import { fill } from './fill.ts';
import { wholeGangs } from './gangs.ts';
import { classOf } from './ledger.ts';
import type { Ledger } from './ledger.ts';
import { placeInLots } from './lots.ts';
import type { Claimant, Lot, Wish } from './lots.ts';
import type { Allocation } from './turns.ts';

type Work = {
  readonly supply: Supply;
  readonly ledger: Ledger;
  readonly claimants: ReadonlyMap<string, Claimant>;
  /** Replicas by workload so far. */
  readonly granted: Map<string, number>;
  /** Places on nodes, all or none. */
  readonly take: (claim: AllocationClaim, replicas: number) => boolean;
};

export type SharedOut = {
  /** Replicas by workload. */
  readonly granted: ReadonlyMap<string, number>;
  /** What stood against more, in clauses, by workload that got less than it wants. */
  readonly blockedBy: ReadonlyMap<string, readonly string[]>;
};

/** The fewest replicas that a class could not have any more, and what stood against them. */
type Refusal = { readonly replicas: number; readonly blockedBy: readonly string[] };

/** Replicas by class and group. */
type Assignment = ReadonlyMap<string, Map<string, number>>;

type Targets = { readonly turn: Turn; readonly replicas: ReadonlyMap<string, number> };

/**
 * Places turn by turn, so that nobody of a later turn stands in the way of an earlier one; within a turn the largest replicas first. Sums of GPUs
 * can promise what nodes cannot hold: what then stays free goes to the same turn by the same shares. Fills `supply`.
 */
export function placeAllocation(
  supply: Supply,
  of: { readonly allocation: Allocation; readonly claimants: readonly Claimant[] },
): SharedOut {
  const { turns, ledger } = of.allocation;
  const claimants = new Map(of.claimants.map((claimant) => [claimant.claim.workload, claimant]));
  const granted = new Map(of.claimants.map(({ claim }) => [claim.workload, claim.held]));
  const refusals = new Map<string, Refusal>();
  const work: Work = { supply, ledger, claimants, granted, take: takeOn(supply, { claimants, granted, refusals }) };
  const assignment = ledger.assignment();
  for (const targets of turns) {
    if (assignment !== null) placeAssigned(work, { ...targets, assignment });
    placeMore(work, targets.turn, wishesOf(work, targets));
    fill(targets.turn.entries, { granted, take: work.take, sizeOf: ledger.sizeOf });
  }
  const short = of.claimants.filter(({ claim }) => (granted.get(claim.workload) ?? 0) < claim.wanted);
  const blockedBy = short.map(({ claim }) => [claim.workload, refusals.get(classOf(claim))?.blockedBy ?? []] as const);
  return { granted, blockedBy: new Map(blockedBy) };
}

/** What is missing up to the counts of a turn. */
function wishesOf({ granted, claimants }: Work, { turn, replicas }: Targets): readonly Wish[] {
  return turn.entries.flatMap(({ claim: { workload, held } }): Wish[] => {
    const claimant = claimants.get(workload);
    const have = granted.get(workload) ?? held;
    const missing = (replicas.get(workload) ?? have) - have;
    return claimant === undefined || missing <= 0 ? [] : [{ ...claimant, replicas: missing, have }];
  });
}

/** Where somebody had to make room, everybody goes where there was room: the counts of a class are dealt out group by group. */
function placeAssigned(work: Work, of: Targets & { readonly assignment: Assignment }): void {
  const byGroup = new Map<string, Wish[]>();
  for (const wish of wishesOf(work, of)) {
    let missing = wish.replicas;
    const room = of.assignment.get(classOf(wish.claim));
    for (const [group, count] of room ?? []) {
      const replicas = wholeGangs({ step: wish.claim.step ?? 1, held: 0 }, Math.min(missing, count));
      if (replicas === 0) continue;
      const wishes = byGroup.get(group) ?? [];
      const have = wish.have + wish.replicas - missing;
      wishes.push({ claim: wish.claim, have, replicas, placement: { ...wish.placement, groups: [group] } });
      byGroup.set(group, wishes);
      room?.set(group, count - replicas);
      missing -= replicas;
    }
  }
  for (const wishes of byGroup.values()) placeMore(work, of.turn, wishes);
}

function placeMore(work: Work, turn: Turn, wishes: readonly Wish[]): void {
  for (const lot of placeInLots(work.supply, wishes)) dealOut(work, turn, lot);
}

/** Who gets the replicas of a lot: everybody all of it, or when they did not all fit, by the shares of the turn. */
function dealOut({ granted, ledger }: Work, turn: Turn, lot: Lot): void {
  let left = lot.placed;
  const haveOf = ({ workload, held }: AllocationClaim): number => granted.get(workload) ?? held;
  if (lot.isComplete) {
    for (const { claim, replicas } of lot.wishes) granted.set(claim.workload, haveOf(claim) + replicas);
    return;
  }
  const targets = new Map(lot.wishes.map(({ claim, replicas }) => [claim.workload, haveOf(claim) + replicas]));
  const entries = turn.entries.flatMap((entry) => {
    const wanted = targets.get(entry.claim.workload);
    return wanted === undefined ? [] : [{ ...entry, claim: { ...entry.claim, wanted } }];
  });
  const take = (_claim: AllocationClaim, replicas: number): boolean => {
    if (replicas > left) return false;
    left -= replicas;
    return true;
  };
  fill(entries, { granted, sizeOf: ledger.sizeOf, take });
}

/** Takes GPUs on nodes. What one of a class was refused is not tried again for the others: GPUs only become fewer. */
function takeOn(
  supply: Supply,
  of: Pick<Work, 'claimants' | 'granted'> & { readonly refusals: Map<string, Refusal> },
): Work['take'] {
  return (claim, replicas) => {
    const key = classOf(claim);
    const claimant = of.claimants.get(claim.workload);
    if (claimant === undefined || replicas >= (of.refusals.get(key)?.replicas ?? Infinity)) return false;
    const held = of.granted.get(claim.workload) ?? claim.held;
    const placed = place(supply, { ...claimant.placement, replicas, held });
    if (placed.replicas === replicas) return true;
    of.refusals.set(key, { replicas, blockedBy: placed.blockedBy });
    return false;
  };
}
