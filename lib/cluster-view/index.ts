/** The cluster views there are, by name. */
import type { ClusterView } from './contract.ts';
import { kubernetesEksView } from './kubernetes-eks.ts';
import { kubernetesWatchedView } from './kubernetes-watched.ts';
import { marathonView } from './marathon.ts';
import { memoryClusterView } from './memory.ts';
import { swarmView } from './swarm.ts';

export { clusterViewByKind } from './by-kind.ts';

export const clusterViews = {
  kubernetesEks: kubernetesEksView,
  kubernetesWatched: kubernetesWatchedView,
  swarm: swarmView,
  marathon: marathonView,
  memory: memoryClusterView,
} satisfies Record<string, (...args: never[]) => ClusterView>;
