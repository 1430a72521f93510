/** Codecs that kafkajs needs for compressing; it brings only gzip. What we read is decompressed in `decompress.ts`. */
import kafkajs, { type CompressionTypes } from 'kafkajs';
import snappyCodec from 'kafkajs-snappy';
import { ConfigError } from '../base/errors.ts';
import { decompress } from './decompress.ts';
import { lz4Codec } from './lz4.ts';

/** What a producer may write. */
export type ProducerCompression = 'none' | 'gzip' | 'snappy' | 'lz4';

export const COMPRESSION_TYPES = {
  none: kafkajs.CompressionTypes.None,
  gzip: kafkajs.CompressionTypes.GZIP,
  snappy: kafkajs.CompressionTypes.Snappy,
  lz4: kafkajs.CompressionTypes.LZ4,
} satisfies Record<ProducerCompression, CompressionTypes>;

/** Bound of a batch that kafkajs decodes itself, outside of our consumer [bytes]. */
const DECODED_BYTES_MAX = 64 * 2 ** 20;

/** Registers snappy, lz4 and zstd with kafkajs. Calling it again changes nothing. zstd cannot be written: ConfigError says so. */
export function registerCodecs(): void {
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.Snappy] = () => ({
    compress: snappyCodec().compress,
    decompress: (payload: Buffer) => decompress(payload, { compression: 2, bytesMax: DECODED_BYTES_MAX }),
  });
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.LZ4] = () => ({
    compress: async (encoder: { readonly buffer: Buffer }) => (await lz4Codec())().compress(encoder),
    decompress: (payload: Buffer) => decompress(payload, { compression: 3, bytesMax: DECODED_BYTES_MAX }),
  });
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({
    compress: () =>
      Promise.reject(
        new ConfigError('Cannot compress with zstd: expected none, gzip, snappy or lz4; zstd can only be read'),
      ),
    decompress: (payload: Buffer) => decompress(payload, { compression: 4, bytesMax: DECODED_BYTES_MAX }),
  });
}
