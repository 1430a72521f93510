/** Finding the decisions that somebody asks about, and what is needed to say why one was not more and not less: the evaluation that follows it, rebuilt from the stores. */
import { NotFoundError } from '../base/errors.ts';
import type { WorkloadInput } from '../core/decide-types.ts';
import type { Reading, Readings, ScalingDecision, TargetObservation } from '../core/types.ts';
import { whyNot } from '../core/why-not/why-not.ts';
import type { WhyNot } from '../core/why-not/why-not.ts';
import { LEDGER_LENGTH_MAX } from '../state/contract.ts';
import { workloadInputOf } from './evaluate/decide.ts';
import { readStored } from './stored-control.ts';
import type { StatusDeps } from './status.ts';

/** From a decision to the next evaluation of the same workload [ms]. */
const NEXT_MS = 10_000;

/**
 * The decisions of `subject`, newest first: a decision id (`d_…`), or a workload with how many of its `last` ones. `last` 1 is the newest, recorded or not;
 * more are those that changed something. Throws NotFoundError with what there is, TransientError when the store cannot be reached.
 */
export async function findDecisions(
  deps: StatusDeps,
  subject: string,
  last: number,
): Promise<readonly ScalingDecision[]> {
  const isSubject = ({ id }: ScalingDecision): boolean => id === subject;
  if (subject.startsWith('d_')) {
    const decision = (await deps.state.ledger.find(subject)) ?? (await newestDecisions(deps)).find(isSubject);
    if (decision !== undefined) return [decision];
    throw new NotFoundError(
      `Cannot explain "${subject}": expected the newest decision of a workload, or one of its last ${LEDGER_LENGTH_MAX} that changed something (see penstock explain WORKLOAD --last 10)`,
    );
  }
  const recorded = await deps.state.ledger.latest(subject, last);
  // The newest decision stands even when it changed nothing and so was not recorded.
  const latest = await newestDecision(deps, subject);
  const found = last === 1 && latest !== null ? [latest] : recorded;
  if (found.length > 0) return found;
  const known = [...(await deps.policies.current()).workloads.keys()];
  const hint = known.includes(subject) ? 'it was not decided yet' : `known workloads are ${known.join(', ')}`;
  throw new NotFoundError(`Cannot explain "${subject}": expected a workload id or a decision id (d_…); ${hint}`);
}

/** What the record of a decision does not say. Throws TransientError when the store cannot be reached. */
export async function whyNotOf(deps: StatusDeps, decision: ScalingDecision): Promise<WhyNot> {
  return whyNot(decision, await evaluationAfter(deps, decision));
}

async function newestDecision(deps: StatusDeps, workload: string): Promise<ScalingDecision | null> {
  return readStored((await deps.state.control.read(workload))?.value).latest;
}

async function newestDecisions(deps: StatusDeps): Promise<readonly ScalingDecision[]> {
  const { workloads } = await deps.policies.current();
  const newest = await Promise.all([...workloads.keys()].map((workload) => newestDecision(deps, workload)));
  return newest.filter((decision) => decision !== null);
}

/**
 * The full evaluation after `decision`, with the memory, the snapshot and the readings that it had. null when it is not the newest of its workload (its memory
 * is gone) or the workload has no policy any more. Readings it did not use are as the window has them. Throws TransientError when the store cannot be reached.
 */
export async function evaluationAfter(deps: StatusDeps, decision: ScalingDecision): Promise<WorkloadInput | null> {
  const { workload, pool } = decision;
  const [policies, stored, windows, snapshot] = await Promise.all([
    deps.policies.current(),
    deps.state.control.read(workload),
    deps.state.load.readMany([workload]),
    deps.state.snapshots.read(pool),
  ]);
  const policy = policies.workloads.get(workload);
  const { control, latest } = readStored(stored?.value);
  if (policy === undefined || control === undefined || latest?.id !== decision.id) return null;
  // A snapshot newer than the decision was not there yet; none is as old as can be.
  const seen = { ...(snapshot?.value ?? { targets: {}, nodeGroups: {}, atMs: 0 }) };
  const target = seen.targets[workload] ?? { kind: 'missing', reason: 'was not in the snapshot' };
  const input = workloadInputOf(
    { policy, target, nowMs: decision.atMs, snapshot: seen, window: windows.get(workload), control },
    'full',
  );
  return nextOf(input, decision);
}

/** The evaluation after `decision`, of an input as of its time: with its readings and counts. Pure. */
export function nextOf(input: WorkloadInput, decision: ScalingDecision): WorkloadInput {
  return {
    ...input,
    kind: 'full',
    nowMs: decision.atMs + NEXT_MS,
    target: asSeen(input.target, decision),
    readings: asRead(input.readings, decision),
  };
}

/** The counts that the decision saw, and its own count where it is applied. */
function asSeen(target: TargetObservation, { replicas, mode }: ScalingDecision): TargetObservation {
  if (target.kind === 'missing') return target;
  const current = mode === 'act' ? replicas.wanted : (replicas.current ?? target.replicas);
  return { ...target, replicas: current, ready: replicas.ready ?? target.ready };
}

function asRead(readings: Readings, { inputs }: ScalingDecision): Readings {
  const read = inputs.map((input) => {
    const before: Reading | undefined = readings[input.signal as keyof Readings];
    const { value, coverage, ageMs, reason } = input;
    const reading: Reading =
      value === null
        ? { kind: 'missing', reason: reason ?? 'it was not heard', ageMs }
        : {
            kind: 'value',
            value,
            coverageRatio: coverage,
            ageMs: ageMs ?? 0,
            ...(before?.kind === 'value' && before.from !== undefined ? { from: before.from } : {}),
          };
    return [input.signal, reading] as const;
  });
  return { ...readings, ...Object.fromEntries(read) };
}
