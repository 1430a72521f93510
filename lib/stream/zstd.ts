/** Zstandard frames. Layout: RFC 8878. */
import { Decompress, decompress } from 'fzstd';
import { BadEventError } from '../base/errors.ts';
import { OversizedError } from './oversized.ts';

const FRAME_MAGIC = 0xfd2fb528;
const BLOCK_BYTES_MAX = 128 * 1024;

/** Decodes `payload`; zero bytes may follow the content. Throws OversizedError, BadEventError. */
export function inflateZstd(payload: Buffer, bytesMax: number): Buffer {
  const frame = readFrame(payload);
  if ((frame.contentBytes ?? 0) > bytesMax) throw new OversizedError('zstd', bytesMax);
  if (frame.isOnly && frame.boundBytes <= bytesMax) {
    // Decoded in place. The bound is exact but for the last block, and the count of records says where they end.
    return bufferOf(decompress(payload, new Uint8Array(frame.contentBytes ?? frame.boundBytes)));
  }
  // Here a window is allocated before anything is decoded.
  if (frame.windowBytes > bytesMax) throw new OversizedError('zstd', bytesMax);
  return inflateStreaming(payload, bytesMax);
}

type Frame = {
  readonly windowBytes: number;
  readonly contentBytes: number | null;
  /** At least what the frame decodes to. */
  readonly boundBytes: number;
  /** Nothing follows the frame. */
  readonly isOnly: boolean;
};

function readFrame(payload: Buffer): Frame {
  if (payload.length < 9 || payload.readUInt32LE(0) !== FRAME_MAGIC) {
    throw new BadEventError('Cannot decompress a zstd batch: expected a frame');
  }
  const descriptor = payload.readUInt8(4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  let at = 5;
  const window = payload.readUInt8(at);
  const windowBase = 2 ** (10 + (window >>> 3));
  if (!isSingleSegment) at += 1;
  at += [0, 1, 2, 4][descriptor & 0x03] ?? 0;
  const sizeKind = descriptor >>> 6;
  const contentBytes = readContentSize(payload, { at, kind: isSingleSegment && sizeKind === 0 ? 'byte' : sizeKind });
  at += [isSingleSegment ? 1 : 0, 2, 4, 8][sizeKind] ?? 0;
  const windowBytes = isSingleSegment ? (contentBytes ?? 0) : windowBase + (windowBase / 8) * (window & 0x07);
  const { boundBytes, end } = walkBlocks(payload, { at, blockBytesMax: Math.min(BLOCK_BYTES_MAX, windowBytes) });
  return { windowBytes, contentBytes, boundBytes, isOnly: end + ((descriptor & 0x04) === 0 ? 0 : 4) >= payload.length };
}

function readContentSize(payload: Buffer, { at, kind }: { at: number; kind: number | 'byte' }): number | null {
  if (at + 8 > payload.length + 7) throw new BadEventError('Cannot decompress a zstd batch: expected a longer header');
  if (kind === 'byte') return payload.readUInt8(at);
  if (kind === 1) return payload.readUInt16LE(at) + 256;
  if (kind === 2) return payload.readUInt32LE(at);
  if (kind === 3) return Number(payload.readBigUInt64LE(at));
  return null;
}

/** Adds up what the blocks can decode to at most: raw and repeated blocks say it, compressed ones have a limit. */
function walkBlocks(payload: Buffer, from: { at: number; blockBytesMax: number }): { boundBytes: number; end: number } {
  let { at } = from;
  let boundBytes = 0;
  for (let isLast = false; !isLast;) {
    if (at + 3 > payload.length) throw new BadEventError('Cannot decompress a zstd batch: expected more blocks');
    const head = payload.readUIntLE(at, 3);
    isLast = (head & 1) === 1;
    const kind = (head >>> 1) & 3;
    const bytes = head >>> 3;
    at += 3 + (kind === 1 ? 1 : bytes);
    boundBytes += kind === 2 ? from.blockBytesMax : bytes;
  }
  return { boundBytes, end: at };
}

/** Several frames, or many small blocks: decoded piece by piece, until there is too much. */
function inflateStreaming(payload: Buffer, bytesMax: number): Buffer {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  const stream = new Decompress((piece) => {
    bytes += piece.length;
    if (bytes > bytesMax) throw new OversizedError('zstd', bytesMax);
    // Copied: the decoder goes on with its own buffer.
    pieces.push(Uint8Array.from(piece));
  });
  stream.push(payload, true);
  return Buffer.concat(pieces, bytes);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
