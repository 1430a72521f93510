/** Where a consumer begins in a partition: pure. */
import type { SkippedRange, StartWish } from './contract.ts';

export type PartitionId = { readonly topic: string; readonly partition: number };

/** Offsets that exist in a partition. */
export type LogRange = {
  /** First offset that still exists. */
  readonly low: number;
  /** Offset of the next record to be written. */
  readonly high: number;
};

export type PositionInputs = {
  /** What the owner asked for, if anything. */
  readonly wanted: StartWish;
  /** What the group committed, if anything. */
  readonly committed: number | undefined;
  readonly range: LogRange;
  /** First offset inside the lookback, for a partition that nobody knows. */
  readonly lookback: number;
};

export type Position = {
  /** Next offset to deliver. */
  readonly offset: number;
  /** What is passed over to get there. */
  readonly skipped: Pick<SkippedRange, 'fromOffset' | 'toOffset' | 'reason'> | null;
};

/**
 * The owner's wish goes before the commit, the commit before the lookback; then it is moved to where records exist. Beyond the end means that the log was
 * made anew or cut, so everything inside the lookback counts as new.
 */
export function choosePosition({ wanted, committed, range, lookback }: PositionInputs): Position {
  const begin = wanted === 'lookback' ? earlierOf(committed, lookback) : (wanted ?? committed);
  if (begin === undefined) return { offset: lookback, skipped: null };
  if (begin < range.low) {
    return { offset: range.low, skipped: { fromOffset: begin, toOffset: range.low - 1, reason: 'expired' } };
  }
  if (begin > range.high) {
    return { offset: lookback, skipped: { fromOffset: range.high, toOffset: begin - 1, reason: 'vanished' } };
  }
  return { offset: begin, skipped: null };
}

/** A commit behind the lookback is older work that is still to be done; a later one was done by an owner that has forgotten it. */
function earlierOf(committed: number | undefined, lookback: number): number {
  return committed === undefined ? lookback : Math.min(committed, lookback);
}

/** One string per partition. */
export function keyOf({ topic, partition }: PartitionId): string {
  return `${topic}-${partition}`;
}
