/** Which node group a new node is asked of when price decides: the mix of nodes that costs least for what is still to be placed. */
import { fits, minus, total } from './gpus.ts';
import { priceKnown } from './groups.ts';
import { canOrder } from './supply.ts';
import type { Supply } from './supply.ts';
import type { Placement } from './placement.ts';
import type { GpuCounts } from '../types.ts';

/** A node without a price is taken for dearer than any with one [USD/h]. */
const UNKNOWN_USD_PER_HOUR = 1e6;

/** Longest table of a cover [replicas]; above it nodes are full anyway, and the cheapest full node is right. */
const COVER_MAX = 512;

/** Prices this close are equal, and the policy's order decides [USD/h]. */
const USD_TOLERANCE = 1e-9;

type Choice = { readonly name: string; readonly usdPerHour: number; readonly capacity: number };

export type Cover = {
  /** Groups that can give a node, with what one holds. */
  readonly choices: readonly Choice[];
  /** Least price for so many replicas on new nodes [USD/h]. */
  readonly costOf: (replicas: number) => number;
};

/** Least cost of any number of replicas on whole nodes, without limits on their count. Source: the covering knapsack by dynamic programming, O(replicas × groups). */
export function coverOf(supply: Supply, placement: Placement): Cover {
  const choices = placement.groups.flatMap((name) => {
    const policy = supply.groups.get(name)?.policy;
    const capacity = policy === undefined ? 0 : replicasIn(policy.spec.shape.gpus, placement.gpus);
    if (policy === undefined || capacity === 0 || canOrder(supply, name) !== null) return [];
    return [{ name, capacity, usdPerHour: priceKnown(policy) ?? UNKNOWN_USD_PER_HOUR }];
  });
  const length = Math.min(placement.replicas, COVER_MAX);
  const costs = new Float64Array(length + 1);
  for (let replicas = 1; replicas <= length; replicas++) {
    let least = Infinity;
    for (const { usdPerHour, capacity } of choices) {
      least = Math.min(least, usdPerHour + (costs[Math.max(0, replicas - capacity)] ?? 0));
    }
    costs[replicas] = least;
  }
  const perReplica = Math.min(...choices.map((one) => one.usdPerHour / one.capacity));
  return {
    choices,
    costOf: (replicas) => {
      const beyond = Math.max(0, replicas - length);
      return (costs[Math.min(Math.max(0, replicas), length)] ?? 0) + (beyond === 0 ? 0 : beyond * perReplica);
    },
  };
}

/**
 * The groups from the cheapest choice to the dearest: price of the node and of the rest after it, less what later replicas (smaller ones) save by
 * filling what it leaves over, so that fragments cost what they are worth. Of equal ones the cheapest per replica, then the order given.
 */
export function cheapestFirst(
  supply: Supply,
  of: {
    readonly placement: Placement;
    readonly groups: readonly string[];
    readonly cover: Cover;
    readonly left: number;
    readonly later: readonly Placement[];
  },
): readonly string[] {
  const scored = of.groups.map((name, index) => {
    const choice = of.cover.choices.find((one) => one.name === name);
    if (choice === undefined) return { name, index, usdPerHour: Infinity, perReplica: Infinity };
    const rest = of.cover.costOf(of.left - choice.capacity);
    const usdPerHour = choice.usdPerHour + rest - saved(supply, { ...of, choice });
    return { name, index, usdPerHour, perReplica: choice.usdPerHour / choice.capacity };
  });
  return scored
    .toSorted((a, b) => {
      if (a.usdPerHour === Infinity || b.usdPerHour === Infinity)
        return Number(a.usdPerHour === Infinity) - Number(b.usdPerHour === Infinity) || a.index - b.index;
      for (const difference of [a.usdPerHour - b.usdPerHour, a.perReplica - b.perReplica]) {
        if (Math.abs(difference) > USD_TOLERANCE) return difference;
      }
      return a.index - b.index;
    })
    .map(({ name }) => name);
}

/** What later replicas on the rest of this node would cost elsewhere, per GPU at their cheapest [USD/h]. */
function saved(
  supply: Supply,
  of: {
    readonly placement: Placement;
    readonly choice: Choice;
    readonly left: number;
    readonly later: readonly Placement[];
  },
): number {
  const { choice, placement } = of;
  let free = supply.groups.get(choice.name)?.policy.spec.shape.gpus ?? {};
  for (let count = Math.min(of.left, choice.capacity); count > 0; count--) free = minus(free, placement.gpus);
  let usdPerHour = 0;
  for (const other of of.later) {
    if (!other.groups.includes(choice.name)) continue;
    const count = Math.min(other.replicas, replicasIn(free, other.gpus));
    for (let each = 0; each < count; each++) free = minus(free, other.gpus);
    if (count > 0) usdPerHour += count * total(other.gpus) * leastPerGpu(supply, other);
  }
  return usdPerHour;
}

function leastPerGpu(supply: Supply, { groups }: Placement): number {
  const prices = groups.flatMap((name) => {
    const policy = supply.groups.get(name)?.policy;
    const usdPerHour = policy === undefined ? null : priceKnown(policy);
    return policy === undefined || usdPerHour === null ? [] : [usdPerHour / total(policy.spec.shape.gpus)];
  });
  return prices.length === 0 ? 0 : Math.min(...prices);
}

/** Replicas of `need` that fit on `free`. */
function replicasIn(free: GpuCounts, need: GpuCounts): number {
  let left = free;
  for (let replicas = 0; ; replicas++) {
    if (!fits(left, need) || total(need) === 0) return replicas;
    left = minus(left, need);
  }
}
