/** One life of a kafkajs consumer: from connecting to leaving the group or a crash. What comes after a crash is decided by its owner. */
import type { Admin, Consumer, ConsumerCrashEvent, ConsumerGroupJoinEvent, EachBatchPayload } from 'kafkajs';
import type { Clock } from '../base/clock.ts';
import { messageOf, TransientError, type PenstockError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { kafkaError } from '../clients/kafka/errors.ts';
import { CONSUMER_RETRY, connectKafka, type KafkaConnection, type KafkaSettings } from '../clients/kafka/client.ts';
import { backoffMs } from './backoff.ts';
import type { ConsumerHandlers, SkippedRange } from './contract.ts';
import { collectCommits, type Commits } from './kafka-commits.ts';
import { deliver } from './kafka-delivery.ts';
import { findPositions, logRanges } from './kafka-positions.ts';
import type { KafkaTuning } from './kafka-tuning.ts';
import { keyOf, type PartitionId } from './positions.ts';

export type SessionOptions = {
  readonly kafka: KafkaSettings;
  readonly group: string;
  readonly topics: readonly string[];
  readonly lookbackMs: number;
  readonly tuning: KafkaTuning;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly handlers: Pick<ConsumerHandlers, 'onBatch' | 'startOffset'> & {
    onSkipped(range: SkippedRange): Promise<void>;
  };
  /** Batches in the handlers, by partition. Outlives the session, so that no partition is ever handled twice at a time. */
  readonly inFlight: Map<string, Promise<void>>;
  readonly isPaused: boolean;
};

/** A partition that this member was given. */
type Assigned = PartitionId & {
  /** Next offset to deliver; null until it is known. */
  position: number | null;
  /** Counts positionings: what was begun before the last one must not move the position. */
  epoch: number;
  /** Failed deliveries in a row. */
  failures: number;
  /** Waits after a failed delivery. */
  isWaiting: boolean;
};

/** Pauses after a failed delivery [ms]: the load state may come back within a second, and is not to be hammered. */
const RETRY = { firstMs: 100, maxMs: 5_000 };
/** A commit may delay the next batch for so long; it is retried inside kafkajs meanwhile. */
const COMMIT_WAIT_MS = 500;
/** Parts of leaving that a dead broker could hold up for ever (kafkajs issue 1616). */
const LEAVE_WAIT_MS = 5_000;
const HANG_UP_WAIT_MS = 1_000;
/** Without a fetch, a join or a batch for so long, kafkajs is taken as stuck and started anew. Longer than all its own timeouts. */
const STUCK_MS = 90_000;
const REJOIN_ERRORS = /REBALANCE_IN_PROGRESS|ILLEGAL_GENERATION|UNKNOWN_MEMBER_ID|NOT_COORDINATOR/;

export class KafkaSession {
  /** Resolves with the first join; rejects when the session ended before. */
  readonly joined: Promise<void>;
  /** Resolves when it is over: with null after `stop`, else with the reason. */
  readonly ended: Promise<PenstockError | null>;

  readonly #options: SessionOptions;
  readonly #connection: KafkaConnection;
  readonly #consumer: Consumer;
  readonly #admin: Admin;
  readonly #commits: Commits;
  readonly #over = new AbortController();
  #adminReady: Promise<void> | null = null;
  #assigned = new Map<string, Assigned>();
  #isPaused: boolean;
  #isStopping = false;
  #isRebalancing = false;
  #lastSignMs: number;
  #heartbeat: (() => Promise<void>) | null = null;
  #running: Promise<void>;
  #placing: Promise<void> = Promise.resolve();
  #resolveJoined: () => void = () => {};
  #rejectJoined: (error: PenstockError) => void = () => {};
  #resolveEnded: (error: PenstockError | null) => void = () => {};

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#isPaused = options.isPaused;
    this.#lastSignMs = options.clock.monotonicMs();
    this.joined = new Promise((resolve, reject) => {
      this.#resolveJoined = resolve;
      this.#rejectJoined = reject;
    });
    this.joined.catch(() => {});
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#connection = connectKafka(options.kafka, { log: options.log, rawBatches: true });
    this.#consumer = makeConsumer(this.#connection, options);
    this.#admin = this.#connection.kafka.admin();
    this.#commits = collectCommits((offsets) => this.#consumer.commitOffsets([...offsets]), {
      clock: options.clock,
      onFailure: (error) => options.log.info('commit failed', { group: options.group, error: messageOf(error) }),
    });
    this.#listen();
    this.#running = this.#run();
    void this.#keepAlive();
  }

  /** Goes to what `startOffset` answers now, in every assigned partition. Resolves when all stand there, or the session is over. */
  async reposition(): Promise<void> {
    await this.#position([...this.#assigned.values()]);
  }

  /** Ends a session that takes too long to join. */
  abandon(): void {
    this.#end(new TransientError('Cannot join the consumer group: expected a broker to let us in, none did in time'));
  }

  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    for (const partition of this.#assigned.values()) this.#applyPause(partition);
  }

  /** Lets running batches finish, commits, leaves the group. */
  async stop(): Promise<void> {
    const { clock, inFlight } = this.#options;
    this.#isStopping = true;
    for (const partition of this.#assigned.values()) this.#applyPause(partition);
    await Promise.all(inFlight.values());
    await this.#commits.settle(LEAVE_WAIT_MS);
    // kafkajs forgets a member that is told to leave while it joins; that member then goes on reading. So the join is awaited first.
    await Promise.race([this.#running, clock.sleep(LEAVE_WAIT_MS, this.#over.signal)]);
    await Promise.race([this.#placing, clock.sleep(LEAVE_WAIT_MS, this.#over.signal)]);
    await Promise.race([this.#consumer.disconnect().catch(() => {}), clock.sleep(LEAVE_WAIT_MS, this.#over.signal)]);
    this.#end(null);
  }

  async #run(): Promise<void> {
    const { topics, group, tuning } = this.#options;
    try {
      await this.#consumer.connect();
      // Where to begin is decided by #position; the beginning is only what kafkajs falls back to when retention overtakes us.
      await this.#consumer.subscribe({ topics: [...topics], fromBeginning: true });
      await this.#consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: tuning.partitionsConcurrentMax,
        eachBatch: (payload) => this.#eachBatch(payload),
      });
    } catch (error) {
      this.#end(kafkaError(error, `consume ${topics.map((topic) => `"${topic}"`).join(', ')} as group "${group}"`));
    }
  }

  #listen(): void {
    const { events } = this.#consumer;
    this.#consumer.on(events.GROUP_JOIN, (event) => this.#onJoin(event));
    this.#consumer.on(events.CRASH, (event) => this.#onCrash(event));
    this.#consumer.on(events.FETCH, () => this.#sign());
    // Batches of transaction markers only never reach eachBatch, but the commit has to pass them.
    this.#consumer.on(events.START_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize === 0) this.#onMarkers(payload, Number(payload.lastOffset) + 1);
    });
  }

  #onJoin(event: ConsumerGroupJoinEvent): void {
    this.#sign();
    this.#isRebalancing = false;
    const assigned = new Map<string, Assigned>();
    for (const [topic, partitions] of Object.entries(event.payload.memberAssignment)) {
      for (const partition of partitions) {
        assigned.set(keyOf({ topic, partition }), {
          topic,
          partition,
          position: null,
          epoch: 0,
          failures: 0,
          isWaiting: false,
        });
      }
    }
    for (const old of this.#assigned.values()) old.epoch++;
    this.#assigned = assigned;
    // Still inside kafkajs's join: paused before anything is fetched from the wrong place.
    for (const partition of assigned.values()) this.#applyPause(partition);
    this.#options.log.info('joined the consumer group', {
      group: this.#options.group,
      partitions: [...assigned.keys()].toSorted(),
    });
    this.#resolveJoined();
    this.#placing = this.#position([...assigned.values()]);
  }

  #onCrash(event: ConsumerCrashEvent): void {
    this.#end(kafkaError(event.payload.error, `consume from Kafka as group "${this.#options.group}"`));
  }

  #onMarkers(of: PartitionId, offset: number): void {
    const partition = this.#assigned.get(keyOf(of));
    if (partition === undefined || partition.position === null || offset <= partition.position) return;
    partition.position = offset;
    this.#commits.mark(partition, offset);
  }

  /** Finds out where the partitions begin, reports what is passed over, and lets them go. Goes on trying until it works or they are gone. */
  async #position(partitions: readonly Assigned[]): Promise<void> {
    for (const partition of partitions) {
      partition.position = null;
      partition.epoch++;
      // The pause after a failed batch belongs to the old position, and its timer no longer wakes this one.
      partition.isWaiting = false;
      this.#applyPause(partition);
    }
    const epochs = partitions.map((partition) => partition.epoch);
    const stillMine = (): readonly Assigned[] =>
      partitions.filter((partition, index) => this.#isCurrent(partition, epochs[index]));
    for (let failures = 0; stillMine().length > 0; failures++) {
      try {
        await this.#placeAll(stillMine());
        return;
      } catch (error) {
        this.#options.log.warn('did not find where to begin', { group: this.#options.group, error: messageOf(error) });
        await this.#pauseAfter(failures);
      }
    }
  }

  async #placeAll(partitions: readonly Assigned[]): Promise<void> {
    const { group, handlers, lookbackMs, clock, inFlight } = this.#options;
    // A batch of the same partition that an earlier assignment began: its owner gets one batch at a time.
    for (const partition of partitions) await inFlight.get(keyOf(partition));
    await this.#commits.settle(COMMIT_WAIT_MS);
    await this.#connectAdmin();
    const epochs = partitions.map((partition) => partition.epoch);
    const positions = await findPositions(this.#admin, {
      group,
      partitions,
      wanted: (partition) => handlers.startOffset({ topic: partition.topic, partition: partition.partition }),
      sinceMs: clock.nowMs() - lookbackMs,
    });
    for (const [index, partition] of partitions.entries()) {
      const found = positions[index];
      if (found === undefined || !this.#isCurrent(partition, epochs[index])) continue;
      if (found.skipped !== null) await this.#reportSkipped(partition, found.skipped);
      if (!this.#isCurrent(partition, epochs[index])) continue;
      this.#consumer.seek({ topic: partition.topic, partition: partition.partition, offset: String(found.offset) });
      partition.position = found.offset;
      this.#applyPause(partition);
    }
  }

  async #connectAdmin(): Promise<void> {
    this.#adminReady ??= this.#admin.connect();
    try {
      await this.#adminReady;
    } catch (error) {
      this.#adminReady = null;
      throw error;
    }
  }

  async #reportSkipped(
    of: PartitionId,
    skipped: Pick<SkippedRange, 'fromOffset' | 'toOffset' | 'reason'>,
  ): Promise<void> {
    const what = skipped.reason === 'expired' ? 'retention deleted them' : 'the log ends before them';
    const detail = `offsets ${skipped.fromOffset} to ${skipped.toOffset} of ${keyOf(of)} were not read: ${what}`;
    await this.#options.handlers.onSkipped({ topic: of.topic, partition: of.partition, ...skipped, detail });
  }

  async #eachBatch(payload: EachBatchPayload): Promise<void> {
    this.#heartbeat = () => payload.heartbeat();
    const key = keyOf(payload.batch);
    const partition = this.#assigned.get(key);
    if (partition === undefined || !this.#mayDeliver(partition)) return;
    const { inFlight } = this.#options;
    const work = this.#deliverTo(partition, payload);
    inFlight.set(key, work);
    await work;
    if (inFlight.get(key) === work) inFlight.delete(key);
    this.#sign();
    await this.#commits.settle(COMMIT_WAIT_MS);
  }

  /** Never rejects: a failed delivery becomes a pause of this one partition. */
  async #deliverTo(partition: Assigned, payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const { epoch } = partition;
    const isMine = (): boolean => this.#isCurrent(partition, epoch);
    const onProgress = (offset: number): void => {
      if (!isMine()) return;
      partition.position = offset;
      partition.failures = 0;
      payload.resolveOffset(String(offset - 1));
      this.#commits.mark(partition, offset);
    };
    try {
      await this.#reportExpired(partition, Number(batch.messages[0]?.value?.readBigInt64BE(0) ?? 0));
      const outcome = await deliver(batch.messages, {
        topic: batch.topic,
        partition: batch.partition,
        fromOffset: partition.position ?? 0,
        highOffset: Number(batch.highWatermark),
        handlers: this.#options.handlers,
        tuning: this.#options.tuning,
        mayGoOn: () => isMine() && payload.isRunning() && this.#mayDeliver(partition),
        onProgress,
      });
      // The last offset of the fetch can be a transaction marker behind the last record.
      if (outcome === 'through' && isMine()) onProgress(Number(batch.lastOffset()) + 1);
      if (outcome === 'retry') this.#retryLater(partition, epoch);
    } catch (error) {
      this.#options.log.warn('batch failed', {
        partition: keyOf(partition),
        offset: partition.position,
        error: messageOf(error),
      });
      this.#retryLater(partition, epoch);
    }
  }

  /** Offsets are missing: legal after compaction or an aborted transaction, not when retention overtook us. */
  async #reportExpired(partition: Assigned, firstOffset: number): Promise<void> {
    const { position } = partition;
    if (position === null || firstOffset <= position) return;
    await this.#connectAdmin();
    const range = (await logRanges(this.#admin, [partition.topic])).get(keyOf(partition));
    if (range === undefined || range.low <= position) return;
    await this.#reportSkipped(partition, {
      fromOffset: position,
      toOffset: Math.min(range.low, firstOffset) - 1,
      reason: 'expired',
    });
  }

  #retryLater(partition: Assigned, epoch: number): void {
    if (!this.#isCurrent(partition, epoch)) return;
    partition.isWaiting = true;
    this.#applyPause(partition);
    const failures = partition.failures++;
    void this.#pauseAfter(failures).then(() => {
      if (!this.#isCurrent(partition, epoch)) return;
      partition.isWaiting = false;
      this.#applyPause(partition);
    });
  }

  async #pauseAfter(failures: number): Promise<void> {
    const { clock, random } = this.#options;
    await clock.sleep(backoffMs(failures, { ...RETRY, random }), this.#over.signal);
  }

  #isCurrent(partition: Assigned, epoch: number | undefined): boolean {
    return (
      !this.#over.signal.aborted && partition.epoch === epoch && this.#assigned.get(keyOf(partition)) === partition
    );
  }

  #mayDeliver(partition: Assigned): boolean {
    return (
      partition.position !== null &&
      !partition.isWaiting &&
      !this.#isPaused &&
      !this.#isStopping &&
      !this.#isRebalancing
    );
  }

  /** Tells kafkajs whether to fetch from this partition. */
  #applyPause(partition: Assigned): void {
    if (this.#over.signal.aborted) return;
    const target = [{ topic: partition.topic, partitions: [partition.partition] }];
    const isHeld = partition.position === null || partition.isWaiting || this.#isPaused || this.#isStopping;
    try {
      if (isHeld) this.#consumer.pause(target);
      else this.#consumer.resume(target);
    } catch (error) {
      // kafkajs refuses both between a crash and its event; the session is over then.
      this.#options.log.debug('pause was refused', { error: messageOf(error) });
    }
  }

  /** Heartbeats while handlers are at work (kafkajs sends them only between batches), and a look whether kafkajs is stuck. */
  async #keepAlive(): Promise<void> {
    const { clock, tuning, inFlight } = this.#options;
    while (!this.#over.signal.aborted) {
      await clock.sleep(tuning.heartbeatIntervalMs, this.#over.signal);
      if (this.#over.signal.aborted) return;
      if (inFlight.size > 0) {
        this.#sign();
        await this.#heartbeat?.().catch((error: unknown) => this.#onHeartbeatError(error));
      }
      if (clock.monotonicMs() - this.#lastSignMs > STUCK_MS) {
        this.#end(
          new TransientError(`Cannot consume from Kafka: expected a fetch within ${STUCK_MS} ms, there was none`),
        );
      }
    }
  }

  #onHeartbeatError(error: unknown): void {
    const type = error instanceof Error && 'type' in error ? String(error.type) : '';
    // The running portion is finished, then kafkajs's own heartbeat makes it join again.
    if (REJOIN_ERRORS.test(type)) this.#isRebalancing = true;
  }

  #sign(): void {
    this.#lastSignMs = this.#options.clock.monotonicMs();
  }

  #end(reason: PenstockError | null): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    this.#rejectJoined(reason ?? new TransientError('Cannot join the consumer group: expected to run, it was stopped'));
    this.#resolveEnded(reason);
    void this.#hangUp();
  }

  async #hangUp(): Promise<void> {
    const enough = new AbortController();
    const polite = async (): Promise<void> => {
      await this.#adminReady;
      await this.#admin.disconnect();
    };
    const wait = this.#options.clock.sleep(HANG_UP_WAIT_MS, enough.signal);
    await Promise.race([polite().catch(() => {}), wait]);
    enough.abort();
    this.#connection.cut();
  }
}

function makeConsumer(connection: KafkaConnection, { group, tuning }: SessionOptions): Consumer {
  return connection.kafka.consumer({
    groupId: group,
    sessionTimeout: tuning.sessionTimeoutMs,
    heartbeatInterval: tuning.heartbeatIntervalMs,
    rebalanceTimeout: tuning.rebalanceTimeoutMs,
    maxWaitTimeInMs: tuning.fetchWaitMs,
    minBytes: 1,
    maxBytes: tuning.fetchBytesMax,
    maxBytesPerPartition: tuning.partitionFetchBytesMax,
    allowAutoTopicCreation: false,
    // Its restarts cannot be awaited or stopped, so the owner makes a new session instead.
    retry: { ...CONSUMER_RETRY, restartOnFailure: () => Promise.resolve(false) },
  });
}
