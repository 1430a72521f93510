/** Load unknown for long: a count somebody chose beforehand. Only ever raises. */
import type { WorkloadInput } from '../decide-types.ts';
import { duration } from '../format.ts';

/** Since when the load has been unknown; null while it is known [epoch ms]. */
export function unknownSince(input: WorkloadInput, demand: number | null): number | null {
  if (demand !== null) return null;
  return input.control?.unknownSinceMs ?? input.nowMs;
}

/** The count of the policy's fallback and why, when it is due; null otherwise. */
export function fallbackDue(
  input: WorkloadInput,
  sinceMs: number | null,
): { readonly replicas: number; readonly because: string } | null {
  const { fallback } = input.policy.spec;
  if (fallback === undefined || sinceMs === null) return null;
  const unknownMs = input.nowMs - sinceMs;
  if (unknownMs < fallback.afterSec * 1000) return null;
  return {
    replicas: fallback.replicas,
    because: `load unknown for ${duration(unknownMs)}, limit ${duration(fallback.afterSec * 1000)}: at least ${fallback.replicas}`,
  };
}
