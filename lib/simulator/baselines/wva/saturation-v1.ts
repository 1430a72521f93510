/** Saturation analyzer V1 of llm-d's workload-variant-autoscaler (commit b08b1c77, 2026-02): spare KV memory and queue, one replica at a time. */

/** Thresholds as ratios of KV memory and as requests. */
export type WvaV1Settings = {
  readonly kvCacheThreshold: number;
  readonly queueLengthThreshold: number;
  readonly kvSpareTrigger: number;
  readonly queueSpareTrigger: number;
};

/** One replica that reports. `kvUsage` 0..1. */
export type WvaV1Replica = { readonly variant: string; readonly kvUsage: number; readonly queueLength: number };

/** `desiredReplicas`: the decision before, 0 when there was none. */
export type WvaVariantState = {
  readonly variant: string;
  readonly currentReplicas: number;
  readonly desiredReplicas: number;
  readonly pendingReplicas: number;
};

export type WvaV1Input = {
  readonly replicas: readonly WvaV1Replica[];
  readonly variants: readonly WvaVariantState[];
  /** Price of a replica of each variant; any unit. */
  readonly costs: Readonly<Record<string, number>>;
};

export type WvaV1Decision = {
  readonly targets: Readonly<Record<string, number>>;
  readonly shouldScaleUp: boolean;
  readonly scaleDownSafe: boolean;
  readonly avgSpareKv: number;
  readonly avgSpareQueue: number;
  readonly nonSaturatedCount: number;
};

/** One optimization of one model over all its variants. Pure; the state before comes in through the variants. */
export function wvaSaturationV1(settings: WvaV1Settings, input: WvaV1Input): WvaV1Decision {
  const spare = input.replicas
    .filter(({ kvUsage, queueLength }) => !isSaturated(settings, { kvUsage, queueLength }))
    .map(({ kvUsage, queueLength }) => ({
      kv: settings.kvCacheThreshold - kvUsage,
      queue: settings.queueLengthThreshold - queueLength,
    }));
  const avgSpareKv = mean(spare.map(({ kv }) => kv));
  const avgSpareQueue = mean(spare.map(({ queue }) => queue));
  const nonSaturatedCount = spare.length;
  const shouldScaleUp = avgSpareKv < settings.kvSpareTrigger || avgSpareQueue < settings.queueSpareTrigger;
  const scaleDownSafe = isSafeWithOneLess(settings, { avgSpareKv, avgSpareQueue, nonSaturatedCount });
  const targets = targetsOf(input, { shouldScaleUp, scaleDownSafe });
  return { targets, shouldScaleUp, scaleDownSafe, avgSpareKv, avgSpareQueue, nonSaturatedCount };
}

function isSaturated(settings: WvaV1Settings, replica: Pick<WvaV1Replica, 'kvUsage' | 'queueLength'>): boolean {
  return replica.kvUsage >= settings.kvCacheThreshold || replica.queueLength >= settings.queueLengthThreshold;
}

/** Spreads the load of n replicas over n − 1 and asks whether both triggers still have their distance. */
function isSafeWithOneLess(
  settings: WvaV1Settings,
  spare: { readonly avgSpareKv: number; readonly avgSpareQueue: number; readonly nonSaturatedCount: number },
): boolean {
  const count = spare.nonSaturatedCount;
  if (count < 2) return false;
  const growth = count / (count - 1);
  const kvLeft = settings.kvCacheThreshold - (settings.kvCacheThreshold - spare.avgSpareKv) * growth;
  const queueLeft = settings.queueLengthThreshold - (settings.queueLengthThreshold - spare.avgSpareQueue) * growth;
  return kvLeft >= settings.kvSpareTrigger && queueLeft >= settings.queueSpareTrigger;
}

function targetsOf(
  { replicas, variants, costs }: WvaV1Input,
  { shouldScaleUp, scaleDownSafe }: { readonly shouldScaleUp: boolean; readonly scaleDownSafe: boolean },
): Readonly<Record<string, number>> {
  const reporting = (variant: string) => replicas.filter((replica) => replica.variant === variant).length;
  if (variants.some((state) => inTransition(state, reporting(state.variant)))) return heldTargets(variants);
  const targets = Object.fromEntries(variants.map((state) => [state.variant, state.currentReplicas]));
  const byCost = variants.toSorted(
    (left, right) =>
      (costs[left.variant] ?? 0) - (costs[right.variant] ?? 0) || (left.variant < right.variant ? -1 : 1),
  );
  if (shouldScaleUp) {
    const cheapest = byCost[0];
    if (cheapest) targets[cheapest.variant] = cheapest.currentReplicas + 1;
  } else if (scaleDownSafe) {
    const dearest = byCost.toReversed().find(({ currentReplicas }) => currentReplicas > 1);
    if (dearest) targets[dearest.variant] = dearest.currentReplicas - 1;
  }
  return targets;
}

/** Any change under way in one variant blocks all of them. */
function inTransition(state: WvaVariantState, reportingCount: number): boolean {
  const isMoving = state.desiredReplicas !== 0 && state.desiredReplicas !== state.currentReplicas;
  return isMoving || state.pendingReplicas > 0 || reportingCount !== state.currentReplicas;
}

function heldTargets(variants: readonly WvaVariantState[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    variants.map(({ variant, currentReplicas, desiredReplicas }) => [
      variant,
      desiredReplicas === 0 ? currentReplicas : desiredReplicas,
    ]),
  );
}

/** 0 for nothing. */
function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
