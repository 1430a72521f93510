/** Which decisions go to the ledger and to Kafka. */
import type { WorkloadControl } from './decide-types.ts';
import type { ScalingDecision } from './types.ts';

/** True when the wanted count or the rule that binds it differs from what was recorded last, or nothing was recorded yet. */
export function worthRecording(control: WorkloadControl | undefined, decision: ScalingDecision): boolean {
  const last = control?.lastRecorded ?? null;
  return last === null || last.wanted !== decision.replicas.wanted || last.binding !== decision.binding;
}

/** The memory after `decision` was recorded. */
export function withRecorded(control: WorkloadControl, decision: ScalingDecision): WorkloadControl {
  const { id, binding } = decision;
  return { ...control, lastRecorded: { id, binding, wanted: decision.replicas.wanted } };
}
