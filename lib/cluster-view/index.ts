/** The cluster views there are, by name. */
import type { ClusterView } from './contract.ts';
import { kubernetesEksView } from './kubernetes-eks.ts';
import { memoryClusterView } from './memory.ts';

export const clusterViews = {
  kubernetesEks: kubernetesEksView,
  memory: memoryClusterView,
} satisfies Record<string, (...args: never[]) => ClusterView>;
