/** The figures of a plant from its parts. */
import type { PlantTotals, ReplicaClass } from './contract.ts';
import type { FleetTotals } from './fleet/fleet.ts';

/** GPU time and cost of the class's replicas, beside the counts. */
export function plantTotals(
  replicaClass: ReplicaClass,
  parts: {
    readonly fleet: FleetTotals;
    readonly waits: Pick<PlantTotals, 'requestCount' | 'sloMissCount' | 'waitSec'>;
    readonly latencies?: Pick<PlantTotals, 'ttftMs' | 'interTokenMs'>;
  },
): PlantTotals {
  const { replicaSec, ...counts } = parts.fleet;
  const replicaHours = replicaSec / 3600;
  return {
    ...parts.waits,
    ...counts,
    ...parts.latencies,
    gpuHours: replicaHours * replicaClass.gpusPerReplica,
    costUsd: replicaHours * replicaClass.usdPerHour,
  };
}
