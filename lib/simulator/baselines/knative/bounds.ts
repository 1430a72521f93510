/** What Knative's reconciler makes of the autoscaler's decision: bounds, and the slow way to zero. */
import type { KpaDecision } from './scale.ts';

export type KpaBoundsConfig = {
  readonly minScale: number;
  /** 0: none. */
  readonly maxScale: number;
  /** A revision stays active this long before it may go. */
  readonly stableWindowMs: number;
  /** Inactive this long before the last pod goes, so that the activator is in the path for sure. */
  readonly scaleToZeroGraceMs: number;
  /** The last pod stays at least this long. */
  readonly retentionMs: number;
  /** A revision that never becomes ready is given up after this. */
  readonly activationMs: number;
};

/** The documented defaults; 600 s of progress deadline and 30 s on top. */
export const KPA_BOUNDS_DEFAULTS: KpaBoundsConfig = {
  minScale: 0,
  maxScale: 0,
  stableWindowMs: 60_000,
  scaleToZeroGraceMs: 30_000,
  retentionMs: 0,
  activationMs: 630_000,
};

type Phase = { readonly kind: 'activating' | 'active' | 'inactive'; readonly sinceMs: number };

/** Replicas to set, or null to leave them. The probe of the activator's path is taken to succeed.
 *  Source: KPA reconciler (Knative Serving 0.51); no recorded series. */
export function makeKpaBounds(
  config: KpaBoundsConfig,
): (decision: KpaDecision, seen: { readonly readyReplicas: number; readonly nowMs: number }) => number | null {
  let phase: Phase | null = null;
  let proxySinceMs: number | null = null;

  const enter = (kind: Phase['kind'], nowMs: number): Phase => {
    if (phase?.kind !== kind) phase = { kind, sinceMs: nowMs };
    return phase;
  };

  const towardsZero = (nowMs: number): number | null => {
    const { kind, sinceMs } = phase ?? enter('inactive', nowMs);
    const forMs = nowMs - sinceMs;
    if (kind === 'activating') return forMs >= config.activationMs ? 0 : null;
    if (kind === 'active') {
      if (forMs < config.stableWindowMs) return 1;
      enter('inactive', nowMs);
      return null;
    }
    if (forMs >= Math.max(config.scaleToZeroGraceMs, config.retentionMs)) return 0;
    if (forMs < config.retentionMs) return null;
    // The activator may have been in the path for longer than the revision is inactive.
    return proxySinceMs !== null && nowMs - proxySinceMs >= config.scaleToZeroGraceMs ? 0 : null;
  };

  return ({ scaleValid, desiredPodCount, excessBurstCapacity }, { readyReplicas, nowMs }) => {
    if (!scaleValid) return null;
    const most = config.maxScale === 0 ? Infinity : config.maxScale;
    const pods = Math.min(Math.max(desiredPodCount, config.minScale), most);
    if (pods > 0 && excessBurstCapacity >= 0) proxySinceMs = null;
    else proxySinceMs ??= nowMs;
    if (pods === 0) return towardsZero(nowMs);
    enter(readyReplicas > 0 ? 'active' : 'activating', nowMs);
    return pods;
  };
}
