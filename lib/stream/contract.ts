/**
 * To add a stream (say, Kinesis):
 * 1. implement {@link Stream} in a file of its own,
 * 2. name it in `index.ts`,
 * 3. run `test/conformance/stream.ts` against it.
 */

/** One record as the loop sees it. The shape follows Lambda's Kafka event, so that both hosts call the same stage. */
export type StreamRecord = {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** The broker's time of the record [epoch ms]. */
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  /** Null is a tombstone. */
  readonly value: Uint8Array | null;
  /** Header names are lower-cased; the last one of a name wins. */
  readonly headers: Readonly<Record<string, string>>;
};

/** Records of one topic-partition, ascending offsets (gaps are legal: compaction, aborted transactions). */
export type RecordBatch = {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly StreamRecord[];
  /** Records not yet fetched behind this batch, when known. */
  readonly lag: number | null;
};

/** `TOPIC-PARTITION`, the key of Lambda's `records` map. */
export function topicPartition(record: { readonly topic: string; readonly partition: number }): string {
  return `${record.topic}-${record.partition}`;
}

/** What a consumer's owner answers to a batch. */
export type BatchAnswer = {
  /** First offset that was not applied; undefined: everything was. It and everything after it is delivered again. */
  readonly retryFromOffset?: number;
};

export type ConsumerHandlers = {
  /** Called with one batch per partition at a time, partitions side by side. The offset is committed after the answer. A throw means: retry the whole batch after a pause. */
  onBatch(batch: RecordBatch): Promise<BatchAnswer>;
  /** Asked when partitions are assigned. */
  startOffset(topicPartition: { topic: string; partition: number }): Promise<StartWish>;
  /**
   * Told of records that will never be delivered, before anything after them is and before the commit goes past them. A throw means: try again after a pause.
   * Without this handler they are only counted and logged.
   */
  onSkipped?(range: SkippedRange): Promise<void>;
};

/**
 * Where to go on: an offset (inclusive), undefined for the committed offset, or `lookback` for an owner that has forgotten what it heard: from the
 * beginning of the lookback on, or from the committed offset where that is earlier.
 */
export type StartWish = number | 'lookback' | undefined;

/** Records that were passed over, and why. */
export type SkippedRange = {
  readonly topic: string;
  readonly partition: number;
  /** First offset passed over. */
  readonly fromOffset: number;
  /** Last offset passed over. */
  readonly toOffset: number;
  /**
   * `expired`: retention deleted them before they were read. `oversized`: their batch decodes to more than allowed. `unreadable`: their batch
   * cannot be decoded. `vanished`: the log ends before them (the topic was made anew, or lost its tail).
   */
  readonly reason: 'expired' | 'oversized' | 'unreadable' | 'vanished';
  /** For people, one line. */
  readonly detail: string;
};

export type ConsumerSettings = {
  /** Consumer group. Members share the partitions. */
  readonly group: string;
  readonly topics: readonly string[];
  /** How far before now a group that has committed nothing begins [ms]: the length of the ring of buckets. Default 15 min. */
  readonly lookbackMs?: number;
};

export type StreamConsumer = {
  /**
   * Joins the group and runs until `stop`. Resolves when joined. Rejects, and is stopped, with ConfigError (an address that does not exist, an
   * unknown topic), DeniedError (a wrong password, a missing ACL) or TransientError (no broker answered in time). Later trouble is retried
   * for ever, with pauses; `status` tells.
   */
  start(handlers: ConsumerHandlers): Promise<void>;
  /**
   * Goes back (or forward) in every assigned partition to what `startOffset` answers now (undefined: to the committed offset): after Redis was lost or
   * restarted. Resolves when every partition stands there; running batches are awaited first.
   */
  reseek(): Promise<void>;
  /** Stops fetching until `resume`: back-pressure. The group membership is kept. */
  pause(): void;
  resume(): void;
  /** Finishes the running batches, commits, leaves the group. */
  stop(): Promise<void>;
  /** joining → running → stopped, or failed with a reason. */
  status(): {
    readonly state: 'idle' | 'joining' | 'running' | 'paused' | 'stopped' | 'failed';
    readonly reason?: string;
  };
};

export type OutgoingRecord = {
  readonly topic: string;
  readonly key: string | Uint8Array | null;
  readonly value: string | Uint8Array | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timestampMs?: number;
};

export type StreamProducer = {
  /**
   * Resolves when all records are acknowledged by all in-sync replicas; on an error some of them may have been written. Throws TransientError (try
   * again), BadEventError (too large), NotFoundError (no such topic), DeniedError.
   */
  send(records: readonly OutgoingRecord[]): Promise<void>;
  close(): Promise<void>;
};

/** Lag of a consumer group on a topic. */
export type BrokerLag =
  | {
      readonly kind: 'value';
      /** Σ end offset − max(committed, log start) over all partitions [records]. */
      readonly depth: number;
      /** Estimated from the history of end offsets; null until enough was seen [ms]. */
      readonly oldestAgeMs: number | null;
      /** Since the previous reading [records]. */
      readonly enqueued: number | null;
      readonly dequeued: number | null;
    }
  /** Any unknown partition makes the total unknown. */
  | { readonly kind: 'missing'; readonly reason: string };

export type LagReader = {
  read(of: { readonly topic: string; readonly group: string }): Promise<BrokerLag>;
  close(): Promise<void>;
};

export type StreamAdmin = {
  /** Creates topics that do not exist yet and waits until each partition has a leader. */
  ensureTopics(
    topics: readonly { readonly topic: string; readonly partitions: number; readonly replicationFactor: number }[],
  ): Promise<void>;
  close(): Promise<void>;
};

/** One kind of stream, ready to use. */
export type Stream = {
  consumer(settings: ConsumerSettings): StreamConsumer;
  producer(): StreamProducer;
  lagReader(): LagReader;
  admin(): StreamAdmin;
};
