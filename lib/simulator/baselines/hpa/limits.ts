/** From a proposal to replicas: stabilization over past proposals, then limits of the rate. Keeps what happened before. */
import type { HpaConfig, HpaPolicy, HpaScalingRules } from './types.ts';

/** The API's longest stabilization window: older proposals cannot matter. */
const STABILIZATION_MAX_MS = 3_600_000;
/** The API's longest period of a policy: older scale events cannot matter. */
const PERIOD_MAX_MS = 1_800_000;

type Stamped = { readonly atMs: number; readonly replicas: number };

export type HpaLimits = {
  /** At the start of every sync: the first one notes the replicas it found as a proposal. */
  seed(replicas: number, nowMs: number): void;
  /** Replicas to set instead of `proposal`, and remembers the proposal. */
  apply(replicas: { readonly current: number; readonly proposal: number }, nowMs: number): number;
  /** Remembers that replicas changed by the HPA; `atMs` is when the write ended. */
  noteChange(change: { readonly from: number; readonly to: number }, atMs: number): void;
};

/** Starts without memory, as after a restart of the controller. Source: HPA controller (Kubernetes 1.37). */
export function makeHpaLimits(config: HpaConfig): HpaLimits {
  let proposals: Stamped[] = [];
  let additions: Stamped[] = [];
  let removals: Stamped[] = [];

  return {
    seed: (replicas, nowMs) => {
      if (proposals.length === 0) proposals = [{ atMs: nowMs, replicas }];
    },
    apply: ({ current, proposal }, nowMs) => {
      const stable = stabilise(config, { current, proposal, nowMs, proposals });
      proposals = [
        ...proposals.filter((past) => past.atMs >= nowMs - STABILIZATION_MAX_MS),
        { atMs: nowMs, replicas: proposal },
      ];
      if (config.behavior === null) return limitByDoubling(config, { current, stable });
      const start = (policy: HpaPolicy): number =>
        current - changedSince(additions, nowMs - policy.periodMs) + changedSince(removals, nowMs - policy.periodMs);
      if (stable > current)
        return Math.min(stable, config.maxReplicas, ceiling(config.behavior.scaleUp, { current, start }));
      if (stable < current)
        return Math.max(stable, config.minReplicas, floor(config.behavior.scaleDown, { current, start }));
      return stable;
    },
    noteChange: ({ from, to }, atMs) => {
      if (config.behavior === null) return;
      const isRecent = (event: Stamped): boolean => event.atMs > atMs - PERIOD_MAX_MS;
      if (to > from) additions = [...additions.filter(isRecent), { atMs, replicas: to - from }];
      else removals = [...removals.filter(isRecent), { atMs, replicas: from - to }];
    },
  };
}

function stabilise(
  config: HpaConfig,
  sync: { readonly current: number; readonly proposal: number; readonly nowMs: number; readonly proposals: Stamped[] },
): number {
  const { current, proposal, nowMs, proposals } = sync;
  if (config.behavior === null) {
    // Inclusive here, strict with a behavior block: as the original has it.
    const kept = proposals.filter((past) => past.atMs >= nowMs - config.downscaleStabilizationMs);
    return kept.reduce((largest, past) => Math.max(largest, past.replicas), proposal);
  }
  const upMs = config.behavior.scaleUp.stabilizationWindowMs ?? 0;
  const downMs = config.behavior.scaleDown.stabilizationWindowMs ?? config.downscaleStabilizationMs;
  let upTo = proposal;
  let downTo = proposal;
  for (const past of proposals) {
    if (past.atMs > nowMs - upMs) upTo = Math.min(upTo, past.replicas);
    if (past.atMs > nowMs - downMs) downTo = Math.max(downTo, past.replicas);
  }
  return Math.min(Math.max(current, upTo), downTo);
}

function limitByDoubling(config: HpaConfig, replicas: { readonly current: number; readonly stable: number }): number {
  const most = Math.min(config.maxReplicas, Math.max(2 * replicas.current, 4));
  return replicas.stable < config.minReplicas ? config.minReplicas : Math.min(replicas.stable, most);
}

/** An event exactly one period old counts no more. */
function changedSince(events: readonly Stamped[], sinceMs: number): number {
  return events.reduce((sum, event) => (event.atMs > sinceMs ? sum + event.replicas : sum), 0);
}

type Rate = { readonly current: number; readonly start: (policy: HpaPolicy) => number };

function ceiling(rules: HpaScalingRules, { current, start }: Rate): number {
  if (rules.selectPolicy === 'Disabled') return current;
  const limits = rules.policies.map((policy) =>
    policy.type === 'Pods' ? start(policy) + policy.value : Math.ceil(start(policy) * (1 + policy.value / 100)),
  );
  const limit = rules.selectPolicy === 'Max' ? Math.max(...limits) : Math.min(...limits);
  return Math.max(limit, current);
}

function floor(rules: HpaScalingRules, { current, start }: Rate): number {
  if (rules.selectPolicy === 'Disabled') return current;
  const limits = rules.policies.map((policy) =>
    policy.type === 'Pods' ? start(policy) - policy.value : Math.trunc(start(policy) * (1 - policy.value / 100)),
  );
  // `Max` means the policy that allows the largest change: downwards that is the lowest floor.
  const limit = rules.selectPolicy === 'Max' ? Math.min(...limits) : Math.max(...limits);
  return Math.min(limit, current);
}
