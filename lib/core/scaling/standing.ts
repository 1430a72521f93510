/** The count that stands: what nothing may fall below while there is a hold, and where a decrease starts from. */
import type { WorkloadInput } from '../decide-types.ts';
import type { Hold } from './hold.ts';

/** A decrease of ours needs so long to show in the cluster [ms]; until then the larger count seen there is our own past. */
export const DECREASE_SETTLE_MS = 60_000;

/**
 * max(last wanted, current) [replicas]; null when neither is known. The current count is left out when it only shows what we are already
 * leaving (a decrease of ours that is not applied yet; without good data only one newer than the snapshot or younger than a minute), and in
 * observe mode while data is good: there somebody else writes it, and our own course is what is scored.
 */
export function standingReplicas(input: WorkloadInput, hold: Hold | null): number | null {
  const last = input.control?.lastWanted ?? null;
  const current = input.target.kind === 'observed' ? input.target.replicas : null;
  if (last === null || current === null) return last ?? current;
  if (decreaseIsUnderWay(input, { current, hold })) return last;
  if (input.policy.spec.mode === 'observe' && hold?.kind !== 'data') return last;
  return Math.max(last, current);
}

/** The changes since the last raise are decreases: the first of them tells where we come from, the last how long ago. */
function decreaseIsUnderWay(
  input: WorkloadInput,
  now: { readonly current: number; readonly hold: Hold | null },
): boolean {
  const changes = input.control?.changes ?? [];
  const raised = changes.findLastIndex((change) => change[2] > change[1]);
  const [first, last] = [changes[raised + 1], changes.at(-1)];
  if (first === undefined || last === undefined) return false;
  // With good data a decrease that is slow to be applied still holds; blind, what runs after a minute is what counts.
  if (now.hold?.kind !== 'data' && now.current <= first[1]) return true;
  const seenAtMs = input.nowMs - input.snapshotAgeMs;
  return seenAtMs <= last[0] || input.nowMs - last[0] < DECREASE_SETTLE_MS;
}

/** Replicas were asked for that are not ready; false where the target is not seen. */
export function isStarting(target: WorkloadInput['target']): boolean {
  return target.kind === 'observed' && target.ready < target.replicas;
}
