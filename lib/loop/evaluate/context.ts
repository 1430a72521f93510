/** What the parts of an evaluation are told: the request, and the pool it is at. */
import type { EvaluationKind } from '../../core/decide-types.ts';
import type { PolicySet } from '../../core/policy.ts';
import type { Snapshot } from '../../core/types.ts';
import type { EvaluateDeps } from '../deps.ts';
import type { PlanMemory } from '../plan-memory.ts';

export type EvaluateRequest = {
  readonly kind: EvaluationKind;
  /** Only the pools of these; all pools when left out. A leading evaluation decides only these, a full one everything in their pools. */
  readonly workloads?: readonly string[];
  /** Broker's time of the event that touched a workload [epoch ms]. */
  readonly triggers?: ReadonlyMap<string, number>;
};

/** One pool on its way through the stage. */
export type PoolContext = {
  readonly deps: EvaluateDeps;
  readonly snapshots: Snapshots;
  readonly memory: PlanMemory;
  readonly policies: PolicySet;
  readonly pool: string;
  readonly request: EvaluateRequest;
};

export type Snapshots = {
  /** Full: observed afresh (what cannot be observed is missing, with the reason); no description of a node group older than `groupsMsMax` [ms]. Leading: the last one known, or undefined. */
  get(context: PoolContext, of?: { readonly groupsMsMax?: number }): Promise<Snapshot | undefined>;
};
