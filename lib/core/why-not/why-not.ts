/** Why a decision was not more and not less, with what would have had to be different. */
import type { WorkloadInput } from '../decide-types.ts';
import type { ScalingDecision } from '../types.ts';
import { whyNotLess } from './less.ts';
import { whyNotMore } from './more.ts';

export type WhyNot = { readonly more: string; readonly less: string };

/**
 * One clause each way. `next`: the evaluation that follows the decision, with its memory and readings; thresholds are found by deciding again with other
 * readings, so they hold whatever the rules are. null for an old decision of which only the record is left: then only its trail speaks.
 * Pure: same inputs, same bytes. Costs up to some thousand decisions: for a person's question, not for every evaluation.
 */
export function whyNot(decision: ScalingDecision, next: WorkloadInput | null): WhyNot {
  return { more: whyNotMore(decision, next), less: whyNotLess(decision, next) };
}
