/** A group member of the broker in memory. */
import type { Clock } from '../base/clock.ts';
import { ConfigError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import { backoffMs } from './backoff.ts';
import type { ConsumerHandlers, ConsumerSettings, StreamConsumer } from './contract.ts';
import type { GroupMember, MemoryGroup } from './memory-group.ts';
import { offsetSince, readFrom, type MemoryPartition, type MemoryTopics } from './memory-log.ts';
import { choosePosition, keyOf, type PartitionId } from './positions.ts';

export type MemoryConsumerOptions = {
  readonly clock: Clock;
  readonly random: Random;
  readonly topics: MemoryTopics;
  readonly group: MemoryGroup;
  readonly recordsPerBatchMax: number;
  /** Work that goes on without the clock begins and ends: see `settled` in `memory.ts`. */
  readonly busy: { add(work: Promise<unknown>): void };
};

type Part = {
  readonly log: MemoryPartition;
  position: number | null;
  failures: number;
  isWaiting: boolean;
  /** The running loop over this partition. */
  pump: Promise<void> | null;
};

const RETRY = { firstMs: 100, maxMs: 5_000 };
const LOOKBACK_MS = 15 * 60_000;

export class MemoryConsumer implements StreamConsumer, GroupMember {
  readonly #options: MemoryConsumerOptions;
  readonly #settings: ConsumerSettings;
  #handlers: ConsumerHandlers | null = null;
  #state: 'idle' | 'joining' | 'running' | 'stopped' = 'idle';
  #isPaused = false;
  #isRevoked = true;
  #parts = new Map<string, Part>();

  constructor(options: MemoryConsumerOptions, settings: ConsumerSettings) {
    this.#options = options;
    this.#settings = settings;
  }

  async start(handlers: ConsumerHandlers): Promise<void> {
    const { topics, group } = this.#options;
    if (this.#state !== 'idle') {
      throw new ConfigError(`Cannot start the consumer: expected state idle, current value is ${this.#state}`);
    }
    const missing = this.#settings.topics.find((topic) => !topics.has(topic));
    if (missing !== undefined)
      throw new ConfigError(`Cannot consume topic "${missing}": expected it to exist, it does not`);
    this.#state = 'joining';
    this.#handlers = handlers;
    await group.join(
      this,
      this.#settings.topics.flatMap((topic) => topics.partitionsOf(topic)),
    );
    if (this.#state === 'joining') this.#state = 'running';
  }

  async reseek(): Promise<void> {
    await this.revoke();
    this.#isRevoked = false;
    await this.#placeAll([...this.#parts.values()]);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.kick();
  }

  async stop(): Promise<void> {
    const wasMember = this.#state === 'joining' || this.#state === 'running';
    this.#state = 'stopped';
    if (wasMember) await this.#options.group.leave(this);
  }

  status(): ReturnType<StreamConsumer['status']> {
    return { state: this.#state === 'running' && this.#isPaused ? 'paused' : this.#state };
  }

  async revoke(): Promise<void> {
    this.#isRevoked = true;
    await Promise.all([...this.#parts.values()].map(async ({ pump }) => pump));
  }

  async assign(partitions: readonly PartitionId[]): Promise<void> {
    const { topics } = this.#options;
    this.#parts = new Map();
    for (const id of partitions) {
      const log = topics.partition(id);
      if (log !== undefined) {
        this.#parts.set(keyOf(id), { log, position: null, failures: 0, isWaiting: false, pump: null });
      }
    }
    this.#isRevoked = false;
    if (this.#state === 'joining') this.#state = 'running';
    await this.#placeAll([...this.#parts.values()]);
  }

  /** Looks for new records. */
  kick(): void {
    for (const part of this.#parts.values()) {
      if (part.pump !== null || !this.#mayDeliver(part) || (part.position ?? 0) >= part.log.high) continue;
      part.pump = this.#deliverAll(part).finally(() => {
        part.pump = null;
        // Records that came while the loop was ending.
        if (this.#mayDeliver(part) && (part.position ?? 0) < part.log.high) this.kick();
      });
      this.#options.busy.add(part.pump);
    }
  }

  async #placeAll(parts: readonly Part[]): Promise<void> {
    await Promise.all(parts.map((part) => this.#place(part)));
    this.kick();
  }

  async #place(part: Part): Promise<void> {
    const { clock, group } = this.#options;
    const { log } = part;
    const wanted = await this.#handlers?.startOffset({ topic: log.topic, partition: log.partition });
    const { offset, skipped } = choosePosition({
      wanted,
      committed: group.committed.get(keyOf(log)),
      range: log,
      lookback: offsetSince(log, clock.nowMs() - (this.#settings.lookbackMs ?? LOOKBACK_MS)),
    });
    if (skipped !== null) {
      const detail = `offsets ${skipped.fromOffset} to ${skipped.toOffset} of ${keyOf(log)} were not read`;
      await this.#handlers?.onSkipped?.({ topic: log.topic, partition: log.partition, ...skipped, detail });
    }
    part.position = offset;
  }

  async #deliverAll(part: Part): Promise<void> {
    while (this.#mayDeliver(part)) {
      const position = part.position ?? 0;
      const records = readFrom(part.log, position, this.#options.recordsPerBatchMax);
      const last = records.at(-1);
      if (last === undefined || this.#handlers === null) return;
      const next = await this.#handOver(part, { records, lastOffset: last.offset });
      if (next !== null && next > position) this.#advance(part, next);
      if (next === null || next <= last.offset) {
        this.#retryLater(part);
        return;
      }
    }
  }

  /** The next offset to deliver; null when the handler threw. */
  async #handOver(
    { log }: Part,
    { records, lastOffset }: { readonly records: ReturnType<typeof readFrom>; readonly lastOffset: number },
  ): Promise<number | null> {
    try {
      const lag = log.high - lastOffset - 1;
      const answer = await this.#handlers?.onBatch({ topic: log.topic, partition: log.partition, records, lag });
      return Math.min(lastOffset + 1, answer?.retryFromOffset ?? lastOffset + 1);
    } catch {
      // Decided here: the batch is delivered again after a pause.
      return null;
    }
  }

  #advance(part: Part, offset: number): void {
    part.position = offset;
    part.failures = 0;
    this.#options.group.committed.set(keyOf(part.log), offset);
  }

  #retryLater(part: Part): void {
    const { clock, random } = this.#options;
    part.isWaiting = true;
    void clock.sleep(backoffMs(part.failures++, { ...RETRY, random })).then(() => {
      part.isWaiting = false;
      this.kick();
    });
  }

  #mayDeliver(part: Part): boolean {
    return (
      part.position !== null && !part.isWaiting && !this.#isPaused && !this.#isRevoked && this.#state === 'running'
    );
  }
}
