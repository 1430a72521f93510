/** Small traces for tests. */
import { gzipSync } from 'node:zlib';
import type { TraceOptions, TraceSource } from '../../../lib/simulator/traces/contract.ts';
import { openTrace } from '../../../lib/simulator/traces/open-trace.ts';
import { requestBatchesOf, requestsOf, type RequestsOptions } from '../../../lib/simulator/traces/requests-of.ts';
import type { TraceRequest } from '../../../lib/simulator/plant/contract.ts';

/** A source of this text (or these bytes), in chunks of `chunkBytes`. */
export function textSource(text: string | Uint8Array, chunkBytes = 7): TraceSource {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  return {
    name: 'test.csv',
    bytes: async function* () {
      for (let at = 0; at < bytes.length; at += chunkBytes) yield Promise.resolve(bytes.subarray(at, at + chunkBytes));
    },
  };
}

export function gzipped(text: string): TraceSource {
  return textSource(gzipSync(text));
}

/** All requests of a trace with this text. */
export async function readRequests(text: string | TraceSource, options: TraceOptions = {}): Promise<TraceRequest[]> {
  const trace = await openTrace(typeof text === 'string' ? textSource(text) : text, options);
  return collect(requestsOf(trace, { seed: 1 }));
}

export async function generate(text: string, options: RequestsOptions): Promise<TraceRequest[]> {
  return (await collect(requestBatchesOf(await openTrace(textSource(text, 65_536)), options))).flat();
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
