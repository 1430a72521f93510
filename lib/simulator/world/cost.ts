/** What the fleet has cost so far. */
import type { NodeGroupRecord } from './state/records.ts';
import type { WorldState } from './state/state.ts';

export type Cost = { readonly gpuHours: number; readonly instanceHours: number; readonly usd: number };
export type FleetCost = Cost & { readonly byGroup: ReadonlyMap<string, Cost> };

const MS_PER_HOUR = 3_600_000;

/** GPU-hours, instance-hours and USD from the start of the world to now. An instance costs from its launch to its
 *  stop, not from readiness, and nothing while it waits stopped in a warm pool; a stopped one at least the shortest billed time. */
export function costOf(state: WorldState): FleetCost {
  const byGroup = new Map<string, Cost>();
  const total = { gpuHours: 0, instanceHours: 0, usd: 0 };
  for (const group of state.groups.values()) {
    const cost = costOfGroup(group, state.nowMs);
    byGroup.set(group.name, cost);
    total.gpuHours += cost.gpuHours;
    total.instanceHours += cost.instanceHours;
    total.usd += cost.usd;
  }
  return { ...total, byGroup };
}

function costOfGroup(group: NodeGroupRecord, nowMs: number): Cost {
  let instanceMs = group.stoppedInstanceMs;
  let gpuMs = group.stoppedGpuMs;
  for (const instance of group.instances.values()) {
    if (instance.runningSinceMs === undefined) continue;
    instanceMs += nowMs - instance.runningSinceMs;
    gpuMs += (nowMs - instance.runningSinceMs) * group.gpusPerNode;
  }
  const instanceHours = instanceMs / MS_PER_HOUR;
  return { gpuHours: gpuMs / MS_PER_HOUR, instanceHours, usd: instanceHours * group.usdPerHour };
}
