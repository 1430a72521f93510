/**
 * To add a cluster view (say, of Nomad):
 * 1. implement {@link ClusterView} in a file of its own,
 * 2. name it in `index.ts`, and in `lib/hosts/orchestrators.ts` by the kinds of target it knows,
 * 3. run `test/conformance/cluster-view.ts` against it.
 */
import type { NodeGroupPolicy, ScalingPolicy } from '../core/policy.ts';
import type { Snapshot } from '../core/types.ts';

export type ClusterView = {
  /**
   * Observes the targets and node groups of these policies afresh. What cannot be observed is `missing` with a reason and spoils nothing else.
   * A partial list is never taken for a whole one. Throws TransientError when nothing at all could be observed. Descriptions of quiet node groups may be older than the rest
   * (`groupsAsOfMs`), unless they are asked to be no older than `groupsMsMax` [ms]: for whoever is about to lower something.
   */
  observe(of: {
    readonly workloads: readonly ScalingPolicy[];
    readonly nodeGroups: readonly NodeGroupPolicy[];
    readonly groupsMsMax?: number;
  }): Promise<Snapshot>;
  close(): Promise<void>;
};
