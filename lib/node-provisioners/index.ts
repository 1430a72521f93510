/** The node provisioners there are, by the `provider.kind` of a policy. A Karpenter node pool has none: nothing of it is written. */
import type { ProviderKind } from '../core/policy.ts';
import type { NodeProvisioner } from './contract.ts';
import { autoScalingGroup } from './auto-scaling-group.ts';
import { eksNodeGroup } from './eks-node-group.ts';

export { kubernetesDrainer } from './kubernetes-drainer.ts';

export const nodeProvisioners = {
  eksNodeGroup,
  autoScalingGroup,
} satisfies Record<Exclude<ProviderKind, 'karpenterNodePool'>, (...args: never[]) => NodeProvisioner>;
