import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { frameReader } from '../../../lib/clients/kafka/frames.ts';

function frame(body: Uint8Array): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}

describe('frameReader', () => {
  test('finds the same frames however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 10 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 }),
        (bodies, cuts) => {
          const stream = Buffer.concat(bodies.map(frame));
          const found: Buffer[] = [];
          const read = frameReader((bytes) => found.push(Buffer.from(bytes)));
          for (let at = 0, index = 0; at < stream.length; index++) {
            const length = cuts[index % cuts.length] ?? 1;
            read(stream.subarray(at, at + length));
            at += length;
          }
          expect(found).toEqual(bodies.map(frame));
        },
      ),
    );
  });

  test('refuses what cannot be a frame: the answer of a TLS listener', () => {
    const read = frameReader(() => {});
    expect(() => read(Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02]))).toThrow('is TLS on at one end only?');
    expect(() => frameReader(() => {})(Buffer.from([0xff, 0, 0, 0]))).toThrow('not in the Kafka protocol');
  });
});
