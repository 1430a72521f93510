/** Asks a Kafka broker where a consumer begins in each partition it was given. */
import type { Admin } from 'kafkajs';
import type { StartWish } from './contract.ts';
import { choosePosition, keyOf, type LogRange, type PartitionId, type Position } from './positions.ts';

/** Asks the broker for all that {@link choosePosition} needs. One answer per partition, in the order of `partitions`. Throws what kafkajs throws. */
export async function findPositions(
  admin: Admin,
  of: {
    readonly group: string;
    readonly partitions: readonly PartitionId[];
    readonly wanted: (partition: PartitionId) => Promise<StartWish>;
    /** Records older than this are of no use to a new group [epoch ms]. */
    readonly sinceMs: number;
  },
): Promise<readonly Position[]> {
  const topics = [...new Set(of.partitions.map((partition) => partition.topic))];
  const [wanted, committed, ranges] = await Promise.all([
    Promise.all(of.partitions.map(of.wanted)),
    committedOffsets(admin, { group: of.group, topics }),
    logRanges(admin, topics),
  ]);
  const known = of.partitions.map((partition, index) => ({
    partition,
    wanted: wanted[index],
    committed: committed.get(keyOf(partition)),
    range: ranges.get(keyOf(partition)) ?? { low: 0, high: Number.POSITIVE_INFINITY },
  }));
  const needsLookback = known.filter(
    ({ wanted: wish, committed: done, range }) => wish === 'lookback' || (wish ?? done ?? Infinity) > range.high,
  );
  const lookbacks = await offsetsSince(admin, {
    topics: new Set(needsLookback.map(({ partition }) => partition.topic)),
    sinceMs: of.sinceMs,
  });
  return known.map((inputs) =>
    choosePosition({ ...inputs, lookback: lookbacks.get(keyOf(inputs.partition)) ?? inputs.range.low }),
  );
}

/** Committed offsets by {@link keyOf}; partitions without a commit are missing. */
export async function committedOffsets(
  admin: Admin,
  { group, topics }: { readonly group: string; readonly topics: readonly string[] },
): Promise<ReadonlyMap<string, number>> {
  const offsets = new Map<string, number>();
  if (topics.length === 0) return offsets;
  for (const { topic, partitions } of await admin.fetchOffsets({ groupId: group, topics: [...topics] })) {
    for (const { partition, offset } of partitions) {
      if (Number(offset) >= 0) offsets.set(keyOf({ topic, partition }), Number(offset));
    }
  }
  return offsets;
}

/** First and next offsets by {@link keyOf}. */
export async function logRanges(admin: Admin, topics: readonly string[]): Promise<ReadonlyMap<string, LogRange>> {
  const ranges = new Map<string, LogRange>();
  for (const topic of topics) {
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
      ranges.set(keyOf({ topic, partition }), { low: Number(low), high: Number(high) });
    }
  }
  return ranges;
}

async function offsetsSince(
  admin: Admin,
  { topics, sinceMs }: { readonly topics: ReadonlySet<string>; readonly sinceMs: number },
): Promise<ReadonlyMap<string, number>> {
  const offsets = new Map<string, number>();
  for (const topic of topics) {
    for (const { partition, offset } of await admin.fetchTopicOffsetsByTimestamp(topic, sinceMs)) {
      offsets.set(keyOf({ topic, partition }), Number(offset));
    }
  }
  return offsets;
}
