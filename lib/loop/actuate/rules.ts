/** Rules both kinds of actuation share: who may act, how old a plan may be, and when somebody else writes beside us. */
import type { Plan } from '../../core/types.ts';
import type { Mode } from '../../core/types.ts';
import type { ActuationRecord } from '../../state/contract.ts';

/** A decrease rests on what was seen at most this long ago [ms]: load may have come back since. */
export const LOWER_AGE_MS_MAX = 60_000;

/** An increase that waited longer [ms] is decided again: it costs money, not safety. */
export const RAISE_AGE_MS_MAX = 600_000;

/** At most one write a minute in a fight over a count. */
export const FOREIGN_PAUSE_MS = 60_000;

/** Why nothing may be written; undefined when it may. Both the plan and the policy in force must say `act`. */
export function modeRefusal(planned: Mode, inForce: Mode | undefined): string | undefined {
  if (inForce === undefined) return 'its policy is gone';
  if (inForce !== 'act') return `the policy in force says mode ${inForce}`;
  return planned === 'act' ? undefined : `the plan was made in mode ${planned}`;
}

/** Who set a count and when; plans that do not say it per count say it as a whole. */
export function decidedBy(
  plan: Plan,
  planned: { readonly decided?: { readonly kind: Plan['kind']; readonly atMs: number } },
): { readonly kind: Plan['kind']; readonly atMs: number } {
  return planned.decided ?? { kind: plan.kind, atMs: plan.atMs };
}

/** True when this count was written by somebody else after our last write, and was not answered with a pause yet. */
export function isForeign(record: ActuationRecord, count: number): boolean {
  const { lastWritten, update, foreignWrite } = record;
  if (lastWritten === undefined || count === lastWritten.count || count === update?.desired) return false;
  return !(foreignWrite?.count === count && foreignWrite.atMs >= lastWritten.atMs);
}
