/**
 * The last replica of a workload that may go to zero: kept while work usually comes back, let go while it does not, started again just before it does.
 * Source: Shahrad et al. 2020, Serverless in the Wild (ATC'20); without a habit the break-even of the stabilization window decides.
 */
import type { WorkloadInput } from '../decide-types.ts';
import { duration, figure } from '../format.ts';
import type { SignalDemand } from '../signals/contract.ts';
import { step } from '../trail.ts';
import type { Draft } from '../trail.ts';
import { NO_GAPS, longGaps, withGap } from './idle-gaps.ts';
import type { IdleGaps, LongGaps } from './idle-gaps.ts';
import { stabilizationMs } from './stabilise.ts';
import { seesWork, whyNotZero } from './zero.ts';

export type IdleState = {
  /** Since when there is nothing to do; null: there is, or nobody knows [epoch ms]. */
  readonly sinceMs: number | null;
  /** When that was proven last. */
  readonly provenMs: number;
  readonly gaps: IdleGaps;
};

/** Nothing known for so long: whether there was work meanwhile, nobody knows [ms]. */
const UNKNOWN_MS_MAX = 120_000;
/** A pre-warmed replica is asked for so much earlier than its lead time: evaluations and readings come every ten seconds or so [ms]. */
const REACTION_MS = 10_000;

type Seen = { readonly input: WorkloadInput; readonly signals: readonly SignalDemand[]; readonly present: Draft };

/** True when it is proven that there is nothing to do. */
function isProvenIdle({ input, signals, present }: Seen): boolean {
  return present.replicas === 0 && whyNotZero(input.policy, { signals, readings: input.readings }) === null;
}

/** The memory as of now; only workloads that may go to zero have one. */
export function idleAfter(seen: Seen): IdleState | undefined {
  const { nowMs, policy, control, readings } = seen.input;
  if (policy.spec.replicas.min > 0) return undefined;
  const before = control?.idle ?? { sinceMs: null, provenMs: 0, gaps: NO_GAPS };
  const isContinued = before.sinceMs !== null && Math.abs(nowMs - before.provenMs) <= UNKNOWN_MS_MAX;
  const sinceMs = isContinued ? before.sinceMs : null;
  if (isProvenIdle(seen)) return { ...before, sinceMs: sinceMs ?? nowMs, provenMs: nowMs };
  const hasWork = (seen.present.replicas ?? 0) > 0 || seesWork(readings);
  if (!hasWork) return { ...before, sinceMs };
  const gaps = sinceMs === null ? before.gaps : withGap(before.gaps, Math.max(0, nowMs - sinceMs));
  return { ...before, sinceMs: null, gaps };
}

/** Sets the last replica of an idle workload; everything else passes. A remainder of a forecast is no reason to keep what a habit (or none) lets go. */
export function sizeIdle(
  sized: Draft,
  of: Seen & { readonly idle: IdleState | undefined; readonly standing: number | null },
): Draft {
  const { idle, input } = of;
  if (idle === undefined || idle.sinceMs === null || (sized.replicas ?? 2) > 1 || !isProvenIdle(of)) return sized;
  const idleMs = Math.max(0, input.nowMs - idle.sinceMs);
  const windowMs = stabilizationMs(input.policy);
  const known = longGaps(idle.gaps, windowMs);
  const kept = known === null || !known.isConcentrated ? null : keptFor(known, { input, idleMs, windowMs });
  if (kept !== null) {
    const rule = of.standing === 0 || kept.isPreWarm ? 'pre-warm' : 'keep-alive';
    return step(sized, { rule, to: 1, because: kept.because });
  }
  if (sized.replicas === 0) return sized;
  return step(sized, { rule: 'idle', to: 0, because: `no work for ${duration(idleMs)}${foreseen(known, idleMs)}` });
}

/** Why the last replica is there although there is nothing to do; null when it need not be. The stabilization window keeps it for its length after that. */
function keptFor(
  { weight, earlyMs, lateMs }: LongGaps,
  now: { readonly input: WorkloadInput; readonly idleMs: number; readonly windowMs: number },
): { readonly isPreWarm: boolean; readonly because: string } | null {
  const { idleMs, windowMs } = now;
  const startMs = earlyMs - now.input.policy.spec.leadTimeSec * 1000 - REACTION_MS;
  // Not worth letting go for less than it takes to come back.
  const isPreWarm = startMs > 2 * windowMs;
  const endMs = lateMs - windowMs;
  if (idleMs >= endMs || (isPreWarm && idleMs < startMs)) return null;
  const habit = `of ${figure(weight)} gaps longer than ${duration(windowMs)}, 1 in 20 ends within ${duration(earlyMs)} and 1 in 100 lasts longer than ${duration(lateMs)}`;
  return { isPreWarm, because: `no work for ${duration(idleMs)}; ${habit}` };
}

function foreseen(known: LongGaps | null, idleMs: number): string {
  if (known === null) return ', and too few gaps known to say when work comes back';
  if (!known.isConcentrated) return ', and gaps are of all lengths';
  return idleMs < known.earlyMs
    ? `; it seldom comes back before ${duration(known.earlyMs)}`
    : `; it comes back within ${duration(known.lateMs)}, or not at all`;
}
