/** Baseline: KEDA with its Kafka trigger, for load that waits in a topic. */
import { seededRandom } from '../../../base/random.ts';
import { CONCURRENCY_TARGET_RATIO, concurrencyTargetRatio } from '../baseline-options.ts';
import type { BaselineFactory, BaselineOptions, PlantView } from '../contract.ts';
import { KEDA_KAFKA_DEFAULTS, makeKedaKafka } from './kafka-trigger.ts';
import type { KedaPartition, KedaReading } from './kafka-trigger.ts';
import { makeKedaBaseline } from './scaled-object.ts';
import type { KedaTrigger } from './scaled-object.ts';
import { countOf, tunedSettings } from '../peer-settings.ts';

const RECOMMENDED = {
  cooldownSec: 300,
  upStabilizationSec: 0,
  downStabilizationSec: 300,
};

const NO_READING: KedaReading = { metricMilli: null, active: false, error: true };

/** KEDA with the Kafka trigger: records that are not committed yet, waiting or being served. */
export const keda: BaselineFactory = {
  name: 'keda',
  source:
    'KEDA 2.21 (Kafka scaler, scale executor), the scaler checked against 15 series recorded from it; HPA of Kubernetes 1.37',
  settings: {
    trigger:
      'Consumer lag of a topic that holds one record per request: a record is committed when it was served, so lag is what waits and what runs.',
    targetRatio: `lagThreshold is ${CONCURRENCY_TARGET_RATIO} of the requests one replica holds at 80 % of its rate, cut to a whole number of at least 1: with more the loop swings on a constant load. The default of 10 knows nothing of the model.`,
    partitions:
      'As many as the most replicas, evenly filled, as KEDA needs to use them all (allowIdleConsumers is off by default).',
    polling:
      'Every 30 s between 0 and 1, the default; above, the HPA asks every 15 s. Both with a random phase on a grid of 5 s.',
    cooldownSec: '300 s after the last activity to zero, the default.',
    upStabilizationSec: '0 s, the default.',
    downStabilizationSec: '300 s and no behavior block, the defaults: at most 2x or 4 replicas per sync.',
    metricAge: 'None but the sampling: KEDA asks the brokers when it is asked.',
    replicasMin: 'The minimum of the workload, zero included.',
  },
  grid: {
    targetRatio: [0.2, 0.35, 0.5, 0.75, 1],
    upStabilizationSec: [0, 120],
    downStabilizationSec: [300, 900],
  },
  create: (options) => {
    const { targetRatio, ...settings } = tunedSettings(
      { ...RECOMMENDED, targetRatio: concurrencyTargetRatio(options.capacity) },
      options.tuning,
    );
    const lagThreshold = Math.max(1, Math.floor(targetRatio * options.capacity.concurrency));
    return makeKedaBaseline(options, {
      ...settings,
      trigger: kafkaTrigger(lagThreshold, options.replicas),
      random: seededRandom(options.seed),
    });
  },
};

function kafkaTrigger(lagThreshold: number, replicas: BaselineOptions['replicas']): KedaTrigger {
  const read = makeKedaKafka({ ...KEDA_KAFKA_DEFAULTS, lagThreshold });
  const partitionCount = Math.max(1, replicas.max);
  return {
    targetMilli: lagThreshold * 1000,
    read: (view: PlantView) => {
      const sample = view.sampleAt(view.nowMs);
      return sample === undefined ? NO_READING : read(evenPartitions(countOf(sample), partitionCount));
    },
  };
}

/** Only the differences between the offsets matter. */
function evenPartitions(lagRecords: number, partitionCount: number): KedaPartition[] {
  const each = Math.floor(lagRecords / partitionCount);
  const rest = lagRecords - each * partitionCount;
  return Array.from({ length: partitionCount }, (_, partition) => ({
    partition,
    committedOffset: 0,
    latestOffset: each + (partition < rest ? 1 : 0),
  }));
}
