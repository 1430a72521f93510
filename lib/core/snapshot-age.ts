/** How old a snapshot is, in the sense that matters before anything shrinks. */
import type { Snapshot } from './types.ts';

/** Since when changes may be missing in it [ms]; 0 for one from a clock ahead of ours. */
export function snapshotAgeMs({ atMs, asOfMs = atMs }: Pick<Snapshot, 'atMs' | 'asOfMs'>, nowMs: number): number {
  return Math.max(0, nowMs - Math.min(atMs, asOfMs));
}
