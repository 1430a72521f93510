/** Apache Kafka as a stream. */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Metrics } from '../base/metrics.ts';
import type { Random } from '../base/random.ts';
import type { KafkaSettings } from '../clients/kafka/client.ts';
import type { ProducerCompression } from './codecs.ts';
import type { Stream } from './contract.ts';
import { kafkaAdmin } from './kafka-admin.ts';
import { KafkaConsumer } from './kafka-consumer.ts';
import { kafkaLagReader } from './kafka-lag.ts';
import { KafkaProducer } from './kafka-producer.ts';
import type { KafkaTuning } from './kafka-tuning.ts';

export type KafkaStreamOptions = {
  readonly kafka: KafkaSettings;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Spreads the pauses between attempts. */
  readonly random: Random;
  readonly tuning?: Partial<KafkaTuning>;
  readonly compression?: ProducerCompression;
};

/** Consumers, producers, lag readers and admins of one Kafka cluster. Nothing connects before it is used. */
export function kafkaStream(options: KafkaStreamOptions): Stream {
  return {
    consumer: (settings) => new KafkaConsumer(options, settings),
    producer: () => new KafkaProducer(options),
    lagReader: () => kafkaLagReader(options),
    admin: () => kafkaAdmin(options),
  };
}
