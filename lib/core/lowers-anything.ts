/** Whether a plan takes anything away from what was observed. */
import type { Plan, PlannedNodeGroup, PlannedTarget } from './types.ts';

/** Replicas, nodes, the floor of a group or placeholder pods, of what Penstock may write (mode `act`). Pure. */
export function lowersAnything({ targets, nodeGroups }: Plan): boolean {
  return Object.values(targets).some(lowersTarget) || Object.values(nodeGroups).some(lowersGroup);
}

function lowersTarget({ mode, replicas, observed }: PlannedTarget): boolean {
  return mode === 'act' && observed !== null && replicas < observed.replicas;
}

/** Nodes that are too many and of which none is free to go are no decrease. */
function lowersGroup({ mode, observed, ...group }: PlannedNodeGroup): boolean {
  if (mode !== 'act' || observed === null) return false;
  if (group.ownership === 'buffer') return (group.placeholders ?? 0) < (observed.placeholders ?? 0);
  if (group.ownership === 'floor') return group.nodes < observed.min;
  return group.victims.length > 0 || (group.ghosts?.length ?? 0) > 0 || (group.undelivered ?? 0) > 0;
}
