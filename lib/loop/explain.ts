/** What is needed to say why a decision was not more and not less: the evaluation that follows it, rebuilt from the stores. */
import type { WorkloadInput } from '../core/decide-types.ts';
import type { Reading, Readings, ScalingDecision, TargetObservation } from '../core/types.ts';
import { workloadInputOf } from './evaluate/decide.ts';
import { readStored } from './stored-control.ts';
import type { StatusDeps } from './status.ts';

/** From a decision to the next evaluation of the same workload [ms]. */
const NEXT_MS = 10_000;

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
