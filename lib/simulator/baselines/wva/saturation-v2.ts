/** Saturation analyzer V2 of llm-d's workload-variant-autoscaler (commit b08b1c77, 2026-02): demand and capacity of KV memory in tokens. */
import type { WvaVariantState } from './saturation-v1.ts';
import { wvaCostAwareTargets } from './optimizer.ts';

export type WvaV2Settings = {
  readonly kvCacheThreshold: number;
  readonly queueLengthThreshold: number;
  readonly scaleUpThreshold: number;
  readonly scaleDownBoundary: number;
  readonly variants: readonly WvaVariant[];
};

/** `cost` of a replica in any unit. Engine arguments where they are known: they bound what a replica can compute. */
export type WvaVariant = {
  readonly variant: string;
  readonly cost: number;
  readonly totalKvTokens: number;
  readonly accelerator: string;
  readonly engine?: { readonly maxBatchedTokens: number; readonly maxSeqs: number };
};

/** One replica that reports; token counts are means over its requests. */
export type WvaV2Replica = {
  readonly variant: string;
  readonly queueLength: number;
  readonly tokensInUse: number;
  readonly avgInputTokens: number;
  readonly avgOutputTokens: number;
  /** 0..1. */
  readonly prefixCacheHitRate: number;
};

/** `schedulerQueue*`: requests that wait in front of all replicas. */
export type WvaV2Input = {
  readonly replicas: readonly WvaV2Replica[];
  readonly variants: readonly WvaVariantState[];
  readonly schedulerQueueSize?: number;
  readonly schedulerQueueBytes?: number;
};

export type WvaV2Decision = {
  readonly targets: Readonly<Record<string, number>>;
  readonly totalSupplyTokens: number;
  readonly totalDemandTokens: number;
  readonly requiredCapacityTokens: number;
  readonly spareCapacityTokens: number;
  readonly perReplicaCapacityTokens: Readonly<Record<string, number>>;
};

/** Readings of the compute-bound capacity that are averaged. */
const HISTORY_LENGTH = 10;
/** Bytes of a prompt that make a token, where only bytes are known. */
const BYTES_PER_TOKEN = 4;

/** Starts an analyzer that has learned nothing. Each call is one optimization of one model over all its variants. */
export function wvaSaturationV2(settings: WvaV2Settings): (input: WvaV2Input) => WvaV2Decision {
  const history = new Map<string, number[]>();
  const capacities = new Map<string, number>();
  const variantOf = new Map(settings.variants.map((variant) => [variant.variant, variant]));
  const capacityTokens = (variant: string) => capacities.get(variant) ?? 0;

  return (input) => {
    for (const { variant } of input.variants) {
      const known = variantOf.get(variant);
      const live = input.replicas.filter((replica) => replica.variant === variant);
      if (!known || live.length === 0) continue;
      capacities.set(
        variant,
        median(live.map((replica) => capacityOf(settings, { variant: known, replica, history }))),
      );
    }
    const sumOver = (count: (state: WvaVariantState) => number) =>
      sum(input.variants.map((state) => count(state) * capacityTokens(state.variant)));
    const totalDemandTokens = sum(input.replicas.map(demandOf)) + schedulerDemand(input);
    const totalSupplyTokens = sumOver(({ currentReplicas, pendingReplicas }) => currentReplicas - pendingReplicas);
    const anticipatedTokens = sumOver(({ currentReplicas }) => currentReplicas);
    const requiredCapacityTokens = Math.max(0, totalDemandTokens / settings.scaleUpThreshold - anticipatedTokens);
    const spareCapacityTokens = Math.max(0, totalSupplyTokens - totalDemandTokens / settings.scaleDownBoundary);
    const isLive = (variant: string) => input.replicas.some((replica) => replica.variant === variant);
    const options = input.variants.map(({ variant, currentReplicas }) => ({
      variant,
      currentReplicas,
      // The price comes with a replica's readings, so that a variant without replicas looks free.
      cost: isLive(variant) ? (variantOf.get(variant)?.cost ?? 0) : 0,
      capacityTokens: capacityTokens(variant),
    }));
    return {
      targets: wvaCostAwareTargets(options, { requiredCapacityTokens, spareCapacityTokens }),
      totalSupplyTokens,
      totalDemandTokens,
      requiredCapacityTokens,
      spareCapacityTokens,
      perReplicaCapacityTokens: Object.fromEntries(
        input.variants
          .map(({ variant }) => [variant, capacityTokens(variant)] as const)
          .filter(([, tokens]) => tokens > 0),
      ),
    };
  };
}

/** Waiting requests count with their prompts only, in whole tokens. */
function demandOf({ tokensInUse, queueLength, avgInputTokens }: WvaV2Replica): number {
  return tokensInUse + queueLength * Math.trunc(avgInputTokens);
}

/** The smaller of what memory and computing allow [tokens]. A replica with a full queue shows its computing limit. */
function capacityOf(
  settings: WvaV2Settings,
  {
    variant,
    replica,
    history,
  }: { readonly variant: WvaVariant; readonly replica: WvaV2Replica; readonly history: Map<string, number[]> },
): number {
  const memoryBound = variant.totalKvTokens * settings.kvCacheThreshold;
  const key = `${variant.accelerator}|${outputBucket(replica.avgOutputTokens)}`;
  const seen = history.get(key) ?? [];
  if (replica.queueLength >= settings.queueLengthThreshold && replica.tokensInUse > 0) {
    history.set(key, [...seen, replica.tokensInUse].slice(-HISTORY_LENGTH));
    return Math.min(memoryBound, replica.tokensInUse);
  }
  if (seen.length > 0) return Math.min(memoryBound, sum(seen) / seen.length);
  return Math.min(memoryBound, engineBound(variant, replica) ?? memoryBound);
}

/** From the engine's arguments: sequences that fit a step, each half through its output. Undefined when unknown. */
function engineBound({ engine }: WvaVariant, replica: WvaV2Replica): number | undefined {
  const { avgInputTokens: input, avgOutputTokens: output } = replica;
  if (!engine || output <= 0) return undefined;
  const sequences = Math.min((engine.maxBatchedTokens * output) / (input + output), engine.maxSeqs);
  return sequences * (input + output / 2);
}

function outputBucket(avgOutputTokens: number): string {
  if (avgOutputTokens < 100) return 'short';
  return avgOutputTokens < 500 ? 'medium' : 'long';
}

function schedulerDemand({ replicas, schedulerQueueSize = 0, schedulerQueueBytes = 0 }: WvaV2Input): number {
  if (schedulerQueueSize <= 0 || replicas.length === 0) return 0;
  const meanOf = (read: (replica: WvaV2Replica) => number) => sum(replicas.map(read)) / replicas.length;
  const prompts = Math.max(
    schedulerQueueBytes / BYTES_PER_TOKEN,
    schedulerQueueSize * meanOf((replica) => replica.avgInputTokens),
  );
  const computed = 1 - meanOf((replica) => replica.prefixCacheHitRate);
  return prompts * computed + schedulerQueueSize * meanOf((replica) => replica.avgOutputTokens);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? 0;
  const high = sorted[Math.floor(middle)] ?? 0;
  return (low + high) / 2;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
