/** Bytes of a trace: from a file or any other source, gunzipped when they are gzip. */
import { createReadStream } from 'node:fs';
import { Readable, pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ConfigError, PenstockError, messageOf } from '../../base/errors.ts';
import type { TraceSource } from './contract.ts';

/** Few system calls, and far below what the lines of one chunk may cost. */
const CHUNK_BYTES = 256 * 1024;

/** A file as a source. Nothing is opened before the first read. */
export function fileSource(path: string): TraceSource {
  return { name: path, bytes: () => createReadStream(path, { highWaterMark: CHUNK_BYTES }) };
}

/** The content of `source`, decompressed when it begins with gzip's magic bytes. Throws ConfigError when it cannot be read, is cut off, or is UTF-16. */
export async function* contentOf(source: TraceSource): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of decompressed(source.bytes())) {
      yield chunk;
    }
  } catch (error) {
    if (error instanceof PenstockError) throw error;
    throw new ConfigError(`Cannot read trace "${source.name}": ${messageOf(error)}`, { cause: error });
  }
}

async function* decompressed(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = bytes[Symbol.asyncIterator]();
  const { head, ended } = await headOf(iterator);
  const all = resumed(iterator, { head, ended });
  if (head[0] === 0x1f && head[1] === 0x8b) yield* gunzipped(all);
  else yield* all;
}

/** The first two bytes at least, if there are so many. */
async function headOf(iterator: AsyncIterator<Uint8Array>): Promise<{ head: Uint8Array; ended: boolean }> {
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < 2) {
    const next = await iterator.next();
    if (next.done === true) return { head, ended: true };
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  return { head, ended: false };
}

async function* resumed(
  iterator: AsyncIterator<Uint8Array>,
  { head, ended }: { head: Uint8Array; ended: boolean },
): AsyncGenerator<Uint8Array> {
  try {
    if (head.length > 0) yield head;
    if (ended) return;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  } finally {
    // Closes the file when the reader stops early.
    await iterator.return?.();
  }
}

async function* gunzipped(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  // Errors of the source arrive through the destroyed gunzip below.
  pipeline(Readable.from(bytes, { objectMode: false, highWaterMark: CHUNK_BYTES }), gunzip, () => undefined);
  for await (const chunk of gunzip) yield chunk as Uint8Array;
}
