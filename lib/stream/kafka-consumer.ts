/** Reads topics as a member of a consumer group, through kafkajs. */
import type { Clock } from '../base/clock.ts';
import { ConfigError, DeniedError, NotFoundError, type PenstockError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Metrics } from '../base/metrics.ts';
import type { Random } from '../base/random.ts';
import type { KafkaSettings } from '../clients/kafka/client.ts';
import { backoffMs } from './backoff.ts';
import type { ConsumerHandlers, ConsumerSettings, SkippedRange, StreamConsumer } from './contract.ts';
import { KafkaSession } from './kafka-session.ts';
import { DEFAULT_TUNING, type KafkaTuning } from './kafka-tuning.ts';

export type KafkaConsumerOptions = {
  readonly kafka: KafkaSettings;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly random: Random;
  readonly tuning?: Partial<KafkaTuning>;
};

type Status = ReturnType<StreamConsumer['status']>;

/** The length of the ring of buckets: older load cannot change a decision any more. */
const LOOKBACK_MS = 15 * 60_000;
/** Pauses between sessions [ms]. */
const RESTART = { firstMs: 250, maxMs: 15_000 };
/** A password that was right before can become right again; a login every half minute does not lock an account. */
const DENIED_RESTART = { firstMs: 30_000, maxMs: 60_000 };

export class KafkaConsumer implements StreamConsumer {
  readonly #options: KafkaConsumerOptions;
  readonly #settings: ConsumerSettings;
  readonly #tuning: KafkaTuning;
  readonly #inFlight = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();
  #status: Status = { state: 'idle' };
  #isPaused = false;
  #session: KafkaSession | null = null;
  #keeping: Promise<void> = Promise.resolve();

  constructor(options: KafkaConsumerOptions, settings: ConsumerSettings) {
    this.#options = options;
    this.#settings = settings;
    this.#tuning = { ...DEFAULT_TUNING, ...options.tuning };
  }

  async start(handlers: ConsumerHandlers): Promise<void> {
    if (this.#status.state !== 'idle') {
      throw new ConfigError(`Cannot start the consumer: expected state idle, current value is ${this.#status.state}`);
    }
    this.#status = { state: 'joining' };
    const session = await this.#firstSession(handlers);
    if (session !== null) this.#keeping = this.#keepRunning(session, handlers);
  }

  async reseek(): Promise<void> {
    await this.#session?.reposition();
  }

  pause(): void {
    this.#isPaused = true;
    this.#session?.setPaused(true);
  }

  resume(): void {
    this.#isPaused = false;
    this.#session?.setPaused(false);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#session?.stop();
    await this.#keeping;
    this.#session = null;
    if (this.#status.state !== 'failed') this.#status = { state: 'stopped' };
  }

  status(): Status {
    return this.#status.state === 'running' && this.#isPaused ? { state: 'paused' } : this.#status;
  }

  /** Tries until one session has joined. Null when stopped meanwhile. */
  async #firstSession(handlers: ConsumerHandlers): Promise<KafkaSession | null> {
    const { clock, log } = this.#options;
    const deadlineMs = clock.monotonicMs() + this.#tuning.startTimeoutMs;
    let earlier: PenstockError | null = null;
    for (let failures = 0; !this.#stopping.signal.aborted; failures++) {
      const session = this.#openSession(handlers);
      // A timer may fire a moment early: what counts is that this one did.
      const isOver = (await this.#joinOrTimeout(session, deadlineMs)) || clock.monotonicMs() >= deadlineMs;
      const outcome = await joinError(session);
      // "Not in time" says less than what went wrong before.
      const error: PenstockError | null = outcome !== null && isOver ? (earlier ?? outcome) : outcome;
      earlier = error;
      if (this.#stopping.signal.aborted) break;
      if (error === null) {
        this.#status = { state: 'running' };
        return session;
      }
      // A topic may be on its way: another process creates it at this moment.
      const mayWork = error.retryable || error instanceof NotFoundError;
      if (!mayWork || isOver) {
        this.#status = { state: 'failed', reason: error.message };
        throw error instanceof NotFoundError ? new ConfigError(error.message, { cause: error }) : error;
      }
      if (this.#status.state !== 'joining' || this.#status.reason !== error.message) {
        log.warn('cannot consume yet, trying on', { group: this.#settings.group, error: error.message });
      }
      this.#status = { state: 'joining', reason: error.message };
      await this.#pauseAfter(failures, error);
    }
    this.#status = { state: 'stopped' };
    return null;
  }

  /** Waits for the join, but not beyond the deadline, even if kafkajs's own retries would go on. True when that was reached. */
  async #joinOrTimeout(session: KafkaSession, deadlineMs: number): Promise<boolean> {
    const { clock } = this.#options;
    const settled = new AbortController();
    void joinError(session).then(() => settled.abort());
    await clock.sleep(Math.max(0, deadlineMs - clock.monotonicMs()), settled.signal);
    if (settled.signal.aborted) return false;
    session.abandon();
    return true;
  }

  /** Replaces sessions that end, for as long as nobody stops the consumer. */
  async #keepRunning(first: KafkaSession, handlers: ConsumerHandlers): Promise<void> {
    const { log } = this.#options;
    let session = first;
    for (let failures = 0; ; failures++) {
      const error = await session.ended;
      if (error === null || this.#stopping.signal.aborted) return;
      const state = error instanceof DeniedError ? 'failed' : 'joining';
      this.#status = { state, reason: error.message };
      log.warn('consumer ended and is started again', { group: this.#settings.group, error: error.message });
      this.#options.metrics.count('stream_consumer_restarts_total');
      await this.#pauseAfter(failures, error);
      if (this.#stopping.signal.aborted) return;
      session = this.#openSession(handlers);
      if ((await joinError(session)) !== null) continue;
      this.#status = { state: 'running' };
      failures = 0;
    }
  }

  #openSession(handlers: ConsumerHandlers): KafkaSession {
    const { kafka, clock, log, random } = this.#options;
    this.#session = new KafkaSession({
      kafka,
      group: this.#settings.group,
      topics: this.#settings.topics,
      lookbackMs: this.#settings.lookbackMs ?? LOOKBACK_MS,
      tuning: this.#tuning,
      clock,
      random,
      log,
      handlers: {
        onBatch: (batch) => handlers.onBatch(batch),
        startOffset: (partition) => handlers.startOffset(partition),
        onSkipped: (range) => this.#onSkipped(range, handlers),
      },
      inFlight: this.#inFlight,
      isPaused: this.#isPaused,
    });
    return this.#session;
  }

  async #onSkipped(range: SkippedRange, handlers: ConsumerHandlers): Promise<void> {
    await handlers.onSkipped?.(range);
    const { log, metrics } = this.#options;
    metrics.count('stream_records_skipped_total', range.toOffset - range.fromOffset + 1, { reason: range.reason });
    log.warn('records were passed over', range);
  }

  async #pauseAfter(failures: number, error: PenstockError): Promise<void> {
    const { clock, random } = this.#options;
    const limits = error instanceof DeniedError ? DENIED_RESTART : RESTART;
    await clock.sleep(backoffMs(failures, { ...limits, random }), this.#stopping.signal);
  }
}

/** Null once the session has joined, else why it ended. */
async function joinError(session: KafkaSession): Promise<PenstockError | null> {
  try {
    await session.joined;
    return null;
  } catch (error) {
    return error as PenstockError;
  }
}
