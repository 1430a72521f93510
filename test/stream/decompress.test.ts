import zlib from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import snappyCodec from 'kafkajs-snappy';
import { decompress } from '../../lib/stream/decompress.ts';
import { lz4Codec, lz4DecodedBytes } from '../../lib/stream/lz4.ts';
import { OversizedError } from '../../lib/stream/oversized.ts';
import type { CompressionId } from '../../lib/stream/record-batch.ts';
import { gzipOfZeros, lz4OfZeros, xerial, zstdOfZeros, zstdStored } from './batches.ts';

const snappy = snappyCodec();
const MIB = 2 ** 20;
/** 50 lines of JSON by `zstd -3`, with a window and without a declared size, as streaming producers write. */
const ZSTD_BY_REFERENCE = 'KLUv/QRYhQEAdAJ7InNjaGVtYSI6InBlbnN0b2NrLmluZmVyZW5jZS1sb2FkLzEifQoBAKdb/eoJYysNtQ==';

const inflate = (payload: Buffer, compression: CompressionId, bytesMax = MIB): Promise<Buffer> =>
  decompress(payload, { compression, bytesMax });

/** Content that compresses well and content that does not. */
const content = fc.oneof(
  fc.uint8Array({ maxLength: 5_000 }),
  fc
    .tuple(fc.string({ minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 5_000 }))
    .map(([text, count]) => Buffer.from(text.repeat(count))),
);

describe('decompress', () => {
  test('gives back what gzip, zlib, snappy and lz4 were given', async () => {
    await fc.assert(
      fc.asyncProperty(content, async (bytes) => {
        const original = Buffer.from(bytes);
        const lz4 = (await lz4Codec())();
        expect(original.equals(await inflate(original, 0))).toBe(true);
        expect(original.equals(await inflate(zlib.gzipSync(original), 1))).toBe(true);
        expect(original.equals(await inflate(zlib.deflateSync(original), 1))).toBe(true);
        expect(original.equals(await inflate(await snappy.compress({ buffer: original }), 2))).toBe(true);
        const packed = await lz4.compress({ buffer: original });
        expect(original.equals(await inflate(packed, 3))).toBe(true);
        expect(lz4DecodedBytes(packed, MIB)).toBe(original.length);
      }),
      { numRuns: 60 },
    );
  });

  test('reads snappy in blocks, as Java clients write it', async () => {
    const parts = ['one ', 'two ', 'three'.repeat(1_000)].map((text) => Buffer.from(text));
    const blocks = await Promise.all(parts.map((buffer) => snappy.compress({ buffer })));
    expect(await inflate(xerial(blocks), 2)).toEqual(Buffer.concat(parts));
  });

  test('reads zstd frames: stored blocks, with and without a declared size, and one made by the reference encoder', async () => {
    const original = Buffer.from('penstock '.repeat(40_000));
    for (const frame of [zstdStored(original), zstdStored(original, { contentSize: true })]) {
      const decoded = await inflate(frame, 4);
      expect(original.equals(decoded.subarray(0, original.length))).toBe(true);
      expect(decoded.subarray(original.length).every((byte) => byte === 0)).toBe(true);
    }
    const fixture = Buffer.from(ZSTD_BY_REFERENCE, 'base64');
    const text = Buffer.from('{"schema":"penstock.inference-load/1"}\n'.repeat(50));
    expect((await inflate(fixture, 4)).subarray(0, text.length)).toEqual(text);
    // Two frames in a row go through the streaming decoder.
    expect(await inflate(Buffer.concat([fixture, fixture]), 4, 4 * MIB)).toEqual(Buffer.concat([text, text]));
  });

  test.each<[string, CompressionId, () => Promise<Buffer>]>([
    ['gzip', 1, () => gzipOfZeros({ count: 1, valueBytes: 5 * MIB })],
    ['snappy', 2, () => snappy.compress({ buffer: Buffer.alloc(5 * MIB) })],
    [
      'snappy in blocks',
      2,
      async () => xerial(Array<Buffer>(80).fill(await snappy.compress({ buffer: Buffer.alloc(64 * 1024) }))),
    ],
    ['lz4', 3, async () => (await lz4Codec())().compress({ buffer: Buffer.alloc(5 * MIB) })],
    ['lz4 of one endless match', 3, () => Promise.resolve(lz4OfZeros(2 ** 30))],
    ['zstd', 4, () => Promise.resolve(zstdOfZeros({ count: 1, valueBytes: 5 * MIB }))],
    ['zstd with a declared size', 4, () => Promise.resolve(zstdStored(Buffer.alloc(2 * MIB), { contentSize: true }))],
    [
      'zstd in two frames',
      4,
      () => Promise.resolve(Buffer.concat([zstdStored(Buffer.alloc(MIB)), zstdStored(Buffer.alloc(MIB))])),
    ],
  ])('refuses a %s batch that holds more than allowed', async (_name, compression, make) => {
    await expect(inflate(await make(), compression, MIB)).rejects.toBeInstanceOf(OversizedError);
  });

  test('refuses garbage and cut-off payloads as bad events, whatever the codec', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        fc.constantFrom<CompressionId>(1, 3, 4),
        async (bytes, compression) => {
          // A random payload that decodes is not impossible, but then it is small.
          const outcome = await inflate(Buffer.from(bytes), compression).catch((error: unknown) => error);
          if (outcome instanceof Buffer) expect(outcome.length).toBeLessThanOrEqual(MIB);
          else expect(outcome).toMatchObject({ code: 'bad-event' });
        },
      ),
      { numRuns: 300 },
    );
    const whole = zlib.gzipSync(Buffer.from('text'));
    await expect(inflate(whole.subarray(0, 10), 1)).rejects.toMatchObject({ code: 'bad-event' });
    await expect(inflate(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), 2)).rejects.toMatchObject({
      code: 'bad-event',
    });
  });
});
