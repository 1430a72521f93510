import { describe, expect, test } from '@jest/globals';
import type {
  KedaKafkaConfig,
  KedaPartition,
  KedaReading,
} from '../../../../lib/simulator/baselines/keda/kafka-trigger.ts';
import { KEDA_KAFKA_DEFAULTS, makeKedaKafka } from '../../../../lib/simulator/baselines/keda/kafka-trigger.ts';
import { testVectors } from '../../../support/vectors.ts';

type Input = { readonly partitions: readonly KedaPartition[] };

testVectors<KedaKafkaConfig, Input, KedaReading>('kedaKafka', ({ config, steps }) => {
  const read = makeKedaKafka(config);
  for (const { tMs, input, expect: expected } of steps) {
    expect({ tMs, ...read(input.partitions) }).toEqual({ tMs, ...expected });
  }
});

/** Partitions with the given lags. */
const lags = (...records: readonly number[]): KedaPartition[] =>
  records.map((lag, partition) => ({ partition, committedOffset: 100, latestOffset: 100 + lag }));

const metricOf = (overrides: Partial<KedaKafkaConfig>, partitions: readonly KedaPartition[]): number | null =>
  makeKedaKafka({ ...KEDA_KAFKA_DEFAULTS, ...overrides })(partitions).metricMilli;

describe('makeKedaKafka', () => {
  test('bounds the lag by the partitions, but lets less than one more threshold through', () => {
    expect(metricOf({}, lags(100, 100, 0, 0, 0, 0))).toBe(60_000);
    expect(metricOf({}, lags(65, 0, 0, 0, 0, 0))).toBe(65_000);
    expect(metricOf({ allowIdleConsumers: true }, lags(100, 100, 0, 0, 0, 0))).toBe(200_000);
    expect(metricOf({ limitToPartitionsWithLag: true }, lags(100, 100, 0, 0, 0, 0))).toBe(20_000);
  });

  test('spreads evenly by a divisor of the partitions, and asks for one threshold even without lag', () => {
    const even = { ensureEvenDistributionOfPartitions: true };
    expect(metricOf(even, lags(0, 0, 0, 0, 0, 0))).toBe(10_000);
    expect(metricOf(even, lags(35, 0, 0, 0, 0, 0))).toBe(60_000);
  });

  test('does not count a partition that does not move, but stays active for it', () => {
    const read = makeKedaKafka({ ...KEDA_KAFKA_DEFAULTS, excludePersistentLag: true });
    expect(read(lags(5))).toEqual({ metricMilli: 5000, active: true, error: false });
    expect(read(lags(7))).toEqual({ metricMilli: 0, active: true, error: false });
  });

  test('counts one record, or what is retained, where nothing was committed', () => {
    const partitions = [{ partition: 0, committedOffset: -1, latestOffset: 50, earliestOffset: 20 }];
    expect(metricOf({}, partitions)).toBe(1000);
    expect(metricOf({ offsetResetPolicy: 'earliest', allowIdleConsumers: true }, partitions)).toBe(30_000);
    expect(metricOf({ scaleToZeroOnInvalidOffset: true }, partitions)).toBe(0);
  });

  test('fails as a whole when one partition fails', () => {
    const partitions = [...lags(5), { partition: 1, committedOffset: 0, latestOffset: 0, latestOffsetError: true }];
    expect(makeKedaKafka(KEDA_KAFKA_DEFAULTS)(partitions)).toEqual({ metricMilli: null, active: false, error: true });
  });
});
