/** The node provisioners there are, by the `provider.kind` of a policy. */
import type { NodeGroupPolicy } from '../core/policy.ts';
import type { NodeProvisioner } from './contract.ts';
import { eksNodeGroup } from './eks-node-group.ts';

export { kubernetesDrainer } from './kubernetes-drainer.ts';

export const nodeProvisioners = {
  eksNodeGroup,
} satisfies Record<NodeGroupPolicy['spec']['provider']['kind'], (...args: never[]) => NodeProvisioner>;
