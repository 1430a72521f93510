/** Claims and node groups for the tests of allocation. */
import type { AllocationClaim, AllocationStrategy, CapacityPool } from '../../lib/core/allocation/contract.ts';
import { sizesOf } from '../../lib/core/allocation/ledger.ts';
import { allocate, byName, replicasAfter, stagesOf } from '../../lib/core/allocation/turns.ts';

export const GPU = 'nvidia.com/gpu';

export function claim(workload: string, over: Partial<AllocationClaim> = {}): AllocationClaim {
  const wanted = over.wanted ?? 10;
  return {
    workload,
    wanted,
    held: 0,
    floor: 0,
    gpus: { [GPU]: 1 },
    groups: ['a'],
    tier: 1,
    weight: 1,
    kind: 'interactive',
    load: wanted,
    waitSec: 2,
    leadTimeSec: 180,
    ...over,
  };
}

/** A node group with one node of so many free GPUs. */
export function poolOf(gpus: number, name = 'a'): CapacityPool {
  return { name, free: [{ [GPU]: gpus }] };
}

/** Replicas of each claim, in the order given. */
export function shares(
  strategy: AllocationStrategy,
  claims: readonly AllocationClaim[],
  pools: readonly CapacityPool[],
): number[] {
  const sorted = byName(claims);
  const sizeOf = sizesOf(pools, sorted);
  const stages = stagesOf(strategy, { claims: sorted, sizeOf });
  const replicas = replicasAfter(allocate(stages, { claims: sorted, pools, sizeOf }));
  return claims.map((each) => replicas.get(each.workload) ?? -1);
}
