/** The group a policy is about, in the words of its provider. */
import type { NodeGroupPolicy } from '../policy.ts';

/** Name of the node group, Auto Scaling group or node pool. */
export function groupNameOf({ spec: { provider } }: NodeGroupPolicy): string {
  if (provider.kind === 'eksNodeGroup') return provider.nodeGroup;
  return provider.kind === 'autoScalingGroup' ? provider.name : provider.nodePool;
}

/** Which group is meant, wherever it is: two policies must not mean the same. */
export function groupIdOf(policy: NodeGroupPolicy): string {
  const { provider } = policy.spec;
  if (provider.kind === 'eksNodeGroup') return `${provider.cluster}/${provider.nodeGroup}`;
  return `${provider.kind}/${groupNameOf(policy)}`;
}

/** The Deployment of placeholder pods (ownership `buffer`). */
export function bufferOf(policy: NodeGroupPolicy): { readonly namespace: string; readonly name: string } {
  const { namespace, name = `penstock-buffer-${policy.metadata.name}` } = policy.spec.buffer;
  return { namespace, name };
}
