/** How long a node group that failed is not asked again: a course that can be replayed. */
import { fnv1a64Hex } from '../hash.ts';

/** 3 minutes doubling to 30: stock-outs last from minutes to hours, and each asking holds up the next group. */
const BACKOFF_MS = 180_000;
const BACKOFF_MS_MAX = 1_800_000;
/** Groups that failed together do not come back together. */
const JITTER_RATIO_MAX = 0.2;

/** Pause after so many failures in a row (from 1) [ms]: 3 to 36 minutes, the same for the same name and attempt. */
export function groupBackoffMs(name: string, attempts: number): number {
  const plainMs = Math.min(BACKOFF_MS * 2 ** Math.min(attempts - 1, 10), BACKOFF_MS_MAX);
  return Math.round(plainMs * (1 + JITTER_RATIO_MAX * jitterRatio(name, attempts)));
}

/** A number in [0, 1) that depends on its arguments only. */
function jitterRatio(name: string, attempt: number): number {
  return Number.parseInt(fnv1a64Hex(`${name}#${attempt}`).slice(-8), 16) / 2 ** 32;
}
