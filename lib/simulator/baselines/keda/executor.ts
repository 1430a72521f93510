/** What KEDA's operator does itself, at every poll: between zero and the minimum. Everything above is the HPA's. */

export type KedaExecutorConfig = {
  /** `minReplicaCount`, ≥ 0. */
  readonly minReplicas: number;
  /** `idleReplicaCount`, below the minimum; null: none. */
  readonly idleReplicas: number | null;
  readonly cooldownMs: number;
  /** Instead of the cooldown while the trigger was never active. */
  readonly initialCooldownMs: number;
};

/** The ScaledObject's documented defaults. */
export const KEDA_EXECUTOR_DEFAULTS: KedaExecutorConfig = {
  minReplicas: 0,
  idleReplicas: null,
  cooldownMs: 300_000,
  initialCooldownMs: 0,
};

/** `pollingInterval`. */
export const KEDA_POLL_MS = 30_000;

export type KedaPoll = {
  readonly currentReplicas: number;
  /** Any trigger is. */
  readonly active: boolean;
  /** A trigger could not be read (no fallback is modelled: nothing is ever shrunk then). */
  readonly error: boolean;
};

/** Replicas to set at a poll, or null to leave them. `createdMs`: when the ScaledObject was made. Source: scale executor (KEDA 2.21). */
export function makeKedaExecutor(
  config: KedaExecutorConfig,
  createdMs: number,
): (poll: KedaPoll, nowMs: number) => number | null {
  const { minReplicas, idleReplicas } = config;
  let lastActiveMs: number | null = null;

  const isCold = (nowMs: number): boolean =>
    lastActiveMs === null ? createdMs + config.initialCooldownMs < nowMs : lastActiveMs + config.cooldownMs < nowMs;

  return ({ currentReplicas, active, error }, nowMs) => {
    if (active) {
      const isIdle = idleReplicas !== null && currentReplicas < minReplicas;
      if (isIdle || currentReplicas === 0) {
        lastActiveMs = nowMs;
        return Math.max(minReplicas, 1);
      }
      if (!error) lastActiveMs = nowMs;
      return null;
    }
    if (error) return null;
    const mayIdle = idleReplicas === null ? currentReplicas > 0 && minReplicas === 0 : currentReplicas > idleReplicas;
    if (mayIdle) return isCold(nowMs) ? (idleReplicas ?? minReplicas) : null;
    return idleReplicas === null && currentReplicas < minReplicas ? minReplicas : null;
  };
}
