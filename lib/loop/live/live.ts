/** What the live page is told: the fleet with one page of its workloads, their courses, and one explanation. Every answer is bounded, and read at most once a second. */
import { NotFoundError } from '../../base/errors.ts';
import type { ScalingDecision } from '../../core/types.ts';
import { findDecisions, whyNotOf } from '../explain.ts';
import { explanationOf } from '../explanation.ts';
import { readStored } from '../stored-control.ts';
import { workloadStatus } from '../status.ts';
import type { StatusDeps } from '../status.ts';
import { choose } from './choose.ts';
import type { Choice } from './choose.ts';
import { readFleet } from './facts.ts';
import type { Fleet, FleetRow } from './facts.ts';
import { brief, headOf, told } from './head.ts';
import { courses, pointOf } from './history.ts';
import type { CoursePoint } from './history.ts';
import type { LiveExplanation, LiveRow, LiveView } from './types.ts';
import { recentDecisions } from './recent.ts';

/** Looks within this time are one [ms]: ten people who look cost no more than one, and half of what a page polls. */
const FRESH_MS = 1_000;

/** Recorded decisions told with an explanation. */
const TOLD_MAX = 10;
/** Readings told in a row. */
const INPUTS_MAX = 3;
/** Trail steps told with an explanation: there are a dozen rules. */
const STEPS_MAX = 40;

export type Live = {
  /** All of these throw TransientError when the store cannot be reached. */
  view(choice: Choice): Promise<LiveView>;
  /** Courses of the workloads that `view` shows for the same choice, by workload. */
  history(choice: Choice): Promise<Readonly<Record<string, readonly CoursePoint[]>>>;
  /** Of a workload's newest decision, or of a decision by its id. Throws NotFoundError. */
  explain(subject: string): Promise<LiveExplanation>;
};

/** One look at the fleet, and the rows that somebody asked for since. */
type Look = {
  readonly fleet: Fleet;
  readonly decisions: readonly ScalingDecision[];
  readonly detailed: Map<string, Promise<LiveRow | undefined>>;
};

/** `staleAfterMs`: when the host's evaluations are overdue. */
export function makeLive(options: { readonly deps: () => Promise<StatusDeps>; readonly staleAfterMs: number }): Live {
  const { deps } = options;
  const ledger = async (): Promise<StatusDeps['state']['ledger']> => (await deps()).state.ledger;
  const past = courses(ledger);
  const recent = recentDecisions(ledger);
  const look = sharedLook(deps, async (from): Promise<Look> => {
    const fleet = await readFleet(from);
    const decisions = await recent.after(fleet.rows, from.clock.nowMs());
    return { fleet, decisions, detailed: new Map<string, Promise<LiveRow | undefined>>() };
  });
  const rowsOf = async (looked: Look, rows: readonly FleetRow[]): Promise<LiveRow[]> => {
    const from = await deps();
    const all = rows.map((row) => {
      const known = looked.detailed.get(row.workload) ?? detailed(from, { fleet: looked.fleet, row });
      looked.detailed.set(row.workload, known);
      return known;
    });
    return (await Promise.all(all)).filter((row) => row !== undefined);
  };

  return {
    view: async (choice) => {
      const looked = await look();
      const { rows, ...chosen } = choose(looked.fleet.rows, choice);
      const workloads = await rowsOf(looked, rows);
      const head = headOf(looked.fleet, options.staleAfterMs);
      return { ...head, decisions: looked.decisions.map(told), ...chosen, workloads };
    },
    history: async (choice) => {
      const looked = await look();
      const rows = await rowsOf(looked, choose(looked.fleet.rows, choice).rows);
      const all = await Promise.all(
        rows.map(async ({ workload, recorded }) => [workload, await past.of(workload, recorded)] as const),
      );
      return Object.fromEntries(all);
    },
    explain: async (subject) => explained(await deps(), { subject, past }),
  };
}

/** `read` at most once in {@link FRESH_MS}, and never twice at a time. What failed is tried again at the next call. */
function sharedLook<T>(deps: () => Promise<StatusDeps>, read: (deps: StatusDeps) => Promise<T>): () => Promise<T> {
  let last: { readonly atMs: number; isOver: boolean; readonly result: Promise<T> } | undefined;
  return async () => {
    const from = await deps();
    const nowMs = from.clock.monotonicMs();
    if (last !== undefined && (!last.isOver || nowMs - last.atMs < FRESH_MS)) return last.result;
    const mine = { atMs: nowMs, isOver: false, result: read(from) };
    last = mine;
    mine.result
      .catch(() => {
        last = undefined;
      })
      .finally(() => {
        mine.isOver = true;
      });
    return mine.result;
  };
}

/** What only the document of the workload itself tells; undefined when its policy went away. */
async function detailed(
  deps: StatusDeps,
  { fleet, row }: { readonly fleet: Fleet; readonly row: FleetRow },
): Promise<LiveRow | undefined> {
  const policy = fleet.policies.workloads.get(row.workload);
  if (policy === undefined) return undefined;
  const stored = (await deps.state.control.read(row.workload))?.value;
  const { min, max, because, decision, decidedAtMs, inputs } = workloadStatus(policy, { stored, record: undefined });
  const { control, latest } = readStored(stored);
  return {
    ...row,
    unseen: row.unseen === null ? null : brief(row.unseen),
    min,
    max,
    because: because === null ? null : brief(because),
    decision,
    decidedAtMs,
    inputs: inputs.slice(0, INPUTS_MAX).map(({ signal, value }) => ({ signal, value })),
    point: latest === null ? null : pointOf(latest),
    recorded: control?.lastRecorded?.id ?? null,
  };
}

async function explained(
  deps: StatusDeps,
  { subject, past }: { readonly subject: string; readonly past: ReturnType<typeof courses> },
): Promise<LiveExplanation> {
  const [decision] = await findDecisions(deps, subject, 1);
  if (decision === undefined)
    throw new NotFoundError(`Cannot explain "${subject}": expected a workload or a decision id`);
  const { workload } = decision;
  const [why, recorded, course] = await Promise.all([
    whyNotOf(deps, decision),
    deps.state.ledger.latest(workload, TOLD_MAX),
    past.of(workload, null),
  ]);
  const newest = pointOf(decision);
  return {
    ...explanationOf(decision, why, { foldedHint: 'all steps below' }),
    workload,
    decision: decision.id,
    atMs: decision.atMs,
    steps: decision.trail.slice(0, STEPS_MAX),
    // The newest decision is not recorded when it changed nothing.
    course: newest.atMs > (course.at(-1)?.atMs ?? 0) ? [...course, newest] : course,
    decisions: recorded.map(told),
  };
}
