/** What identifies a trace in a report. */
import { createHash } from 'node:crypto';
import { contentOf } from './bytes.ts';
import type { Trace } from './contract.ts';

/**
 * SHA-256 (hex) over the decompressed content, then a line of JSON with the format and the options that change what is read. The same content
 * gives the same digest gzipped or not, and under any name. Reads the whole file once.
 */
export async function traceDigest(trace: Trace): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of contentOf(trace.source)) hash.update(chunk);
  const { timeColumn, timeUnit, rateColumn, rateUnit, skipBadLines = false, from, to } = trace.options;
  const settings = { format: trace.format, timeColumn, timeUnit, rateColumn, rateUnit, skipBadLines, from, to };
  return hash.update(`\n${JSON.stringify(settings)}`).digest('hex');
}
