/** Lines of a stream of bytes, in batches and with bounded memory. */
import { isAscii } from 'node:buffer';

/** A line of 128,000 tokens' block hashes has some 2 kB; this is far above any, and what a file without line ends may cost [bytes]. */
export const LINE_BYTES_MAX = 1024 * 1024;

export type LineBatch = {
  /** Number of the first of these lines in the file, from 1. */
  readonly firstLine: number;
  /** Without line ends. One that is longer than {@link LINE_BYTES_MAX} is cut to one character more. */
  readonly lines: readonly string[];
};

const NEWLINE = 0x0a;

/** Splits at LF; a CR before it and a byte order mark at the start are removed. The last line needs no line end. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<LineBatch> {
  let carry: Buffer[] = [];
  let carryBytes = 0;
  let nextLine = 1;
  const batchOf = (bytes: Buffer): LineBatch => {
    const lines = textOf(bytes).split('\n').map(trimmed);
    if (nextLine === 1 && lines[0]?.startsWith('\ufeff') === true) lines[0] = lines[0].slice(1);
    const batch = { firstLine: nextLine, lines };
    nextLine += lines.length;
    return batch;
  };
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const last = bytes.lastIndexOf(NEWLINE);
    if (last >= 0) {
      const first = bytes.indexOf(NEWLINE);
      yield batchOf(Buffer.concat([...carry, kept(bytes.subarray(0, first), carryBytes), bytes.subarray(first, last)]));
      [carry, carryBytes] = [[], 0];
    }
    // Of a line that is too long only the beginning is kept.
    const rest = kept(bytes.subarray(last + 1), carryBytes);
    // Copied: a source may use its chunk again.
    if (rest.length > 0) carry.push(Buffer.from(rest));
    carryBytes += rest.length;
  }
  if (carryBytes > 0) yield batchOf(Buffer.concat(carry));
}

function kept(bytes: Buffer, carryBytes: number): Buffer {
  return bytes.subarray(0, Math.max(0, LINE_BYTES_MAX + 1 - carryBytes));
}

/** A cut line may end inside a character: its text is as long as its bytes then. */
function textOf(bytes: Buffer): string {
  return bytes.toString(isAscii(bytes) || bytes.length > LINE_BYTES_MAX ? 'latin1' : 'utf8');
}

function trimmed(line: string): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  return text.length > LINE_BYTES_MAX ? text.slice(0, LINE_BYTES_MAX + 1) : text;
}
