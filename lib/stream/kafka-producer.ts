/** Writes records through kafkajs: all replicas acknowledge, concurrent sends share requests. */
import kafkajs, { type Message, type Producer } from 'kafkajs';
import { BadEventError, TransientError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { kafkaError } from '../clients/kafka/errors.ts';
import { makeKafka, type KafkaSettings } from '../clients/kafka/client.ts';
import { COMPRESSION_TYPES, registerCodecs, type ProducerCompression } from './codecs.ts';
import type { OutgoingRecord, StreamProducer } from './contract.ts';

export type KafkaProducerOptions = {
  readonly kafka: KafkaSettings;
  readonly log: Logger;
  /** Default none: our records are small, and few go out at a time. */
  readonly compression?: ProducerCompression;
};

/** Below `message.max.bytes` (1 MiB by default) with room for keys, headers and framing, as all of a request can go to one partition. */
const REQUEST_BYTES_MAX = 768 * 1024;
/** Records waiting for an unreachable broker [bytes]; above it, sends are refused, so that an outage does not fill the memory. */
const WAITING_BYTES_MAX = 64 * 2 ** 20;
/** Length, offset, time and counts of a record, generously [bytes]. */
const RECORD_OVERHEAD_BYTES = 40;

/** A record that waits, and the send it belongs to. */
type Waiting = { readonly message: Message; readonly bytes: number; readonly done: (error: Error | null) => void };
type Lane = { readonly waiting: Waiting[]; isSending: boolean };

/**
 * A producer that connects with its first send. It is not idempotent: kafkajs cannot continue an idempotent sequence after a broker failure
 * without giving up, and all our readers tolerate a record twice. The order of one topic's records is the order of the sends.
 */
export class KafkaProducer implements StreamProducer {
  readonly #producer: Producer;
  readonly #compression: ProducerCompression;
  readonly #lanes = new Map<string, Lane>();
  readonly #unfinished = new Set<Promise<void>>();
  #connected: Promise<void> | null = null;
  #waitingBytes = 0;
  #isClosed = false;

  constructor(options: KafkaProducerOptions) {
    registerCodecs();
    this.#compression = options.compression ?? 'none';
    this.#producer = makeKafka(options.kafka, options.log).producer({
      allowAutoTopicCreation: false,
      // The same partition for a key as Java clients choose.
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
  }

  async send(records: readonly OutgoingRecord[]): Promise<void> {
    if (this.#isClosed) throw new TransientError('Cannot write to Kafka: expected an open producer, it is closed');
    const sizes = records.map(bytesOf);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    const tooLarge = records[sizes.findIndex((size) => size > REQUEST_BYTES_MAX)];
    if (tooLarge !== undefined) {
      throw new BadEventError(
        `Cannot write a record to "${tooLarge.topic}": expected at most ${REQUEST_BYTES_MAX} bytes, current value is ${bytesOf(tooLarge)}`,
      );
    }
    if (this.#waitingBytes + bytes > WAITING_BYTES_MAX) {
      throw new TransientError(
        `Cannot write to Kafka: expected at most ${WAITING_BYTES_MAX} bytes to wait for the brokers, current value is ${this.#waitingBytes + bytes}`,
      );
    }
    await this.#track(Promise.all(records.map((record, index) => this.#enqueue(record, sizes[index] ?? 0))));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#unfinished);
    if (this.#connected !== null) await this.#producer.disconnect();
  }

  async #track(work: Promise<unknown>): Promise<void> {
    const tracked = work.then(() => {});
    this.#unfinished.add(tracked);
    try {
      await tracked;
    } finally {
      this.#unfinished.delete(tracked);
    }
  }

  #enqueue(record: OutgoingRecord, bytes: number): Promise<void> {
    const lane = this.#lanes.get(record.topic) ?? { waiting: [], isSending: false };
    this.#lanes.set(record.topic, lane);
    this.#waitingBytes += bytes;
    return new Promise((resolve, reject) => {
      const done = (error: Error | null): void => {
        this.#waitingBytes -= bytes;
        if (error === null) resolve();
        else reject(error);
      };
      lane.waiting.push({ message: messageOf(record), bytes, done });
      if (lane.isSending) return;
      lane.isSending = true;
      // A turn later, so that the records of one `send`, and sends of the same moment, go together.
      queueMicrotask(() => void this.#drain(record.topic, lane));
    });
  }

  /** One request of a topic at a time; what arrives meanwhile goes with the next one. Never rejects. */
  async #drain(topic: string, lane: Lane): Promise<void> {
    while (lane.waiting.length > 0) {
      const taken = takeRequest(lane.waiting);
      const error = await this.#sendRequest(topic, taken);
      for (const { done } of taken) done(error);
    }
    lane.isSending = false;
  }

  async #sendRequest(topic: string, taken: readonly Waiting[]): Promise<Error | null> {
    try {
      await this.#connect();
      await this.#producer.send({
        topic,
        acks: -1,
        compression: COMPRESSION_TYPES[this.#compression],
        messages: taken.map(({ message }) => message),
      });
      return null;
    } catch (error) {
      return kafkaError(error, `write to topic "${topic}"`);
    }
  }

  async #connect(): Promise<void> {
    this.#connected ??= this.#producer.connect();
    try {
      await this.#connected;
    } catch (error) {
      this.#connected = null;
      throw error;
    }
  }
}

/** Takes from the front what fits into one request, at least one record. */
function takeRequest(waiting: Waiting[]): readonly Waiting[] {
  let bytes = 0;
  let count = 0;
  for (const { bytes: size } of waiting) {
    if (count > 0 && bytes + size > REQUEST_BYTES_MAX) break;
    bytes += size;
    count++;
  }
  return waiting.splice(0, count);
}

function messageOf({ key, value, headers, timestampMs }: OutgoingRecord): Message {
  return {
    key: bufferOf(key),
    value: bufferOf(value),
    ...(headers === undefined ? {} : { headers: { ...headers } }),
    ...(timestampMs === undefined ? {} : { timestamp: String(timestampMs) }),
  };
}

/** kafkajs takes buffers and strings, no other byte arrays. */
function bufferOf(data: string | Uint8Array | null): Buffer | string | null {
  if (data === null || typeof data === 'string') return data;
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

function bytesOf({ key, value, headers }: OutgoingRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + sizeOf(key) + sizeOf(value);
  for (const [name, text] of Object.entries(headers ?? {})) bytes += sizeOf(name) + sizeOf(text) + 4;
  return bytes;
}

function sizeOf(data: string | Uint8Array | null): number {
  return data === null ? 0 : Buffer.byteLength(data);
}
