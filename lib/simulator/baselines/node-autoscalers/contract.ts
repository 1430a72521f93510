/** How the node autoscalers of the peers react to pending pods and empty nodes; added to a peer's lead time where its pods need nodes. */

/** A pod that found no node, at the time the scheduler said so, and those that are or were pending around it; all times in ms. */
export type PendingPod = { readonly pendingSinceMs: number; readonly othersPendingSinceMs?: readonly number[] };

/** A node whose last pod is gone; all times in ms. */
export type EmptyNode = {
  readonly emptySinceMs: number;
  /** Last time any node was asked for in the cluster; null: never. */
  readonly lastScaleUpMs: number | null;
  /** Nodes in its pool, itself included. */
  readonly nodeCount: number;
  /** Nodes that were empty before it and are still there. */
  readonly emptyBeforeCount: number;
};

export type NodeReaction = {
  readonly source: string;
  /** In a sentence each: what is assumed and why. */
  readonly settings: Readonly<Record<string, string>>;
  /** From a GPU pod's being unschedulable to its node's being asked for [ms]. What a cloud then takes is not in it. */
  upDelayMs(pod: PendingPod): number;
  /** From a node's running empty to its removal's being asked for [ms]: paid for, and free for the next pod. */
  emptyNodeLifetimeMs(node: EmptyNode): number;
};

export type NodeReactionOptions = {
  /** Chooses the phase of the loops. */
  readonly seed: number;
  /** Karpenter's `consolidateAfter` [ms]; default 0, as its API's. */
  readonly consolidateAfterMs?: number;
};
