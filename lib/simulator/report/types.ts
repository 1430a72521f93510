/** What a replay answers: figures per policy, and series for the page. */

export type PolicyFigures = {
  /** From launch to the end of the drain [GPU-hours]. */
  readonly gpuHours: number;
  readonly costUsd: number;
  readonly requestCount: number;
  /** Requests that waited longer than the SLO wait. */
  readonly sloMissCount: number;
  /** 0..1. */
  readonly sloAttainmentRatio: number;
  /** GPU-hours over those of the optimum. */
  readonly ratioToOptimum: number;
  /** GPU-hours over those of the window rule, a planner's rule with hindsight. */
  readonly ratioToWindowRule: number;
  /** Arrival to admission. */
  readonly waitSec: { readonly p50: number; readonly p99: number; readonly max: number };
  /** With the `requests` engine. */
  readonly ttftMs?: { readonly p50: number; readonly p99: number };
  readonly interTokenMs?: { readonly p50: number; readonly p99: number };
  readonly replicaStarts: number;
  readonly directionChanges: number;
  readonly replicasMax: number;
  /** Setting → its value with unit and reason, as the run used it. */
  readonly settings: Readonly<Record<string, string>>;
};

export type ReplayReport = {
  readonly trace: {
    readonly file: string;
    readonly format: string;
    /** SHA-256 of what was read. */
    readonly digest: string;
    readonly requestCount: number;
    readonly durationSec: number;
    readonly skippedLines: number;
  };
  /** Everything that makes the run repeatable. */
  readonly settings: {
    readonly engine: 'fluid' | 'requests';
    readonly tickSec: number;
    readonly replicaClass: string;
    readonly leadTimeSec: number;
    readonly leadTimeSigma: number;
    /** Wait for a machine before each start; null: none. */
    readonly capacityWait:
      | { readonly kind: 'recorded'; readonly cutSec: number | null }
      | { readonly kind: 'quantiles'; readonly p50Sec: number; readonly p95Sec: number }
      | null;
    readonly failedStartRatio: number;
    /** Who brings the peers' nodes; `none`: a replica's machine comes and goes with it, for everybody. */
    readonly peerNodes: 'none' | 'cluster-autoscaler' | 'karpenter';
    /** Of the lead time, what a replica needs on a node that is there; counts only with `peerNodes`. */
    readonly warmStartSec: number;
    readonly sloWaitSec: number;
    readonly scale: number;
    /** Copies of recorded requests, shifted by random hours. */
    readonly overlay: number;
    readonly warmupSec: number;
    readonly fromSec: number;
    readonly toSec: number;
    /** As they were given; null: not at all. */
    readonly cut: { readonly from: number | string | null; readonly to: number | string | null };
    readonly columns: {
      readonly timeColumn: string | null;
      readonly timeUnit: string | null;
      readonly rateColumn: string | null;
      readonly rateUnit: string | null;
    };
    readonly skipBadLines: boolean;
    /** Where the lengths of a rate series come from, with the SHA-256 of what was read; null: not from a file. */
    readonly lengths: { readonly file: string; readonly digest: string | null } | null;
    /** The policy that was replayed, with the SHA-256 of its file; null: the plain one. */
    readonly policy: { readonly file: string; readonly digest: string } | null;
    /** The limit that was given by itself; null: the policy's, or from the trace. */
    readonly maxReplicas: number | null;
    readonly tunePeers: boolean;
    readonly sweepRisk: boolean;
    readonly replicas: { readonly min: number; readonly max: number };
    readonly capacity: { readonly requestsPerSec: number; readonly concurrency: number };
  };
  readonly seed: number;
  readonly versions: Readonly<Record<string, string>>;
  /** `penstock` (`penstock:low`), each peer (`hpa`, `hpa:tuned`), `static`, and the yardsticks `optimum` and `windowRule`. */
  readonly policies: Readonly<Record<string, PolicyFigures>>;
};

/** Downsampled for plots: one value per step. */
export type ReplaySeries = {
  /** Of the first value: where the scored part begins [s since the start of the replayed part]. */
  readonly fromSec: number;
  /** Between values [s]. */
  readonly stepSec: number;
  /** Offered work [replicas], mean of each step. */
  readonly load: readonly number[];
  readonly policies: Readonly<
    Record<
      string,
      {
        /** Ready replicas, mean of each step. */
        readonly ready: readonly number[];
        /** Requests that missed the SLO wait, sum of each step. */
        readonly misses: readonly number[];
      }
    >
  >;
};
