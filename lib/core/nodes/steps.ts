/** Replicas that only work together: wanted counts in whole steps. */
import type { PoolInput, PoolWorkload } from '../decide-types.ts';
import { count } from '../format.ts';

/** Rounds every wanted count up to whole steps (`replicas.step`), within the policy's maximum; says so in the trail. */
export function inSteps(input: PoolInput): PoolInput {
  if (input.workloads.every(({ policy }) => policy.spec.replicas.step === 1)) return input;
  return { ...input, workloads: input.workloads.map(inWholeSteps) };
}

function inWholeSteps(workload: PoolWorkload): PoolWorkload {
  const { outcome, policy } = workload;
  const { step, max } = policy.spec.replicas;
  const wanted = Math.min(Math.ceil(outcome.wanted / step) * step, Math.max(max, outcome.wanted));
  if (wanted === outcome.wanted) return workload;
  const because = `${count(step, 'replica')} at a time: they only work together`;
  const trail = [...outcome.trail, { rule: 'step', from: outcome.wanted, to: wanted, unit: 'replicas', because }];
  return { ...workload, outcome: { ...outcome, wanted, trail } };
}
