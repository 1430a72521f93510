/** What one workload takes in Redis, for the benchmark of the decision core. */
import { encodeWindow } from '../../lib/core/window/codec.ts';
import { decideWorkload } from '../../lib/core/decide-workload.ts';
import { fullWindow } from './core-workloads.ts';
import type { FullWorkload } from './core-workloads.ts';
import { T0 } from '../core/builders.ts';

export type HotBytes = { readonly sources: number; readonly window: number; readonly control: number };

/** Encoded bytes: the hash of a full ring with so many sources, and the largest memory of the core among `workloads` [bytes]. */
export function hotBytes(workloads: readonly FullWorkload[], sources: number): HotBytes {
  const fields = encodeWindow(fullWindow(T0, { sources, course: 1 }));
  const window = Object.entries(fields).reduce((sum, [name, text]) => sum + name.length + Buffer.byteLength(text), 0);
  const sizes = workloads.slice(0, 20).map(({ input }) => JSON.stringify(decideWorkload(input).control).length);
  return { sources, window, control: Math.max(...sizes) };
}
