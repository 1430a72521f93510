/** The answers that the live page gets, as JSON. Every list and text in them is bounded. */
import type { NodeTrouble } from '../../core/nodes/trouble.ts';
import type { ScalingDecision } from '../../core/types.ts';
import type { Explanation } from '../explanation.ts';
import type { WorkloadStatus } from '../status.ts';
import type { Chosen } from './choose.ts';
import type { FleetRow, GroupRow } from './facts.ts';
import type { CoursePoint } from './history.ts';

export type LiveRow = FleetRow &
  Pick<WorkloadStatus, 'min' | 'max' | 'because' | 'decision' | 'decidedAtMs'> & {
    readonly inputs: readonly { readonly signal: string; readonly value: number | null }[];
    /** The newest point of its course, recorded or not. */
    readonly point: CoursePoint | null;
    /** The newest recorded decision: another one means that the course is longer. */
    readonly recorded: string | null;
  };

export type LiveGroup = Pick<
  GroupRow,
  | 'nodeGroup'
  | 'mode'
  | 'ownership'
  | 'current'
  | 'ready'
  | 'wanted'
  | 'max'
  | 'shortage'
  | 'backoffUntilMs'
  | 'paused'
  | 'usdPerHourEach'
> & {
  readonly draining: readonly string[];
  readonly drainingCount: number;
  /** The state that the shortage is, by name. */
  readonly trouble: NodeTrouble | null;
  readonly doing: string | null;
};

export type LiveDecision = {
  readonly id: string;
  readonly workload: string;
  readonly atMs: number;
  readonly from: number | null;
  readonly to: number;
  readonly mode: string;
  readonly because: string;
};

export type LiveView = {
  readonly decidedAtMs: number | null;
  readonly observedAtMs: number | null;
  /** Changes of the cluster since then may be missing. */
  readonly provenAtMs: number | null;
  /** Older than this is stale [ms]. */
  readonly staleAfterMs: number;
  readonly policyVersion: string;
  readonly totals: {
    readonly workloads: number;
    /** Ready of those observed, and wanted by the plan, whoever brings them. */
    readonly replicas: { readonly ready: number; readonly wanted: number; readonly missing: number };
    /** Workloads that were not observed. */
    readonly unseen: number;
    readonly nodes: { readonly ready: number; readonly wanted: number };
    /** List price of the nodes there are and of those wanted; null when no price is known. */
    readonly usdPerHour: { readonly now: number; readonly wanted: number } | null;
    readonly modes: Readonly<Record<string, number>>;
  };
  readonly outbox: number;
  readonly jobs: number;
  readonly pauses: readonly {
    readonly kind: string;
    readonly name: string;
    readonly by: string;
    readonly reason: string;
    readonly atMs: number;
  }[];
  readonly pauseCount: number;
  readonly alerts: readonly {
    readonly key: string;
    readonly severity: string;
    readonly title: string;
    readonly detail: string;
    readonly sinceMs: number;
    readonly doc: string;
    readonly workloads: readonly string[];
  }[];
  readonly alertCount: number;
  readonly nodeGroups: readonly LiveGroup[];
  readonly nodeGroupCount: number;
  readonly decisions: readonly LiveDecision[];
  readonly counts: Chosen['counts'];
  readonly page: number;
  readonly pages: number;
  readonly workloads: readonly LiveRow[];
};

export type LiveExplanation = Explanation & {
  readonly workload: string;
  readonly decision: string;
  readonly atMs: number;
  /** Every step, unfolded. */
  readonly steps: ScalingDecision['trail'];
  readonly course: readonly CoursePoint[];
  /** The last recorded ones, newest first. */
  readonly decisions: readonly LiveDecision[];
};
