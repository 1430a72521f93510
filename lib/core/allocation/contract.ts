/**
 * To add an allocation strategy (say, by expected violations):
 * 1. implement {@link AllocationStrategy} in a file of its own,
 * 2. name it in `index.ts` and in `fleetSchema.spec.allocation` of `lib/core/policy.ts`,
 * 3. run `test/core/allocation.test.ts`, whose laws hold for every strategy.
 */

/** What one workload asks of the GPUs when there are too few. */
export type AllocationClaim = {
  readonly workload: string;
  /** Wanted replicas: never given more. */
  readonly wanted: number;
  /** Replicas that run already and are still wanted: never taken away. */
  readonly held: number;
  /** Replicas that come before anybody's growth (the policy's minimum). */
  readonly floor: number;
  /** GPUs of one replica, all resource names together, above 0. */
  readonly gpusPerReplica: number;
  /** 1 is served first. */
  readonly tier: number;
  readonly weight: number;
  /** Work to be served, in replica-equivalents. */
  readonly load: number;
};

/** Replicas by workload: whole numbers between held and wanted, using at most `capacityGpus` [GPUs] (what is held may exceed it). Pure. */
export type AllocationStrategy = (
  claims: readonly AllocationClaim[],
  capacityGpus: number,
) => ReadonlyMap<string, number>;
