/** What AWS says of a group of instances, whoever manages it. */
import type { NodeGroupIssue } from '../../core/types.ts';

export type GroupState = {
  readonly min: number;
  readonly max: number;
  readonly desired: number;
  readonly status: 'active' | 'updating' | 'degraded' | 'creating' | 'deleting' | 'failed';
  readonly issues: readonly NodeGroupIssue[];
  /** Names of the Auto Scaling groups behind it. */
  readonly scalingGroups: readonly string[];
  /** Instances of the group; absent where nodes are told by their labels alone. */
  readonly instanceIds?: readonly string[];
  /** Instances that wait in a warm pool: the next launches take these, and start sooner. Absent: there is no pool, or it may not be seen. */
  readonly warmInstances?: number;
  /** Only where instances go back to the warm pool when the group shrinks: those in service or on their way there now. */
  readonly reusedIds?: readonly string[];
};
