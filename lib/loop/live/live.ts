/** What the live page is told: the fleet with one page of its workloads, their courses, and one explanation. Every answer is bounded, and read at most once a second. */
import { NotFoundError } from '../../base/errors.ts';
import { evaluationAfter, findDecisions } from '../explain.ts';
import { explanationOf } from '../explanation.ts';
import { whyNot } from '../../core/why-not/why-not.ts';
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

/** `staleAfterMs`: when the host's evaluations are overdue. */
export function makeLive(options: { readonly deps: () => Promise<StatusDeps>; readonly staleAfterMs: number }): Live {
  const { deps } = options;
  const ledger = async (): Promise<StatusDeps['state']['ledger']> => (await deps()).state.ledger;
  const past = courses(ledger);
  const recent = recentDecisions(ledger);
  const look = sharedLook(deps, async (from) => {
    const fleet = await readFleet(from);
    return { fleet, decisions: await recent.after(fleet.rows, from.clock.nowMs()) };
  });

  return {
    view: async (choice) => {
      const { fleet, decisions } = await look();
      const { rows, ...chosen } = choose(fleet.rows, choice);
      const workloads = await detailed(await deps(), { fleet, rows });
      return { ...headOf(fleet, options.staleAfterMs), decisions: decisions.map(told), ...chosen, workloads };
    },
    history: async (choice) => {
      const { fleet } = await look();
      const rows = await detailed(await deps(), { fleet, rows: choose(fleet.rows, choice).rows });
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
  let last: { readonly atMs: number; readonly result: Promise<T> } | undefined;
  return async () => {
    const from = await deps();
    const nowMs = from.clock.monotonicMs();
    if (last !== undefined && nowMs - last.atMs < FRESH_MS) return last.result;
    const mine = { atMs: nowMs, result: read(from) };
    last = mine;
    mine.result.catch(() => {
      if (last === mine) last = undefined;
    });
    return mine.result;
  };
}

/** What only the documents of the workloads themselves tell, for the rows of one page. */
async function detailed(
  deps: StatusDeps,
  { fleet, rows }: { readonly fleet: Fleet; readonly rows: readonly FleetRow[] },
): Promise<LiveRow[]> {
  const controls = await deps.state.control.readMany(rows.map(({ workload }) => workload));
  return rows.flatMap((row) => {
    const policy = fleet.policies.workloads.get(row.workload);
    if (policy === undefined) return [];
    const stored = controls.get(row.workload)?.value;
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
  });
}

async function explained(
  deps: StatusDeps,
  { subject, past }: { readonly subject: string; readonly past: ReturnType<typeof courses> },
): Promise<LiveExplanation> {
  const [decision] = await findDecisions(deps, subject, 1);
  if (decision === undefined)
    throw new NotFoundError(`Cannot explain "${subject}": expected a workload or a decision id`);
  const { workload } = decision;
  const [after, recorded, course] = await Promise.all([
    evaluationAfter(deps, decision),
    deps.state.ledger.latest(workload, TOLD_MAX),
    past.of(workload, null),
  ]);
  const newest = pointOf(decision);
  return {
    ...explanationOf(decision, whyNot(decision, after), { foldedHint: 'all steps below' }),
    workload,
    decision: decision.id,
    atMs: decision.atMs,
    steps: decision.trail.slice(0, STEPS_MAX),
    // The newest decision is not recorded when it changed nothing.
    course: newest.atMs > (course.at(-1)?.atMs ?? 0) ? [...course, newest] : course,
    decisions: recorded.map(told),
  };
}
