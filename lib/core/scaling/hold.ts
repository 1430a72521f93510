/** Why nothing may shrink now. Growth is never held. */
import type { WorkloadInput } from '../decide-types.ts';
import { duration } from '../format.ts';
import type { SignalDemand } from '../signals/contract.ts';
import { BUCKET_MS, RING_LENGTH } from '../window/load-window.ts';
import { graceReason } from './grace.ts';
import { stabilizationMs } from './stabilise.ts';

/** Oldest snapshot that a decrease may rest on [ms]. */
export const SNAPSHOT_AGE_MS_MAX = 30_000;

/** Clocks of two machines this far apart are one clock [ms]: ten times what NTP leaves, a third of the age at which a reading is stale. */
export const CLOCK_APART_MS_MAX = 10_000;

export type Hold = {
  /** leading: an event only raises. data: something is not known well enough. grace: running requests would be cut off. */
  readonly kind: 'leading' | 'data' | 'grace';
  readonly reason: string;
};

/** The first reason to hold; null when a decrease may be considered. */
export function holdOf(input: WorkloadInput, signals: readonly SignalDemand[]): Hold | null {
  const reason = dataReason(input, signals);
  if (reason !== null) return { kind: 'data', reason };
  if (input.kind === 'leading')
    return { kind: 'leading', reason: 'an event only raises; the next full evaluation may lower' };
  const grace = graceReason(input);
  return grace === null ? null : { kind: 'grace', reason: grace };
}

function dataReason(input: WorkloadInput, signals: readonly SignalDemand[]): string | null {
  for (const { gap } of signals) if (gap !== null) return gap;
  if (signals.every((signal) => signal.role === 'guard')) return 'utilization guards alone only raise';
  if (input.target.kind === 'missing') return `the target is not observed: ${input.target.reason}`;
  // A leading evaluation works on the stored snapshot on purpose, and lowers nothing anyway.
  if (input.kind === 'full' && input.snapshotAgeMs > SNAPSHOT_AGE_MS_MAX) {
    return `the snapshot is ${duration(input.snapshotAgeMs)} old`;
  }
  const behindMs = input.clockBehindMs ?? 0;
  if (behindMs > CLOCK_APART_MS_MAX) {
    return `this clock is ${duration(behindMs)} behind the events, so their age is not known`;
  }
  if (input.nowMs < input.holdUntilMs) {
    return `the load history is being rebuilt, for ${duration(input.holdUntilMs - input.nowMs)} more`;
  }
  if (input.target.rolloutInProgress) return 'a rollout is in progress';
  return coldReason(input);
}

/** Warm once a full stabilization window was heard, or the whole ring where the window is longer than the ring. */
function coldReason(input: WorkloadInput): string | null {
  const ringMs = RING_LENGTH * BUCKET_MS;
  const neededMs = Math.min(ringMs, stabilizationMs(input.policy));
  const heardMs = input.warmRatio * ringMs;
  if (input.warmRatio >= 1 || heardMs >= neededMs) return null;
  return `cold: ${duration(heardMs)} of load heard, ${duration(neededMs)} needed`;
}
