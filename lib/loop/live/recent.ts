/**
 * The last decisions of the whole fleet. They are recorded per workload, so the first look asks each workload for its newest; later ones ask only those whose
 * wanted count is another one since.
 */
import type { ScalingDecision } from '../../core/types.ts';
import type { DecisionLedger } from '../../state/contract.ts';
import type { FleetRow } from './facts.ts';

/** Decisions told. */
const RECENT_MAX = 20;
/** Workloads asked at the first look: more are not looked through, and theirs come in as they change. One small read each, once. */
const FIRST_LOOK_MAX = 2_000;
/** Workloads asked at one later look; what is left over is asked at the next. */
const LOOKS_MAX = 50;
/** After so long without a look the changes between are too many to follow: everybody is asked again [ms]. */
const GAP_MS_MAX = 60_000;

export type RecentDecisions = {
  /** Newest first, at most {@link RECENT_MAX}. Throws TransientError. */
  after(rows: readonly FleetRow[], nowMs: number): Promise<readonly ScalingDecision[]>;
};

export function recentDecisions(ledger: () => Promise<DecisionLedger>): RecentDecisions {
  let known: readonly ScalingDecision[] = [];
  let counts: Map<string, number | null> | undefined;
  let again: readonly string[] = [];
  let lookedMs = 0;

  const ask = async (names: readonly string[], count: number): Promise<void> => {
    const from = await ledger();
    const lists = await Promise.all(names.map((name) => from.latest(name, count)));
    known = newest([...known, ...lists.flat()]);
  };

  return {
    after: async (rows, nowMs) => {
      if (counts === undefined || nowMs - lookedMs > GAP_MS_MAX) {
        known = [];
        await ask(
          rows.slice(0, FIRST_LOOK_MAX).map(({ workload }) => workload),
          1,
        );
        // One that is among the last with its newest may be there with older ones, too.
        await ask([...new Set(known.map(({ workload }) => workload))], RECENT_MAX);
        counts = new Map(rows.map(({ workload, wanted }) => [workload, wanted]));
      } else {
        const before = counts;
        const changed = rows.filter(({ workload, wanted }) => before.get(workload) !== wanted).slice(0, LOOKS_MAX);
        const names = changed.map(({ workload }) => workload);
        // A plan is stored a moment before its decisions are recorded: who was asked last time is asked once more.
        await ask([...new Set([...names, ...again])], 3);
        again = names;
        for (const { workload, wanted } of changed) before.set(workload, wanted);
        const named = new Set(rows.map(({ workload }) => workload));
        for (const workload of before.keys()) if (!named.has(workload)) before.delete(workload);
        known = known.filter(({ workload }) => named.has(workload));
      }
      lookedMs = nowMs;
      return known;
    },
  };
}

function newest(decisions: readonly ScalingDecision[]): readonly ScalingDecision[] {
  const byId = new Map(decisions.map((decision) => [decision.id, decision]));
  return [...byId.values()].toSorted((a, b) => b.atMs - a.atMs || (a.id < b.id ? -1 : 1)).slice(0, RECENT_MAX);
}
