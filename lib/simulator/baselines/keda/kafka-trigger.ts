/** The metric of KEDA's Kafka trigger: consumer lag over partitions → one number for the HPA, and whether there is work at all. */

export type KedaKafkaConfig = {
  /** Records one replica may be behind. */
  readonly lagThreshold: number;
  /** Active above this total lag. */
  readonly activationLagThreshold: number;
  /** What the lag of a partition is that nobody has committed: one record (`latest`) or all that is retained (`earliest`). */
  readonly offsetResetPolicy: 'latest' | 'earliest';
  /** More replicas than partitions. */
  readonly allowIdleConsumers: boolean;
  /** Partitions whose committed offset does not move count for activity only. */
  readonly excludePersistentLag: boolean;
  readonly scaleToZeroOnInvalidOffset: boolean;
  readonly limitToPartitionsWithLag: boolean;
  readonly ensureEvenDistributionOfPartitions: boolean;
  /** Only these partitions; absent: all. */
  readonly partitionLimitation?: readonly number[];
};

/** The trigger's documented defaults. */
export const KEDA_KAFKA_DEFAULTS: KedaKafkaConfig = {
  lagThreshold: 10,
  activationLagThreshold: 0,
  offsetResetPolicy: 'latest',
  allowIdleConsumers: false,
  excludePersistentLag: false,
  scaleToZeroOnInvalidOffset: false,
  limitToPartitionsWithLag: false,
  ensureEvenDistributionOfPartitions: false,
};

export type KedaPartition = {
  readonly partition: number;
  /** -1: none. */
  readonly committedOffset: number;
  /** Null: the broker's answer lacks this partition. */
  readonly latestOffset: number | null;
  /** Read with policy `earliest` only; null: unknown. */
  readonly earliestOffset?: number | null;
  readonly committedOffsetError?: boolean;
  readonly latestOffsetError?: boolean;
};

export type KedaReading = {
  /** For the HPA, in thousandths, ≥ 0; null when the reading failed. */
  readonly metricMilli: number | null;
  readonly active: boolean;
  readonly error: boolean;
};

const NO_OFFSET = -1;
const FAILED: KedaReading = { metricMilli: null, active: false, error: true };

/** Reads one topic for one group; remembers committed offsets between the reads. Source: Kafka scaler (KEDA 2.21). */
export function makeKedaKafka(config: KedaKafkaConfig): (partitions: readonly KedaPartition[]) => KedaReading {
  const previousCommitted = new Map<number, number>();

  /** Records to count and records that keep the trigger active. */
  const lagOf = (
    partition: KedaPartition,
    latestOffset: number,
  ): { readonly counted: number; readonly any: number } => {
    const { committedOffset } = partition;
    if (committedOffset === NO_OFFSET) {
      const lag = uncommittedLag(config, { partition, latestOffset });
      return { counted: lag, any: lag };
    }
    const any = latestOffset - committedOffset;
    if (!config.excludePersistentLag) return { counted: any, any };
    const isStuck = previousCommitted.get(partition.partition) === committedOffset;
    previousCommitted.set(partition.partition, committedOffset);
    return { counted: isStuck ? 0 : any, any };
  };

  return (partitions) => {
    const watched = partitions.filter(({ partition }) => config.partitionLimitation?.includes(partition) ?? true);
    if (watched.some((partition) => partition.latestOffsetError === true)) return FAILED;
    let total = 0;
    let activeTotal = 0;
    let partitionCount = 0;
    let laggingCount = 0;
    for (const partition of watched) {
      if (partition.latestOffset === null) continue;
      if (partition.committedOffsetError === true) return FAILED;
      const { counted, any } = lagOf(partition, partition.latestOffset);
      total += counted;
      activeTotal += any;
      partitionCount += 1;
      if (counted > 0) laggingCount += 1;
    }
    const bounded = boundedTotal(config, { total, partitionCount, laggingCount });
    const active = activeTotal > config.activationLagThreshold;
    return { metricMilli: Math.max(0, bounded * 1000), active, error: false };
  };
}

function uncommittedLag(
  config: KedaKafkaConfig,
  { partition, latestOffset }: { readonly partition: KedaPartition; readonly latestOffset: number },
): number {
  if (config.scaleToZeroOnInvalidOffset) return 0;
  return config.offsetResetPolicy === 'latest' ? 1 : latestOffset - (partition.earliestOffset ?? 0);
}

/** No more than the partitions can keep busy. Whole division: up to one threshold more slips through (kept as it is). */
function boundedTotal(
  config: KedaKafkaConfig,
  lag: { readonly total: number; readonly partitionCount: number; readonly laggingCount: number },
): number {
  const { lagThreshold, limitToPartitionsWithLag, ensureEvenDistributionOfPartitions } = config;
  if (config.allowIdleConsumers && !limitToPartitionsWithLag && !ensureEvenDistributionOfPartitions) return lag.total;
  const total = ensureEvenDistributionOfPartitions ? evenTotal(lag.total, { ...lag, lagThreshold }) : lag.total;
  const bound = limitToPartitionsWithLag ? lag.laggingCount : lag.partitionCount;
  return Math.trunc(total / lagThreshold) > bound ? bound * lagThreshold : total;
}

/** The smallest divisor of the partition count that covers the lag, in records: never less than one threshold. */
function evenTotal(total: number, sizes: { readonly partitionCount: number; readonly lagThreshold: number }): number {
  const { partitionCount, lagThreshold } = sizes;
  for (let divisor = 1; divisor < partitionCount; divisor += 1) {
    if (partitionCount % divisor === 0 && divisor * lagThreshold >= total) return divisor * lagThreshold;
  }
  return partitionCount * lagThreshold;
}
