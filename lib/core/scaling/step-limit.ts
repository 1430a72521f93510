/** How many replicas may go in a minute. */
import type { WorkloadControl } from '../decide-types.ts';
import type { ScalingPolicy } from '../policy.ts';

const MINUTE_MS = 60_000;

/** Decreases kept of the running minute: one a second; more are merged. */
const DECREASES_MAX = 60;

type Decreases = WorkloadControl['decreases'];

/** Decreases of the running minute. */
export function recentDecreases(decreases: Decreases, nowMs: number): Decreases {
  return decreases.length === 0 ? decreases : decreases.filter((decrease) => nowMs - decrease[0] < MINUTE_MS);
}

/**
 * Replicas that may still go now, 0 or more [count]. A share counts from what stood a minute ago (`replicas` + what went since),
 * rounded down, at least 1: 20 % of 3 would otherwise never shrink. `0%` allows none.
 */
export function decreaseAllowance(
  limit: ScalingPolicy['spec']['scaleDown']['maxPerMinute'],
  standing: { readonly replicas: number; readonly recent: Decreases },
): number {
  const gone = standing.recent.reduce((sum, [, replicas]) => sum + replicas, 0);
  return Math.max(0, perMinute(limit, standing.replicas + gone) - gone);
}

function perMinute(limit: ScalingPolicy['spec']['scaleDown']['maxPerMinute'], replicas: number): number {
  if (typeof limit === 'number') return limit;
  const share = Number.parseInt(limit, 10) / 100;
  return share === 0 ? 0 : Math.max(1, Math.floor(replicas * share));
}

/** Adds a decrease; beyond the bound the two oldest become one with the later time, so that none is forgotten early. */
export function rememberDecrease(
  recent: Decreases,
  decrease: { readonly nowMs: number; readonly replicas: number },
): Decreases {
  const all = [...recent, [decrease.nowMs, decrease.replicas] as const];
  const [first, second, ...rest] = all;
  if (all.length <= DECREASES_MAX || first === undefined || second === undefined) return all;
  return [[second[0], first[1] + second[1]], ...rest];
}
