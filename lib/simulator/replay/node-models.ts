/** Who brings the nodes of a replay: nobody (a lead time is all there is), or each policy's own node autoscaler. */
import { nodeReaction } from '../baselines/node-autoscalers/index.ts';
import type { NodeReactionKind } from '../baselines/node-autoscalers/index.ts';
import type { NodeReaction } from '../baselines/node-autoscalers/contract.ts';
import type { NodeModel } from '../plant/contract.ts';

/** `none`: a replica's machine is asked for with it and ends with it, for everybody. */
export type PeerNodes = 'none' | NodeReactionKind;

export const PEER_NODES = ['none', 'cluster-autoscaler', 'karpenter'] as const satisfies readonly PeerNodes[];

/** Weights and engine on a node that is there and has the image [s]: the warm preset. */
export const WARM_START_SEC = 82;

/** What the default NodeGroupPolicy says: `scaleDown.idleSec` and `scaleDown.parallel`. */
export const PENSTOCK_IDLE_SEC = 300;
export const PENSTOCK_PARALLEL = 2;
/** Until a node that is let go has left the cluster, and the next ones may go. Assumed. */
const NODE_GONE_SEC = 60;

type NodeOptions = {
  readonly peerNodes: PeerNodes;
  readonly leadTimeSec: number;
  readonly warmStartSec: number;
  readonly seed: number;
};

/** Penstock's nodes: asked for in the pass that decides the replicas. Empty ones stay as long as its default policy says. */
function penstockNodes(): NodeReaction {
  return {
    source: 'lib/core/nodes, defaults of NodeGroupPolicy',
    settings: {
      ask: 'In the same evaluation as the replicas: no delay.',
      idleSec: `${PENSTOCK_IDLE_SEC} s empty (default of scaleDown.idleSec).`,
      parallel: `${PENSTOCK_PARALLEL} nodes at once, ${NODE_GONE_SEC} s each until they are gone (assumed).`,
    },
    upDelayMs: () => 0,
    emptyNodeLifetimeMs: ({ emptyBeforeCount }) =>
      (PENSTOCK_IDLE_SEC + Math.floor(emptyBeforeCount / PENSTOCK_PARALLEL) * NODE_GONE_SEC) * 1000,
  };
}

function reactionOf(who: 'penstock' | 'peer', options: NodeOptions): NodeReaction | null {
  const { peerNodes, seed } = options;
  if (peerNodes === 'none') return null;
  return who === 'penstock' ? penstockNodes() : nodeReaction(peerNodes, { seed });
}

/** Nodes of a policy's plant; null with `none`. */
export function nodeModelOf(who: 'penstock' | 'peer', options: NodeOptions): NodeModel | null {
  const reaction = reactionOf(who, options);
  if (reaction === null) return null;
  const { leadTimeSec, warmStartSec } = options;
  return { reaction, warmStartRatio: leadTimeSec > 0 ? Math.min(1, warmStartSec / leadTimeSec) : 1 };
}

/** What was added to a policy's start-up and to its bill, for the report; nothing with `none`. */
export function nodeSettings(who: 'penstock' | 'peer', options: NodeOptions): Record<string, string> {
  const reaction = reactionOf(who, options);
  if (reaction === null) return {};
  const added =
    who === 'penstock' ? 'nothing before the lead time' : `the delay of ${options.peerNodes} before the lead time`;
  return {
    nodes: `Added: ${added}; empty nodes are paid for until they go, and a replica on one needs ${options.warmStartSec} s of the ${options.leadTimeSec} s.`,
    ...Object.fromEntries(Object.entries(reaction.settings).map(([key, value]) => [`nodes.${key}`, value])),
    'nodes.source': reaction.source,
  };
}
