/** A cluster view of observations that somebody put there: for tests and the simulator. */
import type { Clock } from '../base/clock.ts';
import { TransientError } from '../base/errors.ts';
import type { NodeGroupObservation, TargetObservation } from '../core/types.ts';
import type { ClusterView } from './contract.ts';

export type MemoryClusterView = ClusterView & {
  /** By workload id. */
  readonly targets: Map<string, TargetObservation>;
  /** By node group policy name. */
  readonly nodeGroups: Map<string, NodeGroupObservation>;
  /** Nothing can be observed while this is true. */
  unreachable: boolean;
};

/** Starts empty: what was not put there is missing. */
export function memoryClusterView(options: { readonly clock: Clock }): MemoryClusterView {
  const missing = { kind: 'missing', reason: 'nobody put it there' } as const;
  const view: MemoryClusterView = {
    targets: new Map(),
    nodeGroups: new Map(),
    unreachable: false,
    observe: async ({ workloads, nodeGroups }) => {
      const workloadNames = workloads.map((policy) => policy.metadata.name);
      const groupNames = nodeGroups.map((policy) => policy.metadata.name);
      const asked = workloadNames.length + groupNames.length;
      const known =
        workloadNames.some((name) => view.targets.get(name)?.kind === 'observed') ||
        groupNames.some((name) => view.nodeGroups.get(name)?.kind === 'observed');
      if (asked > 0 && (view.unreachable || !known)) {
        throw new TransientError('Cannot observe the cluster: expected anything, current value is nothing');
      }
      return {
        atMs: options.clock.nowMs(),
        targets: Object.fromEntries(workloadNames.map((name) => [name, view.targets.get(name) ?? missing])),
        nodeGroups: Object.fromEntries(groupNames.map((name) => [name, view.nodeGroups.get(name) ?? missing])),
      };
    },
    close: async () => {},
  };
  return view;
}
