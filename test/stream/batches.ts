/** Record batches and compressed frames made by hand, for tests. */
import { once } from 'node:events';
import zlib from 'node:zlib';
import type { KafkaMessage } from 'kafkajs';
import { RAW_BATCH_KEY } from '../../lib/clients/kafka/fetch-response.ts';

export type TestRecord = {
  readonly offsetDelta?: number;
  readonly timeDeltaMs?: number;
  readonly key?: Buffer | null;
  readonly value?: Buffer | null;
  readonly headers?: readonly (readonly [string, string | null])[];
};

export type TestBatch = {
  readonly baseOffset?: number;
  readonly records?: readonly TestRecord[];
  /** Wins over `records`: what stands behind the header. */
  readonly payload?: Buffer;
  readonly recordCount?: number;
  readonly lastOffsetDelta?: number;
  readonly attributes?: number;
  readonly baseTimeMs?: number;
  readonly maxTimeMs?: number;
  readonly magic?: number;
};

export function rawBatch(batch: TestBatch): Buffer {
  const records = batch.records ?? [];
  const payload = batch.payload ?? Buffer.concat(records.map(encodeRecord));
  const header = Buffer.alloc(61);
  header.writeBigInt64BE(BigInt(batch.baseOffset ?? 0), 0);
  header.writeInt32BE(49 + payload.length, 8);
  header.writeInt8(batch.magic ?? 2, 16);
  header.writeInt16BE(batch.attributes ?? 0, 21);
  header.writeInt32BE(batch.lastOffsetDelta ?? Math.max(0, records.length - 1), 23);
  header.writeBigInt64BE(BigInt(batch.baseTimeMs ?? 1_000), 27);
  header.writeBigInt64BE(BigInt(batch.maxTimeMs ?? 2_000), 35);
  header.writeBigInt64BE(-1n, 43);
  header.writeInt32BE(batch.recordCount ?? records.length, 57);
  return Buffer.concat([header, payload]);
}

/** The message in which kafkajs hands a raw batch over. */
export function messageOf(batch: Buffer): KafkaMessage {
  const lastOffset = Number(batch.readBigInt64BE(0)) + batch.readInt32BE(23);
  return { key: RAW_BATCH_KEY, value: batch, timestamp: '0', attributes: 0, offset: String(lastOffset), headers: {} };
}

export function encodeRecord(record: TestRecord, index: number): Buffer {
  const body = Buffer.concat([
    Buffer.from([0]),
    varint(record.timeDeltaMs ?? 0),
    varint(record.offsetDelta ?? index),
    bytesField(record.key ?? null),
    bytesField(record.value === undefined ? Buffer.from('v') : record.value),
    varint(record.headers?.length ?? 0),
    ...(record.headers ?? []).flatMap(([name, value]) => [
      bytesField(Buffer.from(name)),
      bytesField(value === null ? null : Buffer.from(value)),
    ]),
  ]);
  return Buffer.concat([varint(body.length), body]);
}

/** Zigzag varint, written with BigInt so that it shares nothing with the code under test. */
export function varint(value: number): Buffer {
  let rest = value >= 0 ? BigInt(value) * 2n : -BigInt(value) * 2n - 1n;
  const bytes: number[] = [];
  while (rest >= 128n) {
    bytes.push(Number(rest % 128n) + 128);
    rest /= 128n;
  }
  return Buffer.from([...bytes, Number(rest)]);
}

function bytesField(bytes: Buffer | null): Buffer {
  return bytes === null ? varint(-1) : Buffer.concat([varint(bytes.length), bytes]);
}

/** A record of `valueBytes` zeros: what stands before and after them. */
export function zeroRecord(valueBytes: number, offsetDelta: number): { readonly head: Buffer; readonly tail: Buffer } {
  const fields = Buffer.concat([Buffer.from([0, 0]), varint(offsetDelta), varint(-1), varint(valueBytes)]);
  const tail = Buffer.from([0]);
  return { head: Buffer.concat([varint(fields.length + valueBytes + tail.length), fields]), tail };
}

/** `count` records of zeros as a gzip stream, made without ever holding them. */
export async function gzipOfZeros({ count, valueBytes }: { count: number; valueBytes: number }): Promise<Buffer> {
  const gzip = zlib.createGzip();
  const chunks: Buffer[] = [];
  gzip.on('data', (chunk: Buffer) => chunks.push(chunk));
  const write = (bytes: Buffer): Promise<void> =>
    new Promise((resolve, reject) => gzip.write(bytes, (error) => (error ? reject(error) : resolve())));
  const zeros = Buffer.alloc(64 * 1024);
  for (let index = 0; index < count; index++) {
    const { head, tail } = zeroRecord(valueBytes, index);
    await write(head);
    for (let left = valueBytes; left > 0; left -= zeros.length) await write(zeros.subarray(0, left));
    await write(tail);
  }
  const ended = once(gzip, 'end');
  gzip.end();
  await ended;
  return Buffer.concat(chunks);
}

const ZSTD_BLOCK_BYTES_MAX = 128 * 1024;

/** A zstd frame of stored blocks: legal, and needs no encoder. With `contentSize`, the frame says how long it is. */
export function zstdStored(content: Buffer, { contentSize = false } = {}): Buffer {
  const blocks: Buffer[] = [];
  for (let at = 0; at < content.length || blocks.length === 0; at += ZSTD_BLOCK_BYTES_MAX) {
    const bytes = content.subarray(at, at + ZSTD_BLOCK_BYTES_MAX);
    blocks.push(zstdBlock(0, { bytes, size: bytes.length, isLast: at + ZSTD_BLOCK_BYTES_MAX >= content.length }));
  }
  const size = Buffer.alloc(4);
  size.writeUInt32LE(content.length);
  const head = contentSize ? [Buffer.from([0xa0]), size] : [Buffer.from([0x00, 0x58])];
  return Buffer.concat([ZSTD_MAGIC, ...head, ...blocks]);
}

/** `count` records of zeros as a zstd frame: a few bytes each. */
export function zstdOfZeros({ count, valueBytes }: { count: number; valueBytes: number }): Buffer {
  const blocks: Buffer[] = [];
  for (let index = 0; index < count; index++) {
    const { head, tail } = zeroRecord(valueBytes, index);
    blocks.push(zstdBlock(0, { bytes: head, size: head.length, isLast: false }));
    for (let left = valueBytes; left > 0; left -= ZSTD_BLOCK_BYTES_MAX) {
      const size = Math.min(left, ZSTD_BLOCK_BYTES_MAX);
      blocks.push(zstdBlock(1, { bytes: Buffer.from([0]), size, isLast: false }));
    }
    blocks.push(zstdBlock(0, { bytes: tail, size: tail.length, isLast: index === count - 1 }));
  }
  return Buffer.concat([ZSTD_MAGIC, Buffer.from([0x00, 0x58]), ...blocks]);
}

const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

function zstdBlock(kind: 0 | 1, block: { bytes: Buffer; size: number; isLast: boolean }): Buffer {
  const head = Buffer.alloc(3);
  head.writeUIntLE((block.size << 3) | (kind << 1) | (block.isLast ? 1 : 0), 0, 3);
  return Buffer.concat([head, block.bytes]);
}

/** Snappy blocks in the framing that Java clients write. */
export function xerial(blocks: readonly Buffer[]): Buffer {
  const head = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
  const sized = blocks.flatMap((block) => {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(block.length);
    return [size, block];
  });
  return Buffer.concat([head, ...sized]);
}

/** An LZ4 frame with one block of a literal zero and a match of `bytes` more. */
export function lz4OfZeros(bytes: number): Buffer {
  const extra = bytes - 1 - 5 - 4 - 15;
  const lengths = Buffer.concat([Buffer.alloc(Math.floor(extra / 255), 255), Buffer.from([extra % 255])]);
  const block = Buffer.concat([Buffer.from([0x1f, 0, 1, 0]), lengths, Buffer.from([0x50, 0, 0, 0, 0, 0])]);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(block.length);
  // Header checksum of FLG 0x60 BD 0x70 is 0x73 by the frame format (xxh32 of both, second byte).
  const head = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73]);
  return Buffer.concat([head, size, block, Buffer.alloc(4)]);
}
