/**
 * Decodes Kafka's record batches, format v2.
 * Layout: Kafka documentation, "Message format"; varints are zigzag as in Protocol Buffers.
 */
import { BadEventError } from '../base/errors.ts';
import type { StreamRecord } from './contract.ts';

/** What the first 61 bytes of a batch say. */
export type BatchHeader = {
  readonly baseOffset: number;
  /** Offset of the last record that was written, also when compaction removed it since. */
  readonly lastOffset: number;
  readonly compression: CompressionId;
  /** Set when the broker's arrival time counts for all records [epoch ms]. */
  readonly appendTimeMs: number | null;
  readonly baseTimeMs: number;
  readonly recordCount: number;
};

/** As in the batch's attributes. */
export type CompressionId = 0 | 1 | 2 | 3 | 4;
export const COMPRESSION_NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

const HEADER_BYTES = 61;
const MAGIC_AT = 16;
const LOG_APPEND_TIME_FLAG = 0x08;

/** Reads the header. Throws BadEventError for another format (before Kafka 0.11) or an unknown compression. */
export function readBatchHeader(batch: Buffer): BatchHeader {
  const magic = batch[MAGIC_AT];
  if (magic !== 2 || batch.length < HEADER_BYTES) {
    throw new BadEventError(`Cannot decode a record batch: expected format 2, current value is ${magic ?? 'nothing'}`);
  }
  const attributes = batch.readInt16BE(21);
  const compression = attributes & 0x07;
  if (!isCompressionId(compression)) {
    throw new BadEventError(
      `Cannot decode a record batch: expected a compression of 0 to 4, current value is ${compression}`,
    );
  }
  const baseOffset = Number(batch.readBigInt64BE(0));
  const maxTimeMs = Number(batch.readBigInt64BE(35));
  return {
    baseOffset,
    lastOffset: baseOffset + Math.max(0, batch.readInt32BE(23)),
    compression,
    appendTimeMs: (attributes & LOG_APPEND_TIME_FLAG) === 0 ? null : maxTimeMs,
    baseTimeMs: Number(batch.readBigInt64BE(27)),
    recordCount: Math.max(0, batch.readInt32BE(57)),
  };
}

/** The part behind the header: the records, possibly compressed. */
export function batchPayload(batch: Buffer): Buffer {
  return batch.subarray(HEADER_BYTES);
}

function isCompressionId(id: number): id is CompressionId {
  return id >= 0 && id < COMPRESSION_NAMES.length;
}

/** Reads the records of one batch in portions, so that a batch of a million records never exists as objects all at once. */
export type RecordReader = {
  /** Appends records of `fromOffset` and later to `into` until it holds `recordsMax`. True when the batch is through. Throws BadEventError. */
  read(into: StreamRecord[], limits: { readonly fromOffset: number; readonly recordsMax: number }): boolean;
};

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

/** `body` holds the decompressed records. Keys and values are views into it, nothing is copied. */
export function recordReader(
  body: Buffer,
  of: { readonly header: BatchHeader; readonly topic: string; readonly partition: number },
): RecordReader {
  const { header, topic, partition } = of;
  const cursor = { bytes: body, at: 0 };
  let left = header.recordCount;

  const readRecord = (fromOffset: number): StreamRecord | null => {
    const length = readVarint(cursor);
    const end = cursor.at + length;
    if (length < 0 || end > body.length) throw malformed(header, 'a record longer than its batch');
    cursor.at += 1; // Attributes of a record are unused.
    const timeDeltaMs = readVarint(cursor);
    const offset = header.baseOffset + readVarint(cursor);
    if (offset < fromOffset) {
      cursor.at = end;
      return null;
    }
    const key = readBytes(cursor, end);
    const value = readBytes(cursor, end);
    const headers = readHeaders(cursor, end);
    if (cursor.at !== end) throw malformed(header, 'fields that do not fill their record');
    return {
      topic,
      partition,
      offset,
      timestampMs: header.appendTimeMs ?? header.baseTimeMs + timeDeltaMs,
      key,
      value,
      headers,
    };
  };

  return {
    read: (into, { fromOffset, recordsMax }) => {
      while (left > 0 && into.length < recordsMax) {
        const record = readRecord(fromOffset);
        left--;
        if (record !== null) into.push(record);
      }
      return left === 0;
    },
  };
}

type Cursor = { readonly bytes: Buffer; at: number };

function readBytes(cursor: Cursor, end: number): Buffer | null {
  const length = readVarint(cursor);
  if (length < 0) return null;
  const start = cursor.at;
  if (start + length > end) throw new BadEventError('Cannot decode a record: expected a field within its record');
  cursor.at = start + length;
  return cursor.bytes.subarray(start, start + length);
}

function readHeaders(cursor: Cursor, end: number): Readonly<Record<string, string>> {
  const count = readVarint(cursor);
  if (count <= 0) return NO_HEADERS;
  // Without a prototype, so that a header called `__proto__` is a header.
  const headers = Object.create(null) as Record<string, string>;
  for (let left = count; left > 0; left--) {
    const name = readBytes(cursor, end);
    const value = readBytes(cursor, end);
    if (name !== null) headers[name.toString('utf8').toLowerCase()] = value === null ? '' : value.toString('utf8');
  }
  return headers;
}

/** A zigzag varint of up to 53 bits: lengths, deltas of offsets and of times. */
function readVarint(cursor: Cursor): number {
  const { bytes } = cursor;
  const first = bytes[cursor.at++];
  if (first === undefined) throw new BadEventError('Cannot decode a record: expected more bytes');
  if (first < 0x80) return (first >>> 1) ^ -(first & 1);
  let value = first & 0x7f;
  let scale = 0x80;
  for (let count = 1; count < 10; count++) {
    const byte = bytes[cursor.at++];
    if (byte === undefined) throw new BadEventError('Cannot decode a record: expected more bytes');
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    scale *= 0x80;
  }
  throw new BadEventError('Cannot decode a record: expected a number of at most ten bytes');
}

function malformed(header: BatchHeader, what: string): BadEventError {
  return new BadEventError(`Cannot decode the record batch at offset ${header.baseOffset}: it holds ${what}`);
}
