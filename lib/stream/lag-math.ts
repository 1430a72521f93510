/** Lag of a consumer group, computed from offsets: pure. */
import type { BrokerLag } from './contract.ts';

/** Offsets of one partition at one moment. */
export type PartitionOffsets = {
  /** First offset that still exists. */
  readonly low: number;
  /** Offset of the next record to be written. */
  readonly high: number;
  /** Next offset that the group will read; null when it committed nothing. */
  readonly committed: number | null;
};

/** Offsets of all partitions at one moment; null for a partition that could not be read. */
export type OffsetSample = {
  readonly atMs: number;
  readonly partitions: ReadonlyMap<number, PartitionOffsets | null>;
};

/** Earlier samples, oldest first. */
export type LagHistory = readonly OffsetSample[];

/** Samples kept per group and topic: an hour at one reading in 10 s; a greater age is not told apart. */
export const HISTORY_SAMPLES_MAX = 360;

/** The history with `sample` at its end, the oldest dropped above {@link HISTORY_SAMPLES_MAX}. */
export function remember(history: LagHistory, sample: OffsetSample): LagHistory {
  return [...history, sample].slice(-HISTORY_SAMPLES_MAX);
}

/**
 * depth = Σ high − max(committed, low) [records]; without a commit everything that exists counts. Any partition that is unknown makes the whole unknown:
 * a part of a queue must not look like a short queue.
 */
export function lagOf(sample: OffsetSample, history: LagHistory): BrokerLag {
  if (sample.partitions.size === 0) return { kind: 'missing', reason: 'the topic has no partitions' };
  const unknown = [...sample.partitions].filter(([, offsets]) => offsets === null).map(([partition]) => partition);
  if (unknown.length > 0) return { kind: 'missing', reason: `offsets of partition ${unknown.join(', ')} are unknown` };
  const known = new Map<number, PartitionOffsets>();
  for (const [partition, offsets] of sample.partitions) if (offsets !== null) known.set(partition, offsets);

  let depth = 0;
  for (const offsets of known.values()) depth += lagOfPartition(offsets);
  const previous = history.at(-1);
  return {
    kind: 'value',
    depth,
    oldestAgeMs: oldestAgeMs({ atMs: sample.atMs, partitions: known }, history),
    enqueued: previous === undefined ? null : advance(known, { before: previous, by: (offsets) => offsets.high }),
    dequeued: previous === undefined ? null : advance(known, { before: previous, by: positionOf }),
  };
}

/** The next record that the group will read. */
function positionOf({ low, high, committed }: PartitionOffsets): number {
  return Math.min(high, Math.max(committed ?? low, low));
}

function lagOfPartition(offsets: PartitionOffsets): number {
  return offsets.high - positionOf(offsets);
}

/** How far all partitions went on since `before`; null when one of them is new, was unknown or went back. */
function advance(
  now: ReadonlyMap<number, PartitionOffsets>,
  { before, by }: { readonly before: OffsetSample; readonly by: (offsets: PartitionOffsets) => number },
): number | null {
  let sum = 0;
  for (const [partition, offsets] of now) {
    const earlier = before.partitions.get(partition);
    const delta = earlier ? by(offsets) - by(earlier) : Number.NaN;
    if (!(delta >= 0)) return null;
    sum += delta;
  }
  return sum;
}

type KnownSample = { readonly atMs: number; readonly partitions: ReadonlyMap<number, PartitionOffsets> };

/** Age of the oldest record that was not read [ms]: 0 without lag, null while the history does not reach back far enough. */
function oldestAgeMs(now: KnownSample, history: LagHistory): number | null {
  let ageMs = 0;
  for (const [partition, offsets] of now.partitions) {
    if (lagOfPartition(offsets) === 0) continue;
    const arrivedMs = arrivalMs(positionOf(offsets), { partition, samples: [...history, now] });
    if (arrivedMs === null) return null;
    ageMs = Math.max(ageMs, now.atMs - arrivedMs);
  }
  return ageMs;
}

/**
 * When the record at `offset` was written: between the last sample whose end was at or below it and the first whose end was above it, by linear
 * interpolation (records of one interval arrive evenly). With a full history that begins later, its beginning: at least so old.
 */
function arrivalMs(
  offset: number,
  of: { readonly partition: number; readonly samples: readonly OffsetSample[] },
): number | null {
  const ends = of.samples.flatMap(({ atMs, partitions }) => {
    const offsets = partitions.get(of.partition);
    return offsets ? [{ atMs, high: offsets.high }] : [];
  });
  const afterIndex = ends.findIndex(({ high }) => high > offset);
  const after = ends[afterIndex];
  if (after === undefined) return null;
  const before = ends[afterIndex - 1];
  if (before === undefined) return of.samples.length > HISTORY_SAMPLES_MAX ? after.atMs : null;
  return before.atMs + ((offset - before.high) / (after.high - before.high)) * (after.atMs - before.atMs);
}
