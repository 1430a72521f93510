/** GPUs by resource name and node group, as the strategies count them: sums of nodes, so the placement has the last word. */
import type { GpuCounts } from '../types.ts';
import type { AllocationClaim, CapacityPool } from './contract.ts';
import { canHold, change, claimClass, fix, isRoomy, ledgerState, orderFor } from './ledger-state.ts';
import type { ClaimClass, LedgerState } from './ledger-state.ts';

export type Ledger = {
  /** Takes GPUs for so many replicas, all or none. Others move to other groups they may use when that makes room. */
  readonly take: (claim: AllocationClaim, replicas: number) => boolean;
  /** Fixes what was taken since the last time: it makes room for nobody any more. Says where it is, by class and group, and whether anybody had to move. */
  readonly settle: () => Settled;
};

export type Settled = {
  readonly assignment: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly hasMoved: boolean;
};

/** Claims of the same class cannot have what one of them cannot have. */
export function classOf(claim: Pick<AllocationClaim, 'gpus' | 'groups'>): string {
  return `${textOf(claim.groups, groupsText)} ${textOf(claim.gpus, needsText)}`;
}

/** Policies are read once and planned for days. */
const TEXTS = new WeakMap<object, string>();

function textOf<Of extends object>(of: Of, write: (of: Of) => string): string {
  const known = TEXTS.get(of);
  if (known !== undefined) return known;
  const text = write(of);
  TEXTS.set(of, text);
  return text;
}

const groupsText = (groups: readonly string[]): string => groups.join();

const needsText = (gpus: GpuCounts): string =>
  Object.entries(gpus)
    .map(([name, count]) => `${name}=${count}`)
    .toSorted()
    .join();

type Mutable = LedgerState & { moved: boolean };

/** A ledger of these groups for these claims. */
export function ledgerOf(pools: readonly CapacityPool[], claims: readonly AllocationClaim[]): Ledger {
  const state: Mutable = { ...ledgerState(pools, namesOf(claims)), moved: false };
  const kinds = kindsOf(state, claims);
  return {
    take: (claim, replicas) => {
      const kind = kinds.get(claim.workload);
      return kind !== undefined && take(state, { kind, replicas });
    },
    settle: () => {
      const settled = { assignment: assignmentOf(state), hasMoved: state.moved };
      for (const kind of state.classes) fix(kind);
      state.moved = false;
      return settled;
    },
  };
}

/** Largest part that one replica takes of all GPUs of one resource name that the claims hold, find free or could order: above 0, at most 1. */
export function sizesOf(
  pools: readonly CapacityPool[],
  claims: readonly AllocationClaim[],
): (claim: AllocationClaim) => number {
  const totals = new Map(namesOf(claims).map((name) => [name, totalOf(name, { pools, claims })]));
  const sizes = new Map<string, number>();
  return (claim) => {
    const known = sizes.get(claim.workload) ?? sizeIn(totals, claim);
    sizes.set(claim.workload, known);
    return known;
  };
}

function namesOf(claims: readonly AllocationClaim[]): readonly string[] {
  return [...new Set(claims.flatMap((claim) => Object.keys(claim.gpus)))].toSorted();
}

/** The class of every claim; fills `state.classes`. */
function kindsOf(state: LedgerState, claims: readonly AllocationClaim[]): ReadonlyMap<string, ClaimClass> {
  const byKey = new Map<string, ClaimClass>();
  const roomOf = new Map<string, readonly number[]>();
  const kindOf = (claim: AllocationClaim): ClaimClass => {
    const key = classOf(claim);
    const known = byKey.get(key);
    if (known !== undefined) return known;
    const kind = claimClass(state, { key, claim, roomOf });
    state.classes.push(kind);
    byKey.set(key, kind);
    return kind;
  };
  return new Map(claims.map((claim) => [claim.workload, kindOf(claim)]));
}

/** What shares of a name are shares of [GPUs]. */
function totalOf(
  name: string,
  { pools, claims }: { readonly pools: readonly CapacityPool[]; readonly claims: readonly AllocationClaim[] },
): number {
  const held = claims.reduce((sum, claim) => sum + claim.held * (claim.gpus[name] ?? 0), 0);
  const had = pools.reduce((sum, { free, orderable }) => {
    const onNodes = free.reduce((gpus, node) => gpus + (node[name] ?? 0), 0);
    return sum + onNodes + (orderable?.nodes ?? 0) * (orderable?.shape[name] ?? 0);
  }, 0);
  return held + had;
}

function sizeIn(totals: ReadonlyMap<string, number>, { gpus }: AllocationClaim): number {
  return Math.max(...Object.entries(gpus).map(([name, need]) => need / Math.max(totals.get(name) ?? 0, need)));
}

function assignmentOf({ classes, groups }: LedgerState): ReadonlyMap<string, Map<string, number>> {
  const byGroup = (kind: ClaimClass): Map<string, number> =>
    new Map(kind.groups.map((group) => [groups[group]?.pool.name ?? '', kind.placed[group] ?? 0]));
  return new Map(classes.map((kind) => [kind.key, byGroup(kind)]));
}

function take(state: Mutable, of: { readonly kind: ClaimClass; readonly replicas: number }): boolean {
  const { kind, replicas } = of;
  if (replicas >= kind.refused) return false;
  for (let taken = 0; taken < replicas; taken++) {
    if (takeOne(state, kind)) continue;
    kind.refused = replicas;
    giveBack(state, { kind, replicas: taken });
    return false;
  }
  return true;
}

/** Which replicas go does not matter: those of one class are alike. */
function giveBack(state: LedgerState, of: { readonly kind: ClaimClass; readonly replicas: number }): void {
  const { kind, replicas } = of;
  for (let given = 0; given < replicas; given++) {
    const group = kind.groups.findLast((each) => (kind.placed[each] ?? 0) > 0);
    if (group !== undefined) change(state, { kind, group, by: -1 });
  }
}

function takeOne(state: Mutable, kind: ClaimClass): boolean {
  const group =
    placeFor(state, kind) ??
    kind.groups.find((each) => makeRoom(state, { kind, group: each, visited: new Set([each]) }));
  if (group === undefined) return false;
  change(state, { kind, group, by: 1 });
  return true;
}

/** A group with room, or else one that can get a node: in the order of preference, as the placement does. */
function placeFor(state: LedgerState, kind: ClaimClass, without = -1): number | undefined {
  for (const group of kind.groups) if (group !== without && canHold(state, kind, group)) return group;
  for (const group of kind.groups) if (group !== without && orderFor(state, kind, group)) return group;
  return undefined;
}

type Crowded = { readonly kind: ClaimClass; readonly group: number; readonly visited: Set<number> };

/** Moves replicas of other classes out of the group until one of this class fits. Source: augmenting paths (Ford and Fulkerson). */
function makeRoom(state: Mutable, of: Crowded): boolean {
  while (!canHold(state, of.kind, of.group)) {
    if (!isRoomy(of.kind, of.group)) return false;
    if (!state.classes.some((other) => moveAway(state, { ...of, other }))) return false;
  }
  return true;
}

function moveAway(state: Mutable, of: Crowded & { readonly other: ClaimClass }): boolean {
  const { kind, group, visited, other } = of;
  if (other === kind || (other.placed[group] ?? 0) === 0) return false;
  if (!other.need.some((gpus, index) => gpus > 0 && (kind.need[index] ?? 0) > 0)) return false;
  const tryNext = (each: number): boolean => {
    if (each === group || visited.has(each)) return false;
    visited.add(each);
    return makeRoom(state, { kind: other, group: each, visited });
  };
  const to = placeFor(state, other, group) ?? other.groups.find(tryNext);
  // The search further on may itself have moved the last one away.
  if (to === undefined || (other.placed[group] ?? 0) === 0) return to !== undefined;
  change(state, { kind: other, group, by: -1 });
  change(state, { kind: other, group: to, by: 1 });
  state.moved = true;
  return true;
}
