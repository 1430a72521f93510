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
    readonly failedStartRatio: number;
    readonly sloWaitSec: number;
    readonly scale: number;
    readonly warmupSec: number;
    readonly fromSec: number;
    readonly toSec: number;
    readonly replicas: { readonly min: number; readonly max: number };
    readonly capacity: { readonly requestsPerSec: number; readonly concurrency: number };
  };
  readonly seed: number;
  readonly versions: Readonly<Record<string, string>>;
  /** `penstock`, each peer (`hpa`, `hpa:tuned`), `static`, `optimum`. */
  readonly policies: Readonly<Record<string, PolicyFigures>>;
};

/** Downsampled for plots: one value per step. */
export type ReplaySeries = {
  /** Seconds since the start of the scored part, of the first value, and between values. */
  readonly fromSec: number;
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
