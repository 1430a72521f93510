/** The course of a workload as its recorded decisions tell it: wanted and ready replicas, and the load in replicas. */
import type { ScalingDecision } from '../../core/types.ts';
import type { DecisionLedger } from '../../state/contract.ts';

/** Recorded decisions of one course: about 100 KB to read once. Together with the newest decision it spans minutes of a busy workload, days of a quiet one. */
const COURSE_LENGTH_MAX = 48;

/** Courses kept in this process: some pages of a list, 4 KB each. */
const KEPT_MAX = 1_000;

export type CoursePoint = {
  readonly atMs: number;
  readonly wanted: number;
  readonly ready: number | null;
  /** The demand that was measured then, in replicas; null when there was none to tell. */
  readonly load: number | null;
};

export type Courses = {
  /** Oldest first. `recorded` names the newest recorded decision as far as is known: while it is the same nothing is read. Throws TransientError. */
  of(workload: string, recorded: string | null): Promise<readonly CoursePoint[]>;
};

/** Courses from `ledger`, kept until there is a newer decision. */
export function courses(ledger: () => Promise<DecisionLedger>): Courses {
  const kept = new Map<string, { readonly recorded: string | null; readonly points: readonly CoursePoint[] }>();
  return {
    of: async (workload, recorded) => {
      const known = kept.get(workload);
      if (known !== undefined && recorded !== null && known.recorded === recorded) return known.points;
      const decisions = await (await ledger()).latest(workload, COURSE_LENGTH_MAX);
      const points = decisions.map(pointOf).toReversed();
      kept.delete(workload);
      kept.set(workload, { recorded: decisions[0]?.id ?? null, points });
      const [oldest] = kept.keys();
      if (kept.size > KEPT_MAX && oldest !== undefined) kept.delete(oldest);
      return points;
    },
  };
}

/** What a decision adds to the course of its workload. */
export function pointOf({ atMs, replicas, trail }: ScalingDecision): CoursePoint {
  const demand = trail.find(({ rule, unit }) => rule === 'demand' && unit === 'replicas');
  return { atMs, wanted: replicas.wanted, ready: replicas.ready, load: demand?.to ?? null };
}
