/** How a target is lowered so that nobody is hurt: idle pods first, and no more at once than the policy says. */
import { DeniedError, messageOf } from '../../base/errors.ts';
import { decreaseAllowance, recentDecreases, rememberDecrease } from '../../core/scaling/step-limit.ts';
import type { ScalingPolicy } from '../../core/policy.ts';
import type { ActuationRecord } from '../../state/contract.ts';
import { VICTIMS_MAX } from '../../targets/contract.ts';
import type { Target, TargetState } from '../../targets/contract.ts';
import type { RecordChange } from './step.ts';
import type { TargetContext } from './contexts.ts';

/** After a lowering: the pods that were to go are gone by now, and those that are not shall be like any other [ms]. */
export const TIDY_AGAIN_MS = 60_000;

/** So long the orchestrator may take to choose its victims [ms]: until then a wish is not taken back. */
const CHOOSING_MS = 10_000;

/** `maxPerMinute` again, where it counts: two controllers, or a memory that Redis lost, may have decided the same minute twice. */
export function lowestNow(
  record: ActuationRecord,
  of: { readonly state: TargetState; readonly policy: ScalingPolicy; readonly nowMs: number },
): { readonly replicas: number; readonly againInMs: number } {
  const { state, nowMs } = of;
  const { scaleDown, replicas } = of.policy.spec;
  const recent = recentDecreases(record.lowered ?? [], nowMs);
  const allowed = decreaseAllowance(scaleDown.maxPerMinute, { replicas: state.replicas, recent });
  // Replicas that only work together go together, also where a minute allows fewer.
  const least = recent.length === 0 && allowed > 0 ? replicas.step : 0;
  const falls = Math.max(least, Math.floor(allowed / replicas.step) * replicas.step);
  const againInMs = Math.max(0, (recent[0]?.[0] ?? nowMs) + TIDY_AGAIN_MS - nowMs);
  return { replicas: Math.max(0, state.replicas - falls), againInMs };
}

/** The record's list after `replicas` more were let go. Only here what is older is forgotten: another controller's clock may be ahead. */
export function loweredAfter(
  record: ActuationRecord,
  now: { readonly nowMs: number; readonly replicas: number },
): NonNullable<ActuationRecord['lowered']> {
  return rememberDecrease(recentDecreases(record.lowered ?? [], now.nowMs), now);
}

/** How long the orchestrator may still be choosing which pods go [ms]. */
export function settlingMs({ lowered, preferred }: ActuationRecord, nowMs: number): number {
  const atMs = preferred === undefined ? undefined : lowered?.at(-1)?.[0];
  return atMs === undefined ? 0 : Math.min(CHOOSING_MS, Math.max(0, atMs + CHOOSING_MS - nowMs));
}

/** Marks that can still be taken back. */
export function hasMarks({ preferred, marksDenied }: ActuationRecord): boolean {
  return preferred !== undefined && marksDenied !== true;
}

/**
 * Asks that `first` go first, and takes back what was asked of others before: a lowering that was undone, or that took other pods. Known before the first
 * mark is written, so that none is forgotten should this process die or the lowering fail. A mark that cannot be written costs a longer drain, nothing else:
 * the lowering goes on without. Returns what the record says of it.
 */
export async function markPods(
  { deps, job, planned, step }: TargetContext,
  target: Target,
  names: readonly string[],
): Promise<RecordChange> {
  if (target.preferVictims === undefined) return {};
  const first = names.slice(0, VICTIMS_MAX);
  const before = step.record().preferred ?? [];
  const release = before.filter((name) => !first.includes(name)).slice(0, VICTIMS_MAX - first.length);
  if (first.length + release.length === 0) return {};
  const marked = [...new Set([...before, ...first])];
  if (marked.length > before.length) await step.save({ preferred: marked });
  try {
    await target.preferVictims(planned.ref, { first, release });
    return { preferred: someOrNone(marked.filter((name) => !release.includes(name))), marksDenied: undefined };
  } catch (error) {
    const fields = { workload: job.id, error: messageOf(error) };
    if (!(error instanceof DeniedError)) {
      deps.log.warn('pods to go first were not marked', fields);
      return {};
    }
    if (step.record().marksDenied !== true) {
      deps.log.warn(
        'pods to go first may not be marked: grant patch on pods, or the orchestrator chooses itself',
        fields,
      );
    }
    return { preferred: someOrNone(before), marksDenied: true };
  }
}

function someOrNone(names: readonly string[]): readonly string[] | undefined {
  return names.length === 0 ? undefined : names;
}
