/** Numbers of the Kafka consumer, each with its reason. */

export type KafkaTuning = {
  /** A member that is silent for so long loses its partitions [ms]. */
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** Time that all members get to finish their batch when somebody joins or leaves [ms]. */
  readonly rebalanceTimeoutMs: number;
  /** How long the broker holds an empty fetch [ms]. Data are sent at once; this delays pause, seek and stop. */
  readonly fetchWaitMs: number;
  /** Bytes of one fetch, and of one partition in it, as they are on the wire. */
  readonly fetchBytesMax: number;
  readonly partitionFetchBytesMax: number;
  /** Partitions whose batches are handled side by side; each may hold one decoded batch. */
  readonly partitionsConcurrentMax: number;
  /** A batch that decodes to more is passed over [bytes]. */
  readonly decodedBytesMax: number;
  /** Records and decoded bytes after which a batch is handed over. */
  readonly recordsPerBatchMax: number;
  readonly bytesPerBatchMax: number;
  /** `start` gives up after so long without a broker or a topic [ms]. */
  readonly startTimeoutMs: number;
};

export const DEFAULT_TUNING: KafkaTuning = {
  // A killed member's partitions are without an owner for so long; a garbage collection pause stays well below.
  sessionTimeoutMs: 10_000,
  heartbeatIntervalMs: 2_000,
  rebalanceTimeoutMs: 30_000,
  fetchWaitMs: 250,
  // 8 MiB are some 27,000 events of 300 bytes: 0.1 s of work, and the most that is fetched in vain when partitions move.
  fetchBytesMax: 8 * 2 ** 20,
  partitionFetchBytesMax: 2 ** 20,
  partitionsConcurrentMax: 8,
  decodedBytesMax: 64 * 2 ** 20,
  // One round trip to the load state each, and 10 ms of decoding at most between two looks at the event loop.
  recordsPerBatchMax: 10_000,
  bytesPerBatchMax: 8 * 2 ** 20,
  startTimeoutMs: 30_000,
};
