/** The recent course of a wanted count, for flapping. */
import type { WorkloadControl } from '../decide-types.ts';

export const HOUR_MS = 3_600_000;

/** Changes kept: more than this in an hour is flapping whatever their number. */
const CHANGES_MAX = 64;

type Changes = WorkloadControl['changes'];

/** Adds a change when there is one, and forgets those older than an hour, but never the last. */
export function rememberChange(
  changes: Changes,
  change: { readonly nowMs: number; readonly from: number | null; readonly to: number },
): Changes {
  const recent = changes.filter(([atMs], index) => index === changes.length - 1 || change.nowMs - atMs <= HOUR_MS);
  if (change.from === null || change.from === change.to) return recent;
  return [...recent, [change.nowMs, change.from, change.to] as const].slice(-CHANGES_MAX);
}

/** Direction changes among the changes of the last hour. */
export function reversals(changes: Changes, nowMs: number): number {
  const directions = changes.filter(([atMs]) => nowMs - atMs <= HOUR_MS).map(([, from, to]) => Math.sign(to - from));
  return directions.filter((direction, index) => index > 0 && direction !== directions[index - 1]).length;
}
