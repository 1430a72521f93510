/** Nodes that are there and carry no replica: paid for until they are removed, and free for the next replica. */
import type { NodeReaction } from '../../baselines/node-autoscalers/contract.ts';

export type NodePool = {
  /** A node for a replica that is created now: the one that has been empty for the shortest time. Undefined: a new one has to be asked for. */
  take(nowMs: number): { readonly paidFromMs: number; readonly upMs: number } | undefined;
  /** A node has lost its replica. It is (or will be) launched at `launchMs` and Ready at `upMs`; `nodeCount`: nodes of the fleet, itself included. */
  leave(node: { readonly launchMs: number; readonly upMs: number }, at: { nowMs: number; nodeCount: number }): void;
  /** Removes those whose time has come. `lastAskedMs`: last time up to now that a node was asked for; null: never. */
  advanceTo(nowMs: number, lastAskedMs: number | null): void;
  readonly count: number;
  /** Time that nodes were empty, up to now, as counted by `scoredMs` [ms]. */
  emptyMs(nowMs: number): number;
};

type Empty = {
  readonly upMs: number;
  readonly paidFromMs: number;
  readonly emptySinceMs: number;
  readonly nodeCount: number;
  readonly emptyBeforeCount: number;
};

/** An empty pool. `scoredMs`: what counts of a time from … to … [ms]. */
export function createNodePool(reaction: NodeReaction, scoredMs: (fromMs: number, toMs: number) => number): NodePool {
  let empty: Empty[] = [];
  let sumMs = 0;
  let askedMs: number | null = null;
  const removedMs = (node: Empty): number =>
    node.emptySinceMs + reaction.emptyNodeLifetimeMs({ ...node, lastScaleUpMs: askedMs });

  return {
    take: (nowMs) => {
      const node = empty.pop();
      if (node !== undefined) sumMs += scoredMs(node.paidFromMs, nowMs);
      return node;
    },
    leave: ({ launchMs, upMs }, { nowMs, nodeCount }) => {
      // A node that is still booting is empty from the moment it is up, and paid for before.
      const emptySinceMs = Math.max(nowMs, upMs);
      empty.push({
        upMs,
        paidFromMs: Math.max(nowMs, launchMs),
        emptySinceMs,
        nodeCount,
        emptyBeforeCount: empty.length,
      });
      empty.sort((one, other) => one.emptySinceMs - other.emptySinceMs);
    },
    advanceTo: (nowMs, lastAskedMs) => {
      askedMs = lastAskedMs;
      if (empty.length === 0) return;
      empty = empty.filter((node) => {
        const endMs = removedMs(node);
        if (endMs > nowMs) return true;
        sumMs += scoredMs(node.paidFromMs, endMs);
        return false;
      });
    },
    get count() {
      return empty.length;
    },
    emptyMs: (nowMs) =>
      empty.reduce((sum, node) => sum + scoredMs(node.paidFromMs, Math.min(nowMs, removedMs(node))), sumMs),
  };
}
