/**
 * To add an allocation strategy (say, by expected violations):
 * 1. implement {@link AllocationStrategy} in a file of its own,
 * 2. name it in `index.ts` and in `fleetSchema.spec.allocation` of `lib/core/policy.ts`, and describe it with a worked example in `docs/allocation.md`,
 * 3. run `test/core/allocation.test.ts`, whose laws hold for every strategy.
 */
import type { ScalingPolicy } from '../policy.ts';
import type { GpuCounts } from '../types.ts';

export type WorkKind = ScalingPolicy['spec']['priority']['kind'];

/** What one workload asks of the GPUs when there are too few. */
export type AllocationClaim = {
  readonly workload: string;
  /** Wanted replicas: never given more. */
  readonly wanted: number;
  /** Replicas that run already and are still wanted: never taken away. */
  readonly held: number;
  /** Replicas that come before anybody's growth (the policy's minimum). */
  readonly floor: number;
  /** GPUs of one replica by resource name, some above 0. */
  readonly gpus: GpuCounts;
  /** Node groups it may use, in order of preference. */
  readonly groups: readonly string[];
  /** Replicas that only make sense together (a gang): given whole or not at all. 1 when left out. */
  readonly step?: number;
  /** Counts at which the gangs that lost some are whole again one by one, ascending; a multiple of `step` at last. Absent: none did, or one. */
  readonly whole?: readonly number[];
  /** So many make what people call a replica: pods on nodes of their own. 1 when left out. */
  readonly podsPerReplica?: number;
  /** 1 is served first. */
  readonly tier: number;
  /** Above 0. */
  readonly weight: number;
  readonly kind: WorkKind;
  /** Work to be served, in replica-equivalents. */
  readonly load: number;
  /** Wait that the SLO allows [s]. */
  readonly waitSec: number;
  /** Time until a replica asked for now serves [s]. */
  readonly leadTimeSec: number;
};

/** GPUs of one node group, for the claims to share. */
export type CapacityPool = {
  readonly name: string;
  /** Free or on their way, by node: a replica does not span nodes. */
  readonly free: readonly GpuCounts[];
  /** GPUs of a node that could be ordered, and how many at most; absent: none. */
  readonly orderable?: { readonly shape: GpuCounts; readonly nodes: number };
  /** Orders one node: its GPUs, or null when it may not be ordered (any more). */
  readonly order?: () => GpuCounts | null;
};

/** Claims that are served together, each in proportion to its weight, up to what it wants. */
export type Turn = {
  /** As in "weight 2 of 3 in tier 1". */
  readonly name: string;
  /** The part of a claim in words, such as `weight 2 of 3`. */
  readonly describe: (part: number, sum: number) => string;
  /** Why the turn is shared out so; absent where the strategy's name says it. */
  readonly why?: string;
  readonly entries: readonly TurnEntry[];
};

export type TurnEntry = {
  readonly claim: AllocationClaim;
  /** Entitles to dominant share in proportion to it; 0 gets only what nobody else can use. */
  readonly weight: number;
  /** The weight as the trail shows it. */
  readonly part: number;
  /** Worth of so many replicas on top of `replicas`, per replica: decides between equal shares, larger first. Absent: all alike. */
  readonly gain?: (replicas: number, more: number) => number;
};

/**
 * Who is served when, and in what proportion: a turn gets everything it can use before the next one gets anything. Each claim is in exactly
 * one turn. `sizeOf` is the dominant share of one replica, above 0: the largest part it takes of all GPUs of one resource name. Pure.
 */
export type AllocationStrategy = (
  claims: readonly AllocationClaim[],
  sizeOf: (claim: AllocationClaim) => number,
) => readonly Turn[];
