/** How many replicas of each workload get GPUs: everything when there are enough, else what the fleet's strategy gives. */
import type { PoolInput, PoolWorkload } from '../decide-types.ts';
import { total } from '../nodes/gpus.ts';
import { brokenWholeAt, heldPods, replicaShapeOf } from '../nodes/replica-pods.ts';
import { leavingNodes } from '../nodes/groups.ts';
import { supplyOf } from '../nodes/supply.ts';
import type { Supply } from '../nodes/supply.ts';
import { leadTimeSecOf } from '../scaling/lead-time.ts';
import { waitSecOf } from '../scaling/objective.ts';
import { becauseOf } from './because.ts';
import { limitsOf } from './given-way.ts';
import type { Limit } from './given-way.ts';
import { allocationStrategies } from './index.ts';
import type { Claimant } from './lots.ts';
import { shareOut } from './share-out.ts';

export type Allotment = {
  /** The supply after placement: which nodes are used, which are ordered. */
  readonly supply: Supply;
  /** Whole replicas that have GPUs or will have, running ones included; absent for workloads whose nodes are somebody else's business. */
  readonly granted: ReadonlyMap<string, number>;
  /** What stood against the rest, by workload. */
  readonly blockedBy: ReadonlyMap<string, readonly string[]>;
  /** How the strategy came to the count, by workload that got less than it wants. */
  readonly because: ReadonlyMap<string, string>;
  /** Who may have no more than so much for now, because GPUs are given to a higher tier. */
  readonly limits: ReadonlyMap<string, Limit>;
};

/** Decides who gets GPUs in this pool. */
export function allot(input: PoolInput): Allotment {
  const leaving = leavingNodes(input);
  const limits = limitsOf(input);
  const claimants = input.workloads.flatMap((workload) => claimantOf(workload, { leaving, limits }) ?? []);
  const allotment = decide(input, claimants);
  const unseen = new Set(
    input.nodeGroups.filter((group) => group.observed.kind === 'missing').map((g) => g.policy.metadata.name),
  );
  const granted = new Map<string, number>();
  for (const { claim } of claimants) {
    const { workload, groups, podsPerReplica = 1 } = claim;
    // A group that cannot be seen may have room: unknown is no reason to refuse growth.
    const isUnlimited = limits.get(workload)?.isCut !== true && groups.some((group) => unseen.has(group));
    if (!isUnlimited) granted.set(workload, Math.floor((allotment.granted.get(workload) ?? 0) / podsPerReplica));
  }
  return {
    supply: allotment.supply,
    granted,
    blockedBy: limits.size === 0 ? allotment.blockedBy : withLimits(allotment.blockedBy, limits),
    because: allotment.because,
    limits,
  };
}

function withLimits(blockedBy: Allotment['blockedBy'], limits: Allotment['limits']): Allotment['blockedBy'] {
  const said = [...limits].map(([name, { because }]) => [name, [...(blockedBy.get(name) ?? []), because]] as const);
  return new Map([...blockedBy, ...said]);
}

function decide(input: PoolInput, claimants: readonly Claimant[]): Omit<Allotment, 'limits'> {
  const supply = supplyOf(input);
  const strategy = input.fleet.spec.allocation;
  const { granted, blockedBy, turns } = shareOut(supply, { strategy: allocationStrategies[strategy], claimants });
  const because = turns === null ? new Map<string, string>() : becauseOf(turns, { strategy, granted });
  return { supply, granted, blockedBy, because };
}

/**
 * Null: nothing to limit, because no node group is named or the GPUs of a replica are not known. Everything is counted in pods with GPUs: a replica of
 * several is a gang of them.
 */
function claimantOf(
  { policy, target, outcome }: PoolWorkload,
  { leaving, limits }: { readonly leaving: ReadonlySet<string>; readonly limits: Allotment['limits'] },
): Claimant | null {
  const shape = replicaShapeOf({ policy, target });
  const { gpusPerPod: gpus, gpuPods } = shape;
  const { nodeGroups: groups, nodeGroupChoice: choice, priority, replicas } = policy.spec;
  if (groups.length === 0 || total(gpus) === 0) return null;
  // What is not seen may not exist: no node is ordered for it, and what runs of it sits on its nodes anyway.
  if (target.kind === 'missing') return null;
  const workload = policy.metadata.name;
  const onNodes = heldPods(target, { shape, leaving });
  const limit = limits.get(workload);
  const most = limit?.replicas ?? Math.max(Math.floor(onNodes / gpuPods), replicas.min);
  const wanted = (limit === undefined ? outcome.wanted : Math.min(outcome.wanted, most)) * gpuPods;
  const held = Math.min(wanted, onNodes);
  const step = replicas.step * gpuPods;
  const whole = replicas.step === 1 ? brokenWholeAt(target, { shape, leaving }) : [];
  const gangs = { step, ...(whole.length === 0 ? {} : { whole }) };
  return {
    claim: {
      workload,
      wanted,
      held,
      floor: replicas.min * gpuPods,
      gpus,
      groups,
      ...gangs,
      ...(gpuPods === 1 ? {} : { podsPerReplica: gpuPods }),
      ...priority,
      load: (outcome.demand ?? outcome.wanted) * gpuPods,
      waitSec: waitSecOf(policy),
      leadTimeSec: leadTimeSecOf(outcome.control, { policySec: policy.spec.leadTimeSec }).p90,
    },
    placement: { workload, groups, gpus, replicas: wanted - held, choice, ...gangs, held },
  };
}
