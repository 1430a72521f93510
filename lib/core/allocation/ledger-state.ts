/** The numbers of a ledger: GPUs by group, replicas by class and group. */
import type { GpuCounts } from '../types.ts';
import type { AllocationClaim, CapacityPool } from './contract.ts';

/** Slices such as 0.1 do not add up exactly in binary [GPUs]. */
const TOLERANCE = 1e-9;

export type LedgerGroup = { readonly free: number[]; readonly bins: readonly number[][]; readonly pool: CapacityPool };

/** Claims with the same needs and groups. Arrays are by group, needs by resource name. */
export type ClaimClass = {
  readonly key: string;
  readonly need: readonly number[];
  readonly groups: readonly number[];
  readonly placed: number[];
  /** Replicas that fit on the nodes of a group when nobody else uses them. */
  readonly room: number[];
  /** Fewest replicas that were refused. */
  refused: number;
};

export type LedgerState = {
  readonly resources: readonly string[];
  readonly groups: readonly LedgerGroup[];
  readonly classes: ClaimClass[];
};

/** Empty of classes. `resources` are the names that count, all others are ignored. */
export function ledgerState(pools: readonly CapacityPool[], resources: readonly string[]): LedgerState {
  const groups = pools.map((pool): LedgerGroup => {
    const bins = pool.free.map((gpus) => vectorOf(gpus, resources)).filter((bin) => bin.some((gpus) => gpus > 0));
    return { pool, bins, free: resources.map((_, index) => bins.reduce((sum, bin) => sum + (bin[index] ?? 0), 0)) };
  });
  return { resources, groups, classes: [] };
}

/** A class without replicas; `roomOf` remembers what was counted for the same needs. */
export function claimClass(
  { resources, groups }: LedgerState,
  of: { readonly key: string; readonly claim: AllocationClaim; readonly roomOf: Map<string, readonly number[]> },
): ClaimClass {
  const need = vectorOf(of.claim.gpus, resources);
  const room = of.roomOf.get(need.join()) ?? groups.map((group) => roomIn(group.bins, need));
  of.roomOf.set(need.join(), room);
  return {
    key: of.key,
    need,
    groups: of.claim.groups
      .map((name) => groups.findIndex(({ pool }) => pool.name === name))
      .filter((index) => index >= 0),
    placed: groups.map(() => 0),
    room: [...room],
    refused: Infinity,
  };
}

/** Puts (by 1) or removes (by −1) replicas of a class in a group. */
export function change(
  { groups }: LedgerState,
  of: { readonly kind: ClaimClass; readonly group: number; readonly by: number },
): void {
  const { kind, group, by } = of;
  const free = groups[group]?.free ?? [];
  for (let index = 0; index < kind.need.length; index++)
    free[index] = (free[index] ?? 0) - by * (kind.need[index] ?? 0);
  kind.placed[group] = (kind.placed[group] ?? 0) + by;
}

/** What is placed cannot be moved any more: its nodes have so much less room. */
export function fix(kind: ClaimClass): void {
  for (const [group, placed] of kind.placed.entries()) {
    kind.room[group] = (kind.room[group] ?? 0) - placed;
    kind.placed[group] = 0;
  }
}

/** True when one more replica of the class fits into the group, by its sum and by its nodes. */
export function canHold({ groups }: LedgerState, kind: ClaimClass, group: number): boolean {
  if (!isRoomy(kind, group)) return false;
  const free = groups[group]?.free ?? [];
  for (let index = 0; index < kind.need.length; index++)
    if ((kind.need[index] ?? 0) > (free[index] ?? 0) + TOLERANCE) return false;
  return true;
}

/** False when the nodes of the group are too small or too few for one more, whoever else left. */
export function isRoomy(kind: ClaimClass, group: number): boolean {
  return (kind.placed[group] ?? 0) < (kind.room[group] ?? 0);
}

/** Orders a node for the class; false when none can be had or it would be too small. */
export function orderFor(state: LedgerState, kind: ClaimClass, group: number): boolean {
  const { pool, free } = state.groups[group] ?? {};
  if (pool?.orderable === undefined || free === undefined) return false;
  if (roomIn([vectorOf(pool.orderable.shape, state.resources)], kind.need) === 0) return false;
  const node = pool.order?.() ?? null;
  if (node === null) return false;
  const bin = vectorOf(node, state.resources);
  for (const [index, gpus] of bin.entries()) free[index] = (free[index] ?? 0) + gpus;
  for (const each of state.classes) each.room[group] = (each.room[group] ?? 0) + roomIn([bin], each.need);
  return canHold(state, kind, group);
}

function vectorOf(gpus: GpuCounts, resources: readonly string[]): number[] {
  return resources.map((name) => gpus[name] ?? 0);
}

function roomIn(bins: readonly (readonly number[])[], need: readonly number[]): number {
  let room = 0;
  for (const bin of bins) {
    let fit = Infinity;
    for (let index = 0; index < need.length; index++) {
      const gpus = need[index] ?? 0;
      if (gpus > 0) fit = Math.min(fit, Math.floor(((bin[index] ?? 0) + TOLERANCE) / gpus));
    }
    room += fit;
  }
  return room;
}
