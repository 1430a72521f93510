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
  const recent = withinHour(changes, change.nowMs);
  if (change.from === null || change.from === change.to) return recent;
  return [...recent, [change.nowMs, change.from, change.to] as const].slice(-CHANGES_MAX);
}

/** Oldest first, so that as a rule only one entry has to be looked at. */
function withinHour(changes: Changes, nowMs: number): Changes {
  let from = 0;
  while (from < changes.length - 1 && nowMs - (changes[from]?.[0] ?? 0) > HOUR_MS) from++;
  return from === 0 ? changes : changes.slice(from);
}

/** Direction changes among the changes of the last hour. */
export function reversals(changes: Changes, nowMs: number): number {
  const directions = changes.filter(([atMs]) => nowMs - atMs <= HOUR_MS).map(([, from, to]) => Math.sign(to - from));
  return directions.filter((direction, index) => index > 0 && direction !== directions[index - 1]).length;
}
