/** The rolling load of one workload: a ring of buckets of integer accumulators, the sources heard, and the offsets applied. */

/** Default: 180 buckets of 5 s = 15 minutes. */
export const BUCKET_MS = 5_000;
export const RING_LENGTH = 180;

/** Who reported: pods see what reaches them, a gateway sees all arrivals (also when no pod exists), a queue sees what waits. Never added to each other. */
export type SourceClass = 'pod' | 'gateway' | 'queue';

/** Accumulators of one class in one bucket: integers below 2^53 in fixed units, so merging in any order gives the same bytes. */
export type Accumulators = {
  /** Covered source time [ms]. */
  coveredMs: number;
  /** Time integrals of gauges, value × ms in milli-units [milli·ms / 1000 = value·ms]; see fold.ts for the unit of each. */
  inFlight: number;
  queued: number;
  depth: number;
  work: number;
  gpuRatio: number;
  kvCacheRatio: number;
  /** Source time covered by each optional gauge [ms], so that its mean is over those that report it. */
  inFlightMs: number;
  queuedMs: number;
  depthMs: number;
  workMs: number;
  gpuMs: number;
  kvCacheMs: number;
  /** Milli-counts, split over buckets in proportion to time. */
  arrived: number;
  completed: number;
  failed: number;
  cancelled: number;
  inputTokens: number;
  outputTokens: number;
  /** Source time covered by those that report arrivals / tokens [ms]. */
  arrivedMs: number;
  tokensMs: number;
  /** Largest oldest age heard [ms] (a maximum: order does not matter either). */
  oldestAgeMs: number;
};

export type WindowBucket = {
  /** floor(time / BUCKET_MS): a slot of the ring is overwritten when a newer index comes. */
  readonly index: number;
  readonly byClass: Readonly<Partial<Record<SourceClass, Readonly<Accumulators>>>>;
};

export type SourceMark = {
  readonly lastEndMs: number;
  /** In flight at the last report [milli]; -1 when it did not say. */
  readonly inFlightMilli: number;
  readonly lastSeenMs: number;
  /** null: it did not say. */
  readonly ready: boolean | null;
};

/** Last applied record of a topic-partition. */
export type AppliedMark = { readonly offset: number; readonly timestampMs: number };

export type LoadWindow = {
  /** Slot → bucket; holes are buckets never written. */
  readonly buckets: readonly (WindowBucket | undefined)[];
  readonly sources: ReadonlyMap<string, SourceMark>;
  /** By `TOPIC-PARTITION`. */
  readonly applied: ReadonlyMap<string, AppliedMark>;
  /** No decrease before this time (re-created topic, rewind) [epoch ms]; 0 when there is no hold. */
  readonly holdUntilMs: number;
  /** First event time ever heard [epoch ms]: coverage before it is not expected. */
  readonly firstHeardMs: number;
  /** Sources dropped because there were too many. */
  readonly sourcesDropped: number;
};
