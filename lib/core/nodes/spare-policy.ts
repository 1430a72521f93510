/** How many nodes stand by, as the policy says (`nodes.spare`); what is learned of it: spare.ts. */
import type { NodeGroupPolicy } from '../policy.ts';
import type { NodeSpare } from '../types.ts';

export type SparePolicy = { readonly isAuto: boolean; readonly start: number; readonly max: number };

/** What the policy says of spare nodes; null: nothing. */
export function sparePolicyOf({ spec }: NodeGroupPolicy): SparePolicy | null {
  const { spare, max } = spec.nodes;
  if (spare === undefined) return null;
  if (typeof spare === 'number') return { isAuto: false, start: spare, max: spare };
  if (spare === 'auto') return { isAuto: true, start: 0, max };
  return { isAuto: true, start: Math.min(spare.start, spare.max ?? max, max), max: Math.min(spare.max ?? max, max) };
}

/** One more than is needed of a spot group in use, so that an interruption does not show. Source: SpotHedge overprovisions by one or two. */
const SPOT_SPARE_NODES = 1;

/** How many shall stand by of a group in use: as the policy says, or as learned, which of a spot group is at least one. `spare`: what was learned. */
export function spareWanted(group: NodeGroupPolicy, spare: NodeSpare | undefined): number {
  const policy = sparePolicyOf(group);
  const spot = group.spec.shape.market === 'spot' ? SPOT_SPARE_NODES : 0;
  if (policy === null) return spot;
  return policy.isAuto ? Math.max(Math.min(spot, policy.max), spare?.nodes ?? policy.start) : policy.start;
}
