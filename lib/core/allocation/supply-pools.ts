/** What the node groups of a pool can give, as the strategies count it. */
import { priceOf } from '../nodes/groups.ts';
import { orderNode } from '../nodes/supply.ts';
import type { Supply } from '../nodes/supply.ts';
import type { GpuCounts } from '../types.ts';
import type { CapacityPool } from './contract.ts';
import type { Wish } from './lots.ts';

/** Pools of a supply that is only counted with: ordering nodes changes it. */
export function poolsOf(supply: Supply): readonly CapacityPool[] {
  return [...supply.groups.keys()].toSorted().map((name): CapacityPool => {
    const free: GpuCounts[] = [];
    for (const byGroup of [supply.bins.free, supply.bins.pending, supply.bins.new])
      for (const bin of byGroup.get(name) ?? []) free.push(bin.free);
    const shape = supply.groups.get(name)?.policy.spec.shape.gpus ?? {};
    return {
      name,
      free,
      orderable: { shape, nodes: orderableNodes(supply, name) },
      order: () => (orderNode(supply, name) === null ? (supply.bins.new.get(name)?.at(-1)?.free ?? null) : null),
    };
  });
}

/** True when there are too few GPUs of some name for these replicas, whoever gets them: no need to try and place them all. */
export function isShort(wishes: readonly Wish[], pools: readonly CapacityPool[]): boolean {
  const names = new Set(wishes.flatMap(({ claim }) => Object.keys(claim.gpus)));
  return [...names].some((name) => {
    const missing = wishes.reduce((sum, { claim, replicas }) => sum + replicas * (claim.gpus[name] ?? 0), 0);
    const had = pools.reduce((sum, { free, orderable }) => {
      const coming = (orderable?.nodes ?? 0) * (orderable?.shape[name] ?? 0);
      return free.reduce((gpus, node) => gpus + (node[name] ?? 0), sum + coming);
    }, 0);
    return missing > had + TOLERANCE;
  });
}

/** Slices such as 0.1 and prices do not add up exactly in binary [GPUs, nodes]. */
const TOLERANCE = 1e-6;

/** Most nodes that could be ordered if no other group ordered any: never fewer than there are. */
function orderableNodes(supply: Supply, name: string): number {
  const group = supply.groups.get(name);
  if (group === undefined) return 0;
  const { shape, committedNodes } = group.policy.spec;
  const ordered = supply.bins.new.get(name)?.length ?? 0;
  const byQuota = Object.entries(shape.gpus).map(([resource, gpus]) =>
    Math.floor((supply.quotaLeft[resource] ?? Infinity) / gpus + TOLERANCE),
  );
  const price = priceOf(group.policy);
  const paid = Math.max(0, committedNodes - group.observed.desired - ordered);
  const byBudget = price === 0 ? Infinity : paid + Math.floor(Math.max(0, supply.budgetLeft) / price + TOLERANCE);
  return Math.max(0, Math.min(group.orderable.nodes - ordered, byBudget, ...byQuota));
}
