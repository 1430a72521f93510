/** Who gets the GPUs: stage by stage everybody what it wants, or when they are too few the strategy's counts, as far as they fit on nodes, and whoever can use what is left then. */
import { place } from '../nodes/place.ts';
import { markOf, rewind } from '../nodes/rewind.ts';
import type { Mark } from '../nodes/rewind.ts';
import type { Supply } from '../nodes/supply.ts';
import type { AllocationClaim, AllocationStrategy, CapacityPool, Turn } from './contract.ts';
import { fill } from './fill.ts';
import { wholeGangs } from './gangs.ts';
import { classOf, sizesOf } from './ledger.ts';
import { placeInLots } from './lots.ts';
import type { Claimant, Lot, Wish } from './lots.ts';
import { isShort, poolsOf } from './supply-pools.ts';
import { allocate, byName, stagesOf } from './turns.ts';
import type { Assignment, ServedStage, ServedTurn, Stage } from './turns.ts';

type Work = {
  readonly supply: Supply;
  readonly sizeOf: (claim: AllocationClaim) => number;
  readonly claimants: ReadonlyMap<string, Claimant>;
  /** Replicas by workload so far. */
  readonly granted: Map<string, number>;
  readonly refusals: Map<string, Refusal>;
};

export type SharedOut = {
  /** Replicas by workload. */
  readonly granted: ReadonlyMap<string, number>;
  /** What stood against more, in clauses, by workload that got less than it wants. */
  readonly blockedBy: ReadonlyMap<string, readonly string[]>;
  /** The turns in which it was shared out; null: there was enough for everybody. */
  readonly turns: readonly ServedTurn[] | null;
};

/** The fewest replicas that a class could not have any more, and what stood against them. */
type Refusal = { readonly replicas: number; readonly blockedBy: readonly string[] };

/**
 * Places stage by stage, so that nobody of a lower tier has a say in what an earlier one gets and where. A stage whose GPUs are too few is placed turn by turn, within
 * a turn the largest replicas first. Sums of GPUs can promise what nodes cannot hold: what then stays free goes to the same turn by the same shares. Fills `supply`.
 */
export function shareOut(
  supply: Supply,
  of: { readonly strategy: AllocationStrategy; readonly claimants: readonly Claimant[] },
): SharedOut {
  if (of.claimants.every(({ claim }) => claim.wanted <= claim.held)) return asHeld(of.claimants);
  const claims = byName(of.claimants.map(({ claim }) => claim));
  let pools = poolsOf(supply);
  const sizeOf = sizesOf(pools, claims);
  const stages = stagesOf(of.strategy, { claims, sizeOf });
  const work: Work = {
    supply,
    sizeOf,
    claimants: new Map(of.claimants.map((claimant) => [claimant.claim.workload, claimant])),
    granted: new Map(claims.map((claim) => [claim.workload, claim.held])),
    refusals: new Map(),
  };
  const start = markOf(supply);
  let [mark, served]: [Mark, readonly ServedStage[] | null] = [start, null];
  for (const [index, stage] of stages.entries()) {
    const wishes = wishesOfStage(work, stage);
    if (wishes.length === 0) continue;
    if (mark !== start) pools = poolsOf(supply);
    if (!placeWants(work, { wishes, mark, pools })) {
      served ??= countFrom(start, { work, stages, claims, mark });
      placeStage(work, { stage: served[index] ?? NOTHING_SERVED, mark });
    }
    mark = markOf(supply);
  }
  const short = claims.filter((claim) => (work.granted.get(claim.workload) ?? 0) < claim.wanted);
  const blockedBy = short.map((claim) => [claim.workload, work.refusals.get(classOf(claim))?.blockedBy ?? []] as const);
  const turns = served?.flatMap((each) => each.turns) ?? null;
  return { granted: work.granted, blockedBy: new Map(blockedBy), turns };
}

/** Nobody grows. */
function asHeld(claimants: readonly Claimant[]): SharedOut {
  const granted = new Map<string, number>();
  for (const { claim } of claimants) granted.set(claim.workload, claim.held);
  return { granted, blockedBy: new Map(), turns: null };
}

const NOTHING_SERVED: ServedStage = { turns: [], assignment: new Map(), hasMoved: false };

/** The strategy's counts by sums. Counting orders nodes, so it is done on the supply as it was at the start, and undone. */
function countFrom(
  start: Mark,
  of: {
    readonly work: Work;
    readonly stages: readonly Stage[];
    readonly claims: readonly AllocationClaim[];
    readonly mark: Mark;
  },
): readonly ServedStage[] {
  const { supply, sizeOf } = of.work;
  if (of.mark !== start) rewind(supply, start);
  const served = allocate(of.stages, { claims: of.claims, pools: poolsOf(supply), sizeOf });
  rewind(supply, of.mark);
  return served;
}

/** What everybody of a stage lacks: of its floor, or where it has a turn of all it wants. */
function wishesOfStage(work: Work, stage: Stage): readonly Wish[] {
  const most = new Map<string, number>();
  for (const { entries } of stage.turns) for (const { claim } of entries) most.set(claim.workload, claim.wanted);
  const wishes: Wish[] = [];
  for (const [workload, wanted] of most) {
    const wish = wishOf(work, { workload, wanted });
    if (wish !== null) wishes.push(wish);
  }
  return wishes;
}

/** False, and nothing done: not everybody of the stage can have what it wants. */
function placeWants(
  { supply, granted }: Work,
  of: { readonly wishes: readonly Wish[]; readonly mark: Mark; readonly pools: readonly CapacityPool[] },
): boolean {
  const { wishes, mark } = of;
  if (isShort(wishes, of.pools)) return false;
  if (!placeInLots(supply, wishes).every((lot) => lot.isComplete)) {
    rewind(supply, mark);
    return false;
  }
  for (const wish of wishes) granted.set(wish.claim.workload, wish.have + wish.replicas);
  return true;
}

/** Null: has so many already. */
function wishOf(
  { claimants, granted }: Work,
  { workload, wanted }: { readonly workload: string; readonly wanted: number },
): Wish | null {
  const claimant = claimants.get(workload);
  if (claimant === undefined) return null;
  const have = granted.get(workload) ?? claimant.claim.held;
  if (wanted <= have) return null;
  const { claim, placement } = claimant;
  return { claim, placement, have, replicas: wanted - have };
}

/** By preference, and where that does not lead to the counts of the stage, group by group as they were counted. */
function placeStage(work: Work, { stage, mark }: { readonly stage: ServedStage; readonly mark: Mark }): void {
  if (!stage.hasMoved) {
    const before = { granted: [...work.granted], refusals: [...work.refusals] };
    if (placeTurns(work, { ...stage, assignment: null })) return;
    rewind(work.supply, mark);
    reset(work.granted, before.granted);
    reset(work.refusals, before.refusals);
  }
  placeTurns(work, stage);
}

function reset<Value>(map: Map<string, Value>, entries: readonly (readonly [string, Value])[]): void {
  map.clear();
  for (const [key, value] of entries) map.set(key, value);
}

/** False as soon as a turn does not get its counts by preference, with nothing finished; with an assignment it makes the best of it. */
function placeTurns(
  work: Work,
  of: { readonly turns: readonly ServedTurn[]; readonly assignment: Assignment | null },
): boolean {
  const room =
    of.assignment === null ? null : new Map([...of.assignment].map(([key, byGroup]) => [key, new Map(byGroup)]));
  for (const served of of.turns) {
    if (room !== null) placeAssigned(work, { ...served, room });
    const isComplete = placeMore(work, served.turn, wishesOf(work, served));
    if (room === null && !isComplete) return false;
    fill(served.turn.entries, { granted: work.granted, take: takeOn(work), sizeOf: work.sizeOf });
  }
  return true;
}

/** What is missing up to the counts of a turn. */
function wishesOf(work: Work, { turn, replicas }: ServedTurn): readonly Wish[] {
  const wishes: Wish[] = [];
  for (const { claim } of turn.entries) {
    const { workload } = claim;
    const wish = wishOf(work, { workload, wanted: replicas.get(workload) ?? 0 });
    if (wish !== null) wishes.push(wish);
  }
  return wishes;
}

/** Everybody goes where there was room: the counts of a class are dealt out group by group. */
function placeAssigned(work: Work, of: ServedTurn & { readonly room: ReadonlyMap<string, Map<string, number>> }): void {
  const byGroup = new Map<string, { readonly groups: readonly string[]; readonly wishes: Wish[] }>();
  for (const wish of wishesOf(work, of)) {
    let missing = wish.replicas;
    const room = of.room.get(classOf(wish.claim));
    for (const [group, count] of room ?? []) {
      const replicas = wholeGangs({ step: wish.claim.step ?? 1, held: 0 }, Math.min(missing, count));
      if (replicas === 0) continue;
      const here = byGroup.get(group) ?? { groups: [group], wishes: [] };
      const have = wish.have + wish.replicas - missing;
      here.wishes.push({ claim: wish.claim, have, replicas, placement: { ...wish.placement, groups: here.groups } });
      byGroup.set(group, here);
      room?.set(group, count - replicas);
      missing -= replicas;
    }
  }
  for (const { wishes } of byGroup.values()) placeMore(work, of.turn, wishes);
}

/** True when all of them have a place. */
function placeMore(work: Work, turn: Turn, wishes: readonly Wish[]): boolean {
  const lots = placeInLots(work.supply, wishes);
  for (const lot of lots) dealOut(work, turn, lot);
  return lots.every((lot) => lot.isComplete);
}

/** Who gets the replicas of a lot: everybody all of it, or when they did not all fit, by the shares of the turn. */
function dealOut({ granted, sizeOf }: Work, turn: Turn, lot: Lot): void {
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
  fill(entries, { granted, sizeOf, take });
}

/** Takes GPUs on nodes, all or none. What one of a class was refused is not tried again for the others: GPUs only become fewer. */
function takeOn({ supply, claimants, granted, refusals }: Work): (claim: AllocationClaim, replicas: number) => boolean {
  return (claim, replicas) => {
    const key = classOf(claim);
    const claimant = claimants.get(claim.workload);
    if (claimant === undefined || replicas >= (refusals.get(key)?.replicas ?? Infinity)) return false;
    const held = granted.get(claim.workload) ?? claim.held;
    const placed = place(supply, { ...claimant.placement, replicas, held });
    if (placed.replicas === replicas) return true;
    refusals.set(key, { replicas, blockedBy: placed.blockedBy });
    return false;
  };
}
