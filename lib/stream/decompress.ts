/** Decompresses the payload of a record batch, never to more than asked for. */
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { BadEventError, messageOf, PenstockError, TransientError } from '../base/errors.ts';
import { inflateLz4 } from './lz4.ts';
import { OversizedError } from './oversized.ts';
import { COMPRESSION_NAMES, type CompressionId } from './record-batch.ts';
import { inflateSnappy } from './snappy.ts';
import { inflateZstd } from './zstd.ts';

type Inflate = (payload: Buffer, bytesMax: number) => Buffer | Promise<Buffer>;

const unzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.unzip);

const INFLATE: Readonly<Record<CompressionId, Inflate>> = {
  0: (payload) => payload,
  1: (payload, bytesMax) => unzip(payload, { maxOutputLength: bytesMax }),
  2: inflateSnappy,
  3: inflateLz4,
  4: inflateZstd,
};

/**
 * The decoded payload; zero bytes may follow it. Throws OversizedError above `bytesMax` and BadEventError when it cannot be decoded. At
 * no time is much more than `bytesMax` held.
 */
export async function decompress(
  payload: Buffer,
  { compression, bytesMax }: { readonly compression: CompressionId; readonly bytesMax: number },
): Promise<Buffer> {
  const codec = COMPRESSION_NAMES[compression];
  try {
    return await INFLATE[compression](payload, bytesMax);
  } catch (error) {
    if (error instanceof PenstockError) throw error;
    if (hasCode(error, 'ERR_BUFFER_TOO_LARGE')) throw new OversizedError(codec, bytesMax);
    const text = `Cannot decompress a ${codec} batch: ${messageOf(error)}`;
    // The batch is not to blame when this process is out of memory.
    if (/allocation/i.test(messageOf(error)) || hasCode(error, 'ERR_MEMORY_ALLOCATION_FAILED')) {
      throw new TransientError(text, { cause: error });
    }
    throw new BadEventError(text, { cause: error });
  }
}

function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
