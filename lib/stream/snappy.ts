/** Snappy, raw (librdkafka) and in the framing of xerial (Java): every block says its size, so the sum is known before decoding. */
import snappyCodec from 'kafkajs-snappy';
import { BadEventError } from '../base/errors.ts';
import { OversizedError } from './oversized.ts';

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
/** Magic and two version numbers. */
const XERIAL_HEADER_BYTES = 16;

/** Decodes `payload`. Throws OversizedError, BadEventError. */
export async function inflateSnappy(payload: Buffer, bytesMax: number): Promise<Buffer> {
  const blocks = snappyBlocks(payload);
  let bytes = 0;
  for (const block of blocks) {
    bytes += declaredBytes(block);
    if (bytes > bytesMax) throw new OversizedError('snappy', bytesMax);
  }
  const { decompress } = snappyCodec();
  // Block by block: the library's own loop over blocks copies all earlier ones each time.
  const decoded: Buffer[] = [];
  for (const block of blocks) decoded.push(await decompress(block));
  return decoded.length === 1 && decoded[0] !== undefined ? decoded[0] : Buffer.concat(decoded, bytes);
}

function snappyBlocks(payload: Buffer): readonly Buffer[] {
  if (!payload.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return [payload];
  const blocks: Buffer[] = [];
  let at = XERIAL_HEADER_BYTES;
  while (at < payload.length) {
    const start = at + 4;
    if (start > payload.length)
      throw new BadEventError('Cannot decompress a snappy batch: expected the size of a block');
    at = start + payload.readUInt32BE(at);
    if (at > payload.length) throw new BadEventError('Cannot decompress a snappy batch: expected a longer block');
    blocks.push(payload.subarray(start, at));
  }
  return blocks;
}

/** The varint in front of a block [bytes]. */
function declaredBytes(block: Buffer): number {
  let bytes = 0;
  for (let index = 0; index < 5; index++) {
    const byte = block[index];
    if (byte === undefined) break;
    bytes += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return bytes;
  }
  throw new BadEventError('Cannot decompress a snappy batch: expected its decoded size in front');
}
