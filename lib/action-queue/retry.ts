/** How often a failed job is tried again, and when. */
import type { Random } from '../base/random.ts';
import type { ActionJob } from './contract.ts';

/** 0.5 s doubling to 15 s is about 45 s of tries: longer than a leader election or a rolling restart of an API server. */
const STEP_ATTEMPTS_MAX = 8;
const STEP_DELAY_MS_MIN = 500;
/** A wake does not shorten a retry, so this bounds how long a failing target can ignore a newer plan. */
const STEP_DELAY_MS_MAX = 15_000;

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Waits between the deliveries of one alert. Source: the schedule that the Standard Webhooks specification recommends. */
const ALERT_DELAYS_MS = [
  5_000,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  14 * HOUR_MS,
  20 * HOUR_MS,
  24 * HOUR_MS,
] as const;

/** The longest wait another side may ask us for: a wrong Retry-After must not bury a job. */
const RETRY_AFTER_MS_MAX = HOUR_MS;

/** Attempts of a job in all, the first one included. */
export function attemptCountMax(kind: ActionJob['kind']): number {
  return kind === 'alert' ? ALERT_DELAYS_MS.length + 1 : STEP_ATTEMPTS_MAX;
}

/** When to try again: {@link retryDelayMs}, or something faster in tests. */
export type RetryDelay = typeof retryDelayMs;

/**
 * Wait before the next attempt [ms], rounded up. `attempt` ≥ 1 is the one that just failed.
 * Targets and node groups: exponential, the upper half random. Alerts: the schedule, up to a fifth longer.
 * A `retryAfterMs` only ever lengthens the wait, up to {@link RETRY_AFTER_MS_MAX}.
 */
export function retryDelayMs(
  failed: { readonly kind: ActionJob['kind']; readonly attempt: number; readonly retryAfterMs?: number | undefined },
  random: Random,
): number {
  const askedMs = Math.min(Math.max(failed.retryAfterMs ?? 0, 0), RETRY_AFTER_MS_MAX);
  return Math.ceil(Math.max(ownDelayMs(failed, random), askedMs));
}

function ownDelayMs(failed: { readonly kind: ActionJob['kind']; readonly attempt: number }, random: Random): number {
  if (failed.kind === 'alert') {
    const lastMs = ALERT_DELAYS_MS[ALERT_DELAYS_MS.length - 1] ?? HOUR_MS;
    return (ALERT_DELAYS_MS[failed.attempt - 1] ?? lastMs) * (1 + 0.2 * random());
  }
  const fullMs = Math.min(STEP_DELAY_MS_MIN * 2 ** (failed.attempt - 1), STEP_DELAY_MS_MAX);
  return fullMs * (0.5 + 0.5 * random());
}
