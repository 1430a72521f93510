/** From what one fetch brought for a partition to calls of the owner's handlers. */
import type { KafkaMessage } from 'kafkajs';
import { assert } from '../base/assert.ts';
import { BadEventError } from '../base/errors.ts';
import { RAW_BATCH_KEY } from '../clients/kafka/fetch-response.ts';
import type { ConsumerHandlers, SkippedRange, StreamRecord } from './contract.ts';
import { decompress } from './decompress.ts';
import type { KafkaTuning } from './kafka-tuning.ts';
import { OversizedError } from './oversized.ts';
import { batchPayload, readBatchHeader, recordReader, type RecordReader } from './record-batch.ts';

export type DeliveryOptions = {
  readonly topic: string;
  readonly partition: number;
  /** First offset that is wanted: a compressed batch can begin earlier. */
  readonly fromOffset: number;
  /** Offset of the next record to be written to the partition. */
  readonly highOffset: number;
  readonly handlers: Pick<ConsumerHandlers, 'onBatch'> & { onSkipped(range: SkippedRange): Promise<void> };
  readonly tuning: Pick<KafkaTuning, 'decodedBytesMax' | 'recordsPerBatchMax' | 'bytesPerBatchMax'>;
  /** False: the rest is not wanted now (stop, pause, rebalance, seek). */
  mayGoOn(): boolean;
  /** Everything below `offset` is done. */
  onProgress(offset: number): void;
};

/** `through`: all was handled. `retry`: the owner wants the rest again later. `interrupted`: `mayGoOn` said no. */
export type DeliveryOutcome = 'through' | 'retry' | 'interrupted';

/**
 * Decodes the raw batches in `messages` one after the other and hands their records over in bounded portions. Batches that cannot be decoded are
 * reported and passed over. Throws what the handlers throw; progress was told up to there.
 */
export async function deliver(messages: readonly KafkaMessage[], options: DeliveryOptions): Promise<DeliveryOutcome> {
  const portion = openPortion(options);
  for (const message of messages) {
    if (!options.mayGoOn()) return 'interrupted';
    const outcome = await deliverRawBatch(message, { ...options, portion });
    if (outcome !== 'through') return outcome;
  }
  return (await portion.flush()) ? 'through' : 'retry';
}

type Portion = {
  readonly records: StreamRecord[];
  position(): number;
  /** More decoded bytes are held by the records to come. */
  addBytes(bytes: number): void;
  isFull(): boolean;
  /** Hands the records over. False when the owner wants some of them again. */
  flush(): Promise<boolean>;
  passOver(to: number): void;
};

function openPortion(options: DeliveryOptions): Portion {
  const { topic, partition, fromOffset, highOffset, handlers, tuning } = options;
  let position = fromOffset;
  let bytes = 0;
  const records: StreamRecord[] = [];
  const moveTo = (offset: number): void => {
    if (offset <= position) return;
    position = offset;
    options.onProgress(position);
  };
  return {
    records,
    position: () => position,
    addBytes: (more) => {
      bytes += more;
    },
    isFull: () => records.length >= tuning.recordsPerBatchMax || bytes >= tuning.bytesPerBatchMax,
    passOver: moveTo,
    flush: async () => {
      bytes = 0;
      const last = records.at(-1);
      if (last === undefined) return true;
      const handed = records.splice(0);
      const lag = Math.max(0, highOffset - last.offset - 1);
      const { retryFromOffset } = await handlers.onBatch({ topic, partition, records: handed, lag });
      const isDone = retryFromOffset === undefined || retryFromOffset > last.offset;
      moveTo(isDone ? last.offset + 1 : retryFromOffset);
      return isDone;
    },
  };
}

type RawBatchOptions = DeliveryOptions & { readonly portion: Portion };

async function deliverRawBatch(message: KafkaMessage, options: RawBatchOptions): Promise<DeliveryOutcome> {
  const { portion, tuning } = options;
  const opened = await openRawBatch(rawBatchOf(message), { ...options, lastOffset: Number(message.offset) });
  if (opened.reader === null) return passOver(opened, options);
  portion.addBytes(opened.bodyBytes);
  for (let isThrough = false; !isThrough;) {
    const read = readPortion(opened.reader, { into: portion.records, fromOffset: options.fromOffset, tuning });
    if (read instanceof BadEventError) return passOver({ error: read, lastOffset: opened.lastOffset }, options);
    isThrough = read;
    if (!portion.isFull()) continue;
    if (!(await portion.flush())) return 'retry';
    if (!options.mayGoOn()) return 'interrupted';
  }
  return 'through';
}

/** A batch that cannot be used, and where it ends. */
type Refused = { readonly reader: null; readonly error: BadEventError; readonly lastOffset: number };
type Opened = { readonly reader: RecordReader; readonly bodyBytes: number; readonly lastOffset: number };

async function openRawBatch(
  batch: Buffer,
  of: Pick<DeliveryOptions, 'topic' | 'partition' | 'tuning'> & { readonly lastOffset: number },
): Promise<Opened | Refused> {
  let { lastOffset } = of;
  try {
    const header = readBatchHeader(batch);
    lastOffset = header.lastOffset;
    const limits = { compression: header.compression, bytesMax: of.tuning.decodedBytesMax };
    const body = await decompress(batchPayload(batch), limits);
    const reader = recordReader(body, { header, topic: of.topic, partition: of.partition });
    return { reader, bodyBytes: body.length, lastOffset };
  } catch (error) {
    if (error instanceof BadEventError) return { reader: null, error, lastOffset };
    throw error;
  }
}

/** True when the batch is through; the error when it goes no further. */
function readPortion(
  reader: RecordReader,
  { into, fromOffset, tuning }: Pick<DeliveryOptions, 'fromOffset' | 'tuning'> & { into: StreamRecord[] },
): boolean | BadEventError {
  try {
    return reader.read(into, { fromOffset, recordsMax: tuning.recordsPerBatchMax });
  } catch (error) {
    if (error instanceof BadEventError) return error;
    throw error;
  }
}

/** Hands over what came before the bad place, then reports the rest of the batch. */
async function passOver(
  { error, lastOffset }: Pick<Refused, 'error' | 'lastOffset'>,
  options: RawBatchOptions,
): Promise<DeliveryOutcome> {
  const { portion, topic, partition } = options;
  if (!(await portion.flush())) return 'retry';
  if (!options.mayGoOn()) return 'interrupted';
  const fromOffset = portion.position();
  if (fromOffset > lastOffset) return 'through';
  const reason = error instanceof OversizedError ? 'oversized' : 'unreadable';
  await options.handlers.onSkipped({
    topic,
    partition,
    fromOffset,
    toOffset: lastOffset,
    reason,
    detail: error.message,
  });
  portion.passOver(lastOffset + 1);
  return 'through';
}

function rawBatchOf(message: KafkaMessage): Buffer {
  const isRaw = message.key !== null && RAW_BATCH_KEY.equals(message.key) && message.value !== null;
  // Never skipped: without its wrapping, a user's record would be taken for a damaged batch.
  assert(isRaw, 'a consumer gets record batches undecoded');
  assert(message.value !== null, 'a raw batch has a value');
  return message.value;
}
