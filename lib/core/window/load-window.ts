/** The rolling load of one workload: a ring of buckets of integer accumulators, the sources heard, and the offsets applied. */

/** Default: 180 buckets of 5 s = 15 minutes. */
export const BUCKET_MS = 5_000;
export const RING_LENGTH = 180;

/** Time the whole ring holds [ms]. */
export const RING_MS = BUCKET_MS * RING_LENGTH;

/** Sources remembered per workload: more than the pods of any one model; beyond, the one whose last interval ended first is dropped and counted. */
export const SOURCES_MAX = 512;

/** A record with an old offset and a Kafka time this much newer than all applied ones of its partition comes from a re-created topic [ms]. */
export const NEW_EPOCH_MS = 60_000;

/** Who reported: pods see what reaches them, a gateway sees all arrivals (also when no pod exists), a queue sees what waits. Never added to each other. */
export type SourceClass = 'pod' | 'gateway' | 'queue';

/** Accumulators of one class in one bucket: integers below 2^53 in fixed units, so merging in any order gives the same bytes. */
export type Accumulators = {
  /** Covered source time [ms]. */
  coveredMs: number;
  /** Time integrals of gauges [value·ms], of ratios [value·ms / 1000]. */
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
  /** Milli-counts, split over buckets in proportion to time. A queue's enqueued and dequeued messages are its arrived and completed ones. */
  arrived: number;
  completed: number;
  failed: number;
  cancelled: number;
  inputTokens: number;
  outputTokens: number;
  /** Source time covered by those that report arrivals / tokens [ms]. */
  arrivedMs: number;
  tokensMs: number;
  /** Milli-counts of first tokens, and of those later than the objective; source time covered by those that report them [ms]. */
  firstTokens: number;
  lateTokens: number;
  firstTokensMs: number;
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
  /** Length of its last interval [ms]: tells when its next report is due. */
  readonly intervalMs: number;
  /** In flight at the last report [milli]; -1 when it did not say. */
  readonly inFlightMilli: number;
  /** Kafka time of the record that said so [epoch ms]. */
  readonly lastSeenMs: number;
  /** null: it did not say. */
  readonly ready: boolean | null;
};

/** Last applied record of a topic-partition. `timestampMs` is the newest Kafka time applied so far: producers' clocks make times go back. */
export type AppliedMark = { readonly offset: number; readonly timestampMs: number };

export type LoadWindow = {
  /** Slot → bucket; holes are buckets never written. */
  readonly buckets: readonly (WindowBucket | undefined)[];
  readonly sources: ReadonlyMap<string, SourceMark>;
  /** By `TOPIC-PARTITION`. */
  readonly applied: ReadonlyMap<string, AppliedMark>;
  /** No decrease before this time (re-created topic, rewind) [epoch ms]; 0 when there is no hold. */
  readonly holdUntilMs: number;
  /** First event time ever heard [epoch ms]: coverage before it is not expected; 0 when nothing was heard. */
  readonly firstHeardMs: number;
  /** Sources dropped because there were too many. */
  readonly sourcesDropped: number;
};

/** A window that heard nothing. */
export function emptyWindow(): LoadWindow {
  return {
    buckets: Array.from({ length: RING_LENGTH }, () => undefined),
    sources: new Map(),
    applied: new Map(),
    holdUntilMs: 0,
    firstHeardMs: 0,
    sourcesDropped: 0,
  };
}

/** Index of the newest bucket, -1 when there is none. */
export function newestIndexOf(window: Pick<LoadWindow, 'buckets'>): number {
  let newest = -1;
  for (const bucket of window.buckets) if (bucket !== undefined && bucket.index > newest) newest = bucket.index;
  return newest;
}

/** Class of a source by its prefix: `gateway/`, `queue/` or `kafka/`, everything else is a pod. */
export function sourceClassOf(source: string): SourceClass {
  if (source.startsWith('gateway/')) return 'gateway';
  return source.startsWith('queue/') || source.startsWith('kafka/') ? 'queue' : 'pod';
}
