/** Policies as people write them: strict schemas (`policy/`), every default with its reason. Loading from YAML with line numbers is in `lib/policy-source`. */
import type * as z from 'zod';
import type { fleetSchema } from './policy/fleet.ts';
import type { nodeGroupPolicySchema } from './policy/node-group.ts';
import type { secretRefSchema } from './policy/parts.ts';
import type { scalingPolicySchema } from './policy/workload.ts';

export { fleetSchema } from './policy/fleet.ts';
export { nodeGroupPolicySchema } from './policy/node-group.ts';
export { API_VERSION } from './policy/parts.ts';
export { PODS_PER_REPLICA_MAX, scalingPolicySchema } from './policy/workload.ts';

export type ScalingPolicy = z.infer<typeof scalingPolicySchema>;
export type NodeGroupPolicy = z.infer<typeof nodeGroupPolicySchema>;
export type FleetPolicy = z.infer<typeof fleetSchema>;
export type ProviderKind = NodeGroupPolicy['spec']['provider']['kind'];
export type SignalPolicy = ScalingPolicy['spec']['signals'][number];
export type AlertHookPolicy = FleetPolicy['spec']['alertHooks'][number];
export type SecretRef = z.infer<typeof secretRefSchema>;

/** All policies of an installation, cross-checked: names are unique, references exist. */
export type PolicySet = {
  readonly workloads: ReadonlyMap<string, ScalingPolicy>;
  readonly nodeGroups: ReadonlyMap<string, NodeGroupPolicy>;
  readonly fleet: FleetPolicy;
  /** Hash of the content: part of every decision id. */
  readonly version: string;
};

/** One problem of a policy file. */
export type PolicyProblem = {
  readonly file: string;
  readonly line: number | null;
  /** Such as `spec.replicas.max`. */
  readonly path: string;
  readonly expected: string;
  readonly current: string;
};
