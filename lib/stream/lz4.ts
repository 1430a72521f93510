/** LZ4 frames: the decoded size is counted first, then a library decodes. Layout: LZ4 frame format 1.6, LZ4 block format. */
import { BadEventError, ConfigError, messageOf } from '../base/errors.ts';
import { OversizedError } from './oversized.ts';

const FRAME_MAGIC = 0x184d2204;
const STORED_FLAG = 0x8000_0000;

/** Decodes `payload`. Throws OversizedError, BadEventError, or ConfigError when the native decoder does not run on this machine. */
export async function inflateLz4(payload: Buffer, bytesMax: number): Promise<Buffer> {
  if (lz4DecodedBytes(payload, bytesMax) > bytesMax) throw new OversizedError('lz4', bytesMax);
  const codec = await lz4Codec();
  return codec().decompress(payload);
}

/** A codec as kafkajs wants it. */
export type KafkajsCodec = {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>;
  decompress(buffer: Buffer): Promise<Buffer>;
};

/** The library, loaded when the first LZ4 batch is met. */
export async function lz4Codec(): Promise<() => KafkajsCodec> {
  try {
    const { default: Lz4 } = await import('@2l/kafkajs-lz4');
    return new Lz4().codec;
  } catch (error) {
    throw new ConfigError(`Cannot load the lz4 decoder "@2l/kafkajs-lz4": ${messageOf(error)}`, { cause: error });
  }
}

/** Bytes that the frames in `payload` decode to; anything above `bytesMax` once that is exceeded. */
export function lz4DecodedBytes(payload: Buffer, bytesMax: number): number {
  let decoded = 0;
  let at = 0;
  while (at + 7 <= payload.length && decoded <= bytesMax) {
    if (payload.readUInt32LE(at) !== FRAME_MAGIC)
      throw new BadEventError('Cannot decompress an lz4 batch: expected a frame');
    const flags = payload.readUInt8(at + 4);
    const hasContentSize = (flags & 0x08) !== 0;
    at += 4 + 2 + (hasContentSize ? 8 : 0) + ((flags & 0x01) === 0 ? 0 : 4) + 1;
    for (;;) {
      if (at + 4 > payload.length) throw new BadEventError('Cannot decompress an lz4 batch: expected more blocks');
      const block = payload.readUInt32LE(at);
      at += 4;
      if (block === 0) break;
      const bytes = block % STORED_FLAG;
      const end = Math.min(at + bytes, payload.length);
      decoded += block >= STORED_FLAG ? bytes : blockDecodedBytes(payload, { at, end });
      if (decoded > bytesMax) return decoded;
      at += bytes + ((flags & 0x10) === 0 ? 0 : 4);
    }
    at += (flags & 0x04) === 0 ? 0 : 4;
  }
  return decoded;
}

/** Walks the tokens of a block, adding up literals and matches without copying them. */
function blockDecodedBytes(bytes: Buffer, { at: start, end }: { at: number; end: number }): number {
  let at = start;
  let decoded = 0;
  const extended = (nibble: number): number => {
    let length = nibble;
    if (nibble !== 15) return length;
    for (;;) {
      const more = bytes[at++] ?? 0;
      length += more;
      if (more !== 255 || at >= end) return length;
    }
  };
  while (at < end) {
    const token = bytes[at++] ?? 0;
    const literals = extended(token >>> 4);
    decoded += literals;
    at += literals;
    if (at >= end) break;
    at += 2;
    decoded += extended(token & 0x0f) + 4;
  }
  return decoded;
}
