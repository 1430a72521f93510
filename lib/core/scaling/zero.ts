/** To zero only on evidence. */
import type { ScalingPolicy } from '../policy.ts';
import type { SignalDemand } from '../signals/contract.ts';
import type { Readings, SignalName } from '../types.ts';

/** Readings that show work even when no signal of the policy uses them. */
const WORK_NAMES: readonly SignalName[] = ['inFlight', 'queued', 'queueDepth', 'queueWork'];

/** Why one replica stays although no signal asks for any; null when zero is proven. */
export function whyNotZero(
  policy: ScalingPolicy,
  seen: { readonly signals: readonly SignalDemand[]; readonly readings: Readings },
): string | null {
  if (policy.spec.replicas.min > 0) return null;
  const busy = WORK_NAMES.find((name) => valueOf(seen.readings, name) > 0);
  if (busy !== undefined) return `there is work: ${busy} is above zero`;
  const gap = seen.signals.find((signal) => signal.gap !== null)?.gap;
  if (gap !== undefined && gap !== null) return `zero is not proven: ${gap}`;
  if (!seen.signals.some((signal) => signal.outlivesPods && signal.demand === 0)) {
    return 'zero is not proven: no gateway or queue says that nothing comes';
  }
  return null;
}

/** True when work is seen that no signal of the policy counts. */
export function seesWork(readings: Readings): boolean {
  return WORK_NAMES.some((name) => valueOf(readings, name) > 0);
}

function valueOf(readings: Readings, name: SignalName): number {
  const reading = readings[name];
  return reading.kind === 'value' ? reading.value : 0;
}
