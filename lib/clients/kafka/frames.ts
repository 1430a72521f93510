/** Cuts a byte stream into Kafka's frames: a size of four bytes and as many bytes after it. */

/** Above what a broker sends (a fetch is bounded by our request and by one batch of at most `message.max.bytes`). */
const FRAME_BYTES_MAX = 256 * 2 ** 20;
const SIZE_BYTES = 4;

/**
 * Returns a function that takes chunks as they arrive and calls `onFrame` with every complete frame, its size included.
 * Bytes are copied once, and only where a frame came in several chunks. Throws when a size is impossible.
 */
export function frameReader(onFrame: (frame: Buffer) => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = [];
  let bytes = 0;
  let frameBytes: number | null = null;

  const join = (): Buffer => {
    const joined = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, bytes);
    chunks = [joined];
    return joined;
  };

  return (chunk) => {
    chunks.push(chunk);
    bytes += chunk.length;
    for (;;) {
      if (frameBytes === null) {
        if (bytes < SIZE_BYTES) return;
        frameBytes = SIZE_BYTES + sizeOf(join());
      }
      if (bytes < frameBytes) return;
      const joined = join();
      const frame = joined.subarray(0, frameBytes);
      const rest = joined.subarray(frameBytes);
      chunks = rest.length === 0 ? [] : [rest];
      bytes = rest.length;
      frameBytes = null;
      onFrame(frame);
    }
  };
}

function sizeOf(start: Buffer): number {
  const size = start.readInt32BE(0);
  if (size < 0 || size > FRAME_BYTES_MAX) {
    throw new Error('the answer is not in the Kafka protocol (is TLS on at one end only?)');
  }
  return size;
}
