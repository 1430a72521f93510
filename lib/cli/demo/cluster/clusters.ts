/** The clusters that the demo can run on. */
import type { ClusterKind } from './cluster.ts';
import { realCluster } from './real-cluster.ts';
import { simulatedCluster } from './simulated-cluster.ts';

export const CLUSTERS = { simulated: simulatedCluster, real: realCluster } satisfies Record<string, ClusterKind>;
export type ClusterName = keyof typeof CLUSTERS;
