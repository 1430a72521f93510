/** The rule of AIBrix's PodAutoscaler (commit e3e10f9e, 2026-08), strategies KPA and APA, as coded: windows of samples, proposals, cooldown; and the guard for pending
 *  replicas that came after it (pull request 2671, 2026-09), which no recorded series has. */
import { guardPending } from './guard.ts';

/** Settings of one PodAutoscaler. Ratios are plain factors (0.1 is ten percent). */
export type AibrixSettings = {
  readonly strategy: 'KPA' | 'APA';
  /** One for each metric. */
  readonly targetValues: readonly number[];
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly stableWindowMs: number;
  readonly panicWindowMs: number;
  readonly panicThreshold: number;
  readonly maxScaleUpRate: number;
  readonly maxScaleDownRate: number;
  readonly upTolerance: number;
  readonly downTolerance: number;
  readonly scaleUpCooldownMs: number;
  readonly scaleDownCooldownMs: number;
  /** Replicas that start are taken for idle on the way up and for on target on the way down; for metrics of pods only. Default false. */
  readonly guardsPending?: boolean;
};

/** One metric's reading: a value per pod (null: that pod failed), or one value, or an error; empty when there are no pods. */
export type AibrixReading = {
  readonly podValues?: readonly (number | null)[];
  readonly value?: number;
  readonly error?: boolean;
};

/** `recommendation` is the proposal before the cooldown; null when none was made or none is kept (both cooldowns 0). */
export type AibrixDecision = {
  readonly desiredReplicas: number;
  readonly error: boolean;
  readonly recommendation: number | null;
  readonly stableValues: readonly number[];
  readonly panicValues: readonly number[];
};

export type AibrixInput = {
  readonly currentReplicas: number;
  /** For the guard; all of them when left out. */
  readonly readyReplicas?: number;
  readonly readings: readonly AibrixReading[];
};

type Sample = { readonly sec: number; readonly value: number };
type Recommendation = { readonly atMs: number; readonly replicas: number };

/** Starts an autoscaler with empty windows. Each call is one sync: replicas in `spec`, readings, and the time [ms, any origin]. */
export function aibrixAutoscaler(settings: AibrixSettings): (input: AibrixInput, nowMs: number) => AibrixDecision {
  const windows = settings.targetValues.map(() => ({
    stable: meanWindow(settings.stableWindowMs),
    panic: meanWindow(settings.panicWindowMs),
  }));
  const stabilize = cooldown(settings);

  return ({ currentReplicas, readyReplicas = currentReplicas, readings }, nowMs) => {
    const answer = (desiredReplicas: number, rest: Partial<AibrixDecision> = {}): AibrixDecision => ({
      desiredReplicas,
      error: false,
      recommendation: null,
      stableValues: windows.map((window) => window.stable.mean()),
      panicValues: windows.map((window) => window.panic.mean()),
      ...rest,
    });
    // Disabled at zero, and bounds apply at once: neither looks at the metrics.
    if (currentReplicas === 0 && settings.minReplicas !== 0) return answer(0);
    if (currentReplicas > settings.maxReplicas) return answer(settings.maxReplicas);
    if (currentReplicas < settings.minReplicas) return answer(settings.minReplicas);

    const proposals = windows.flatMap(({ stable, panic }, index) => {
      const value = sampleOf(readings[index] ?? {});
      if (value === 'error') return [];
      if (value !== null) {
        stable.record(value, nowMs);
        panic.record(value, nowMs);
      }
      const means = { stable: stable.mean(), panic: panic.mean(), target: settings.targetValues[index] ?? 0 };
      return [
        {
          value: means.stable,
          target: means.target,
          replicas: propose(settings, { current: currentReplicas, ...means }),
        },
      ];
    });
    const [first, ...others] = proposals;
    if (first === undefined) return answer(currentReplicas, { error: true });
    const highest = others.reduce((most, other) => (other.replicas > most.replicas ? other : most), first);
    const guarded = settings.guardsPending === true;
    const recommendation = guarded
      ? guardPending(settings.strategy, { ...highest, currentReplicas, readyReplicas })
      : highest.replicas;
    return answer(stabilize({ currentReplicas, recommendation }, nowMs), {
      recommendation: keepsHistory(settings) ? recommendation : null,
    });
  };
}

/** The value that is recorded: the mean of the pods that answered. Null: there are no pods, nothing is recorded. */
function sampleOf({ error, value, podValues }: AibrixReading): number | null | 'error' {
  if (error === true) return 'error';
  if (value !== undefined) return value;
  if (podValues === undefined || podValues.length === 0) return null;
  const answered = podValues.filter((pod) => pod !== null);
  return answered.length === 0 ? 'error' : answered.reduce((sum, pod) => sum + pod, 0) / answered.length;
}

type Means = { readonly current: number; readonly stable: number; readonly panic: number; readonly target: number };

function propose(settings: AibrixSettings, means: Means): number {
  const wanted = settings.strategy === 'KPA' ? proposeKpa(settings, means) : proposeApa(settings, means);
  return clamp(wanted, settings.minReplicas, settings.maxReplicas);
}

/** The mean over pods is divided by the target as if it were a total: so it is coded, so it is compared. */
function proposeKpa(settings: AibrixSettings, { current, stable, panic, target }: Means): number {
  if (target <= 0) return current;
  const up = Math.max(1, Math.ceil(settings.maxScaleUpRate * current));
  const down = Math.floor(current / settings.maxScaleDownRate);
  const wanted = (mean: number) => {
    const outside = mean > target * (1 + settings.upTolerance) || mean < target * (1 - settings.downTolerance);
    return clamp(outside ? Math.ceil(mean / target) : current, down, up);
  };
  const panicking = stable <= 0 || panic / stable > settings.panicThreshold;
  return panicking ? Math.max(wanted(stable), wanted(panic)) : wanted(stable);
}

function proposeApa(settings: AibrixSettings, { current, stable, target }: Means): number {
  if (target <= 0) return current;
  const ratio = stable / target;
  const wanted = Math.ceil(current * ratio);
  if (ratio > 1 + settings.upTolerance) return Math.min(wanted, Math.ceil(settings.maxScaleUpRate * current));
  if (ratio < 1 - settings.downTolerance) return Math.max(wanted, Math.floor(current / settings.maxScaleDownRate));
  return current;
}

/** Takes the extreme of the recommendations of the cooldown: the highest on the way up, and the LOWEST on the way down. */
function cooldown(
  settings: AibrixSettings,
): (wish: { readonly currentReplicas: number; readonly recommendation: number }, nowMs: number) => number {
  let history: Recommendation[] = [];
  const longestMs = Math.max(settings.scaleUpCooldownMs, settings.scaleDownCooldownMs);
  return ({ currentReplicas, recommendation }, nowMs) => {
    if (!keepsHistory(settings)) return recommendation;
    const younger = (windowMs: number) => history.filter(({ atMs }) => nowMs - atMs < windowMs);
    const within = (windowMs: number) => [recommendation, ...younger(windowMs).map(({ replicas }) => replicas)];
    const stabilized =
      recommendation > currentReplicas
        ? Math.max(...within(settings.scaleUpCooldownMs))
        : recommendation < currentReplicas
          ? Math.min(...within(settings.scaleDownCooldownMs))
          : currentReplicas;
    history = [...younger(longestMs), { atMs: nowMs, replicas: recommendation }];
    return stabilized;
  };
}

function keepsHistory({ scaleUpCooldownMs, scaleDownCooldownMs }: AibrixSettings): boolean {
  return scaleUpCooldownMs > 0 || scaleDownCooldownMs > 0;
}

/** Mean of the samples of a window in buckets of one second, both ends included; the last sample of a bucket counts.
 *  Samples expire only when another one is recorded. */
function meanWindow(windowMs: number): { record(value: number, nowMs: number): void; mean(): number } {
  const windowSec = Math.floor(windowMs / 1000);
  let samples: Sample[] = [];
  return {
    record(value, nowMs) {
      const sec = Math.floor(nowMs / 1000);
      samples = [...samples.filter((sample) => sample.sec !== sec && sample.sec >= sec - windowSec), { sec, value }];
    },
    mean: () => (samples.length === 0 ? 0 : samples.reduce((sum, { value }) => sum + value, 0) / samples.length),
  };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
