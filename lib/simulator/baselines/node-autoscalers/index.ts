/** The node autoscalers whose reaction can be added to a peer's. */
import { clusterAutoscaler } from './cluster-autoscaler.ts';
import { karpenter } from './karpenter.ts';
import type { NodeReaction, NodeReactionOptions } from './contract.ts';

/** The node autoscalers by name. */
export const NODE_REACTIONS = { 'cluster-autoscaler': clusterAutoscaler, karpenter } satisfies Readonly<
  Record<string, (options: NodeReactionOptions) => NodeReaction>
>;

export type NodeReactionKind = keyof typeof NODE_REACTIONS;

/** The reaction of a node autoscaler with its documented defaults. */
export function nodeReaction(kind: NodeReactionKind, options: NodeReactionOptions): NodeReaction {
  return NODE_REACTIONS[kind](options);
}
