/** How many replicas of each workload get GPUs: everything when there are enough, else what the fleet's strategy gives. */
import type { PoolInput, PoolWorkload } from '../decide-types.ts';
import { total } from '../nodes/gpus.ts';
import { nextStep, place, placeAll } from '../nodes/place.ts';
import type { Placed, Placement } from '../nodes/place.ts';
import { priceOf } from '../nodes/groups.ts';
import { supplyOf } from '../nodes/supply.ts';
import type { Supply } from '../nodes/supply.ts';
import type { GpuCounts } from '../types.ts';
import type { AllocationClaim } from './contract.ts';
import { allocationStrategies } from './index.ts';

export type Allotment = {
  /** The supply after placement: which nodes are used, which are ordered. */
  readonly supply: Supply;
  /** Replicas that have GPUs or will have, running ones included; absent for workloads whose nodes are somebody else's business. */
  readonly granted: ReadonlyMap<string, number>;
  /** What stood against the rest, by workload. */
  readonly blockedBy: ReadonlyMap<string, readonly string[]>;
};

type Claimant = { readonly claim: AllocationClaim; readonly placement: Placement };

/** Decides who gets GPUs in this pool. */
export function allot(input: PoolInput): Allotment {
  const claimants = input.workloads.flatMap((workload) => claimantOf(workload) ?? []);
  const wanted = placeAllOf(supplyOf(input), claimants, (claim) => claim.wanted);
  const attempt = wanted.isComplete ? wanted : shareOut(input, claimants, wanted.blockedBy);
  const unseen = new Set(
    input.nodeGroups.filter((group) => group.observed.kind === 'missing').map((g) => g.policy.metadata.name),
  );
  // A group that cannot be seen may have room: unknown is no reason to refuse growth.
  const limited = claimants.filter(({ placement }) => !placement.groups.some((group) => unseen.has(group)));
  const names = new Set(limited.map(({ claim }) => claim.workload));
  return {
    supply: attempt.supply,
    granted: new Map([...attempt.granted].filter(([workload]) => names.has(workload))),
    blockedBy: attempt.blockedBy,
  };
}

type Attempt = Allotment & { readonly isComplete: boolean };

/** Null: nothing to limit, because no node group is named or the GPUs of a replica are not known. */
function claimantOf({ policy, target, outcome }: PoolWorkload): Claimant | null {
  const gpus = gpusOf({ policy, target });
  const gpusPerReplica = total(gpus);
  if (policy.spec.nodeGroups.length === 0 || gpusPerReplica === 0) return null;
  const held = Math.min(outcome.wanted, heldReplicas(target));
  const workload = policy.metadata.name;
  return {
    claim: {
      workload,
      wanted: outcome.wanted,
      held,
      floor: policy.spec.replicas.min,
      gpusPerReplica,
      tier: policy.spec.priority.tier,
      weight: policy.spec.priority.weight,
      load: outcome.demand ?? outcome.wanted,
    },
    placement: {
      workload,
      groups: policy.spec.nodeGroups,
      gpus,
      replicas: outcome.wanted - held,
      choice: policy.spec.nodeGroupChoice,
      step: policy.spec.replicas.step,
      held,
    },
  };
}

/** GPUs of one replica: as the policy says, else as the pod template says. */
export function gpusOf({ policy, target }: Pick<PoolWorkload, 'policy' | 'target'>): GpuCounts {
  return policy.spec.gpusPerReplica ?? (target.kind === 'observed' ? target.gpusPerReplica : {});
}

/** Replicas that sit on a node: bound pods that are not being deleted, or ready ones where pods are not listed. */
function heldReplicas(target: PoolWorkload['target']): number {
  if (target.kind === 'missing') return 0;
  const bound = target.pods.filter((pod) => pod.nodeName !== null && !pod.terminating).length;
  return target.pods.length === 0 ? target.ready : bound;
}

function placeAllOf(
  supply: Supply,
  claimants: readonly Claimant[],
  replicasOf: (claim: AllocationClaim) => number,
): Attempt {
  const placed = placeAll(
    supply,
    claimants.map(({ claim, placement }) => ({ ...placement, replicas: Math.max(0, replicasOf(claim) - claim.held) })),
  );
  return {
    supply,
    granted: new Map(claimants.map(({ claim }) => [claim.workload, claim.held + placedOf(placed, claim.workload)])),
    blockedBy: new Map([...placed].map(([workload, of]) => [workload, of.blockedBy])),
    isComplete: [...placed.values()].every((of) => of.blockedBy.length === 0),
  };
}

function placedOf(placed: ReadonlyMap<string, Placed>, workload: string): number {
  return placed.get(workload)?.replicas ?? 0;
}

/** Too few: the strategy's grants are placed first, then whatever still fits, tier by tier, one replica a turn. */
function shareOut(input: PoolInput, claimants: readonly Claimant[], blockedBy: Allotment['blockedBy']): Attempt {
  const supply = supplyOf(input);
  const strategy = allocationStrategies[input.fleet.spec.allocation];
  const claims = claimants.map(({ claim }) => claim);
  const grants = strategy(claims, capacityOf(supply, claimants));
  const first = placeAllOf(supply, claimants, (claim) => grants.get(claim.workload) ?? claim.held);
  const granted = new Map(first.granted);
  const inOrder = claimants.toSorted((a, b) => a.claim.tier - b.claim.tier);
  let open = inOrder.filter(({ claim }) => (granted.get(claim.workload) ?? 0) < claim.wanted);
  while (open.length > 0) {
    open = open.filter(({ claim, placement }) => {
      const have = granted.get(claim.workload) ?? 0;
      const size = nextStep(placement.step ?? 1, have);
      if (place(supply, { ...placement, replicas: size, held: have }).replicas === 0) return false;
      const replicas = have + size;
      granted.set(claim.workload, replicas);
      return replicas < claim.wanted;
    });
  }
  return { supply, granted, blockedBy, isComplete: false };
}

/** GPUs the claimants hold, find free, or may order [GPUs]: an upper bound, the placement has the last word. */
function capacityOf(supply: Supply, claimants: readonly Claimant[]): number {
  const held = claimants.reduce((sum, { claim }) => sum + claim.held * claim.gpusPerReplica, 0);
  const names = new Set(claimants.flatMap(({ placement }) => placement.groups));
  return [...names].reduce((sum, name) => sum + reachable(supply, name), held);
}

function reachable(supply: Supply, name: string): number {
  const group = supply.groups.get(name);
  if (group === undefined) return 0;
  const bins = [
    ...(supply.bins.free.get(name) ?? []),
    ...(supply.bins.pending.get(name) ?? []),
    ...(supply.bins.new.get(name) ?? []),
  ];
  const existing = bins.reduce((sum, bin) => sum + total(bin.free), 0);
  const { gpus } = group.policy.spec.shape;
  const byQuota = Math.min(
    ...Object.entries(gpus).map(([resource, count]) => Math.floor((supply.quotaLeft[resource] ?? Infinity) / count)),
  );
  const price = priceOf(group.policy);
  const byBudget = price === 0 ? Infinity : Math.floor(Math.max(0, supply.budgetLeft) / price);
  const ordered = supply.bins.new.get(name)?.length ?? 0;
  return existing + Math.min(group.orderable.nodes - ordered, byQuota, byBudget) * total(gpus);
}
