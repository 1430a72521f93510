/** How much of the ring was heard. */
import { BUCKET_MS, type LoadWindow, newestIndexOf, RING_LENGTH } from './load-window.ts';
import { bucketAt } from './signals.ts';

/** Time not yet reported is not held against a window for so long [ms]: the freshness limit of readings. */
const GRACE_MS = 30_000;

/**
 * Share of the last ring (15 min) in which any source was heard, 0..1: below 1 the window is cold, or has holes. Counted in buckets, so that it times
 * the ring's length is the time heard.
 */
export function warmRatioOf(window: LoadWindow | undefined, nowMs: number): number {
  const newest = window === undefined ? -1 : newestIndexOf(window);
  if (window === undefined || newest < 0) return 0;
  const nowIndex = Math.floor(nowMs / BUCKET_MS);
  const last = nowIndex - newest > GRACE_MS / BUCKET_MS ? nowIndex : newest;
  let heard = 0;
  for (let index = last - RING_LENGTH + 1; index <= last; index++) if (bucketAt(window, index) !== undefined) heard++;
  return heard / RING_LENGTH;
}
