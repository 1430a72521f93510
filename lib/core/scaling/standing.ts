/** The count that stands: what nothing may fall below while there is a hold, and where a decrease starts from. */
import type { WorkloadInput } from '../decide-types.ts';
import type { Hold } from './hold.ts';

/** A decrease of ours needs so long to show in the cluster [ms]; until then the larger count seen there is our own past. */
export const DECREASE_SETTLE_MS = 60_000;

/**
 * max(last wanted, current) [replicas]; null when neither is known. The current count is left out when it only shows what we are already
 * leaving (a decrease of ours that is newer than the snapshot, or younger than a minute), and in observe mode while data is good:
 * there somebody else writes it, and our own course is what is scored.
 */
export function standingReplicas(input: WorkloadInput, hold: Hold | null): number | null {
  const last = input.control?.lastWanted ?? null;
  const current = input.target.kind === 'observed' ? input.target.replicas : null;
  if (last === null || current === null) return last ?? current;
  if (decreaseIsUnderWay(input)) return last;
  if (input.policy.spec.mode === 'observe' && (hold === null || hold.kind === 'leading')) return last;
  return Math.max(last, current);
}

function decreaseIsUnderWay(input: WorkloadInput): boolean {
  const change = input.control?.changes.at(-1);
  if (change === undefined || change[2] >= change[1]) return false;
  const seenAtMs = input.nowMs - input.snapshotAgeMs;
  return seenAtMs <= change[0] || input.nowMs - change[0] < DECREASE_SETTLE_MS;
}
