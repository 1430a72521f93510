/** What the steps of an actuation work with: the job, the newest plan, the policy in force, and the record. */
import type { ActionJob } from '../../action-queue/contract.ts';
import type { NodeGroupPolicy, ScalingPolicy } from '../../core/policy.ts';
import type { Plan, PlannedNodeGroup, PlannedTarget } from '../../core/types.ts';
import type { NodeProvisioner } from '../../node-provisioners/contract.ts';
import type { ActuateDeps } from '../deps.ts';
import type { ActuationStep } from './step.ts';

export type TargetJob = ActionJob & { readonly kind: 'target' };

export type NodeGroupJob = ActionJob & { readonly kind: 'nodeGroup' };

/** One target. */
export type TargetContext = {
  readonly deps: ActuateDeps;
  readonly job: TargetJob;
  readonly plan: Plan;
  readonly planned: PlannedTarget;
  readonly policy: ScalingPolicy;
  readonly step: ActuationStep;
};

/** One node group. */
export type GroupContext = {
  readonly deps: ActuateDeps;
  readonly job: NodeGroupJob;
  readonly plan: Plan;
  readonly planned: PlannedNodeGroup;
  readonly policy: NodeGroupPolicy;
  readonly provisioner: NodeProvisioner;
  readonly step: ActuationStep;
};
