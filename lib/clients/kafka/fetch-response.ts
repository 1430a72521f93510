/**
 * Hands record batches through kafkajs undecoded.
 *
 * kafkajs decompresses and decodes every batch of an answer before anybody is asked, without a bound: one 200 kB batch of zeros becomes
 * 200 MB, and a batch that cannot be decoded blocks its partition for ever. So each batch is replaced, on the socket, by an uncompressed batch of the
 * same offsets that holds one record: its key is {@link RAW_BATCH_KEY}, its value the original batch. kafkajs keeps doing what it is
 * good at (connections, group, offsets, transactions); decoding is left to whoever knows the partition and the bounds.
 *
 * Layouts: Kafka protocol guide, Fetch v4 to v11 and record batch v2.
 */
import { ConfigError } from '../../base/errors.ts';

export const FETCH_API_KEY = 1;

/** Key of a record whose value is a whole record batch. */
export const RAW_BATCH_KEY: Buffer = Buffer.from('penstock.raw-batch');

/** First version with record batches (Kafka 0.11), last one that kafkajs speaks. */
const VERSION_MIN = 4;
const VERSION_MAX = 11;

/** Offsets of the fields of a record batch. */
const LENGTH_AT = 8;
const MAGIC_AT = 16;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const COUNT_AT = 57;
const HEADER_BYTES = 61;
/** Bytes in front of what `length` counts. */
const PREFIX_BYTES = 12;
const COMPRESSION_MASK = 0x07;
const CONTROL_FLAG = 0x20;

/** The frame (size included) as segments to be passed on in this order. Throws when it is not a fetch answer of `version`. */
export function wrapFetchResponse(frame: Buffer, version: number): readonly Buffer[] {
  if (version < VERSION_MIN || version > VERSION_MAX) {
    throw new ConfigError(`Cannot read from Kafka: expected brokers of version 0.11 or newer, Fetch is v${version}`);
  }
  const segments: Buffer[] = [];
  const size = Buffer.allocUnsafe(4);
  segments.push(size);
  // Correlation id, throttle time; from v7 on error code and session id.
  let at = 4 + 4 + 4 + (version >= 7 ? 6 : 0);
  let copied = 4;
  const topicCount = frame.readInt32BE(at);
  at += 4;
  for (let topic = 0; topic < topicCount; topic++) {
    at += 2 + frame.readInt16BE(at);
    const partitionCount = frame.readInt32BE(at);
    at += 4;
    for (let partition = 0; partition < partitionCount; partition++) {
      at = partitionHeaderEnd(frame, { at, version });
      const recordBytes = Math.max(0, frame.readInt32BE(at));
      segments.push(frame.subarray(copied, at));
      at += 4;
      segments.push(...wrapRecordSet(frame.subarray(at, at + recordBytes)));
      at += recordBytes;
      copied = at;
    }
  }
  segments.push(frame.subarray(copied));
  let bytes = -4;
  for (const segment of segments) bytes += segment.length;
  size.writeInt32BE(bytes);
  return segments;
}

/** Where the size of a partition's records stands. */
function partitionHeaderEnd(frame: Buffer, { at, version }: { at: number; version: number }): number {
  // Partition, error code, high watermark, last stable offset; from v5 on log start offset.
  const abortedAt = at + 4 + 2 + 8 + 8 + (version >= 5 ? 8 : 0);
  const abortedCount = Math.max(0, frame.readInt32BE(abortedAt));
  return abortedAt + 4 + abortedCount * 16 + (version >= 11 ? 4 : 0);
}

/** The records of one partition, their size in front. A batch cut off at the end is left out: it is fetched again. */
function wrapRecordSet(records: Buffer): readonly Buffer[] {
  const size = Buffer.allocUnsafe(4);
  const segments: Buffer[] = [size];
  let at = 0;
  while (at + PREFIX_BYTES <= records.length) {
    const end = at + PREFIX_BYTES + records.readInt32BE(at + LENGTH_AT);
    if (end > records.length || end < at + MAGIC_AT + 1) break;
    segments.push(...wrapBatch(records.subarray(at, end)));
    at = end;
  }
  let bytes = -4;
  for (const segment of segments) bytes += segment.length;
  size.writeInt32BE(bytes);
  return segments;
}

function wrapBatch(batch: Buffer): readonly Buffer[] {
  const isCurrent = batch[MAGIC_AT] === 2 && batch.length >= HEADER_BYTES;
  // Transaction markers stay as they are: kafkajs reads them to leave out aborted records.
  if (isCurrent && (batch.readInt16BE(ATTRIBUTES_AT) & CONTROL_FLAG) !== 0) return [batch];
  const lastOffsetDelta = isCurrent ? batch.readInt32BE(LAST_OFFSET_DELTA_AT) : 0;
  const head = recordHead(lastOffsetDelta, batch.length);
  const header = isCurrent ? Buffer.from(batch.subarray(0, HEADER_BYTES)) : headerOfOldFormat(batch);
  header.writeInt32BE(HEADER_BYTES - PREFIX_BYTES + head.length + batch.length + NO_HEADERS.length, LENGTH_AT);
  header.writeInt16BE(header.readInt16BE(ATTRIBUTES_AT) & ~COMPRESSION_MASK, ATTRIBUTES_AT);
  header.writeInt32BE(1, COUNT_AT);
  return [header, head, batch, NO_HEADERS];
}

/** A record ends with the count of its headers. */
const NO_HEADERS = Buffer.from([0]);

/** Formats before 0.11 have entries instead of batches; an entry is passed on as a batch of one offset, and its reader refuses it. */
function headerOfOldFormat(entry: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  entry.copy(header, 0, 0, 8);
  header[MAGIC_AT] = 2;
  header.writeBigInt64BE(-1n, 43);
  return header;
}

/** Everything of the one record up to its value. */
function recordHead(lastOffsetDelta: number, valueBytes: number): Buffer {
  const body: number[] = [0, 0];
  pushVarint(body, lastOffsetDelta);
  pushVarint(body, RAW_BATCH_KEY.length);
  body.push(...RAW_BATCH_KEY);
  pushVarint(body, valueBytes);
  const length: number[] = [];
  pushVarint(length, body.length + valueBytes + NO_HEADERS.length);
  return Buffer.from([...length, ...body]);
}

/** Appends `value` (0 to 2^31 − 1) as a zigzag varint. */
function pushVarint(bytes: number[], value: number): void {
  let rest = value * 2;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
}
