/** Load scaling of NVIDIA Dynamo's planner 1.3.1 with static thresholds and its GPU budget: one worker more or less at a time. */
import { withinBudget, withinBudgetAlone } from './budget.ts';

/** Thresholds of the target `load`; the other targets have theirs built in. Budgets below 0 mean none. */
export type DynamoSettings = {
  readonly mode: 'prefill' | 'decode' | 'agg' | 'disagg';
  readonly optimizationTarget: 'throughput' | 'latency' | 'load';
  readonly minEndpoint: number;
  readonly maxGpuBudget: number;
  readonly prefillGpusPerEngine: number;
  readonly decodeGpusPerEngine: number;
  readonly contextLengthTokens: number;
  readonly maxKvTokens: number;
  readonly prefillScaleUpQueueTokens: number | null;
  readonly prefillScaleDownQueueTokens: number | null;
  readonly decodeScaleUpKvPercent: number | null;
  readonly decodeScaleDownKvPercent: number | null;
};

/** What one engine reports of its last forward pass [tokens]. */
export type DynamoEngine = {
  readonly queuedPrefillTokens: number;
  readonly scheduledDecodeKvTokens: number;
  readonly queuedDecodeKvTokens: number;
};

/** Aggregated engines count as `decode`. */
export type DynamoInput = {
  readonly readyPrefill?: number;
  readonly expectedPrefill?: number;
  readonly prefillScalingInProgress?: boolean;
  readonly prefillEngines?: readonly DynamoEngine[];
  readonly readyDecode?: number;
  readonly expectedDecode?: number;
  readonly decodeScalingInProgress?: boolean;
  readonly decodeEngines?: readonly DynamoEngine[];
};

export type DynamoReason =
  | 'scale_up'
  | 'scale_down'
  | 'no_change'
  | 'scaling_in_progress'
  | 'no_fpm_data'
  | 'worker_count_mismatch';

/** `decision` null: nothing is written. A side that is not part of the mode is null. */
export type DynamoAnswer = {
  readonly decision: { readonly prefill: number | null; readonly decode: number | null } | null;
  readonly reason: DynamoReason;
};

type Side = {
  readonly ready: number;
  readonly engines: readonly DynamoEngine[];
  readonly inProgress: boolean;
  readonly thresholds: Thresholds;
  readonly load: (engine: DynamoEngine) => number;
};

/** When any engine's load asks for one more, and when every engine's load allows one less. */
type Thresholds = { readonly up: (load: number) => boolean; readonly down: (load: number) => boolean };

/** One load tick. The rule has no memory: the counts of workers carry the state. */
export function dynamoLoadScaling(settings: DynamoSettings, input: DynamoInput): DynamoAnswer {
  if (settings.mode === 'disagg') return scaleBoth(settings, input);
  return scaleOne(settings, settings.mode === 'prefill' ? prefillSide(settings, input) : decodeSide(settings, input));
}

function scaleOne(settings: DynamoSettings, side: Side): DynamoAnswer {
  if (side.inProgress) return unchanged('scaling_in_progress');
  if (side.engines.length === 0) return unchanged('no_fpm_data');
  if (side.engines.length !== side.ready) return unchanged('worker_count_mismatch');
  const wanted = vote(settings, side);
  if (wanted === null) return unchanged('no_change');
  const replicas = withinBudgetAlone(settings, wanted);
  const decision =
    settings.mode === 'prefill' ? { prefill: replicas, decode: null } : { prefill: null, decode: replicas };
  // Written even where the budget or the minimum leaves the count as it is.
  return { decision, reason: reasonOf([{ wanted: replicas, ready: side.ready }]) };
}

/** Both counts are written as soon as one side votes; the other side's is its ready count, so that a worker
 *  which is still loading there would be cancelled: hence nothing is done while either side is in progress. */
function scaleBoth(settings: DynamoSettings, input: DynamoInput): DynamoAnswer {
  const prefill = prefillSide(settings, input);
  const decode = decodeSide(settings, input);
  if (prefill.inProgress || decode.inProgress) return unchanged('scaling_in_progress');
  if (prefill.engines.length === 0 && decode.engines.length === 0) return unchanged('no_fpm_data');
  const votes = { prefill: voteIfHeard(settings, prefill), decode: voteIfHeard(settings, decode) };
  if (votes.prefill === null && votes.decode === null) return unchanged('no_change');
  const decision = withinBudget(settings, {
    prefill: votes.prefill ?? prefill.ready,
    decode: votes.decode ?? decode.ready,
  });
  const reason = reasonOf([
    { wanted: decision.prefill, ready: prefill.ready },
    { wanted: decision.decode, ready: decode.ready },
  ]);
  return reason === 'no_change' ? unchanged(reason) : { decision, reason };
}

function voteIfHeard(settings: DynamoSettings, side: Side): number | null {
  return side.engines.length > 0 && side.engines.length === side.ready ? vote(settings, side) : null;
}

function vote({ minEndpoint }: DynamoSettings, { ready, engines, thresholds, load }: Side): number | null {
  if (ready === 0) return null;
  if (engines.some((engine) => thresholds.up(load(engine)))) return ready + 1;
  if (ready > 1 && engines.every((engine) => thresholds.down(load(engine)))) return Math.max(ready - 1, minEndpoint);
  return null;
}

function prefillSide(settings: DynamoSettings, input: DynamoInput): Side {
  const ready = input.readyPrefill ?? 0;
  const { prefillScaleUpQueueTokens: up, prefillScaleDownQueueTokens: down } = settings;
  const perContext = ({ queuedPrefillTokens }: DynamoEngine) => queuedPrefillTokens / settings.contextLengthTokens;
  return {
    ready,
    engines: input.prefillEngines ?? [],
    inProgress: input.prefillScalingInProgress === true || (input.expectedPrefill ?? ready) !== ready,
    thresholds: {
      throughput: { up: (load: number) => load >= 1, down: (load: number) => load < 0.1 },
      latency: { up: (load: number) => load >= 0.1, down: (load: number) => load <= 0 },
      load: configured(up, down),
    }[settings.optimizationTarget],
    load: settings.optimizationTarget === 'load' ? (engine) => engine.queuedPrefillTokens : perContext,
  };
}

/** Share of the KV memory that running and waiting work needs; aggregated engines count waiting prompts too. May exceed 1. */
function decodeSide(settings: DynamoSettings, input: DynamoInput): Side {
  const ready = input.readyDecode ?? 0;
  const { decodeScaleUpKvPercent: up, decodeScaleDownKvPercent: down } = settings;
  const tokens = (engine: DynamoEngine) =>
    engine.scheduledDecodeKvTokens +
    engine.queuedDecodeKvTokens +
    (settings.mode === 'agg' ? engine.queuedPrefillTokens : 0);
  return {
    ready,
    engines: input.decodeEngines ?? [],
    inProgress: input.decodeScalingInProgress === true || (input.expectedDecode ?? ready) !== ready,
    thresholds: {
      throughput: { up: (load: number) => load > 1, down: (load: number) => load < 0.6 },
      latency: { up: (load: number) => load > 0.4, down: (load: number) => load < 0.1 },
      load: configured(up === null ? null : up / 100, down === null ? null : down / 100),
    }[settings.optimizationTarget],
    load: (engine) => tokens(engine) / settings.maxKvTokens,
  };
}

function configured(up: number | null, down: number | null): Thresholds {
  return { up: (load) => up !== null && load >= up, down: (load) => down !== null && load <= down };
}

function unchanged(reason: DynamoReason): DynamoAnswer {
  return { decision: null, reason };
}

function reasonOf(counts: readonly { readonly wanted: number; readonly ready: number }[]): DynamoReason {
  if (counts.some(({ wanted, ready }) => wanted > ready)) return 'scale_up';
  return counts.some(({ wanted, ready }) => wanted < ready) ? 'scale_down' : 'no_change';
}
