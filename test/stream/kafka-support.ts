/** What tests of the Kafka stream share. */
import kafkajs, { type Kafka } from 'kafkajs';
import { systemClock } from '../../lib/base/clock.ts';
import { jsonLogger, silentLogger } from '../../lib/base/log.ts';
import { memoryMetrics } from '../../lib/base/metrics.ts';
import { seededRandom } from '../../lib/base/random.ts';
import type { KafkaSettings } from '../../lib/clients/kafka/client.ts';
import type { KafkaTuning } from '../../lib/stream/kafka-tuning.ts';
import type { KafkaStreamOptions } from '../../lib/stream/kafka.ts';

/** Nothing waits longer than it must; a member that a busy machine lets wait for some seconds stays one. */
export const TEST_TUNING = {
  sessionTimeoutMs: 10_000,
  heartbeatIntervalMs: 500,
  fetchWaitMs: 100,
  // A broker that is there answers in the end, however busy the machine.
  startTimeoutMs: 45_000,
} satisfies Partial<KafkaTuning>;

/** Options of a stream with quick reactions. `STREAM_LOG=debug` shows what it does. */
export function kafkaOptions(
  kafka: Omit<KafkaSettings, 'clientId'>,
  tuning: Partial<KafkaTuning> = {},
): KafkaStreamOptions & { metrics: ReturnType<typeof memoryMetrics> } {
  const level = process.env.STREAM_LOG;
  return {
    kafka: { clientId: 'penstock-test', ...kafka },
    clock: systemClock,
    log: level === undefined ? silentLogger : jsonLogger({ level: level === 'debug' ? 'debug' : 'info' }),
    metrics: memoryMetrics(),
    random: seededRandom(7),
    tuning: { ...TEST_TUNING, ...tuning },
  };
}

/** kafkajs without any of our code. */
export function rawKafka(brokers: readonly string[]): Kafka {
  return new kafkajs.Kafka({ brokers: [...brokers], clientId: 'raw-test', logLevel: kafkajs.logLevel.NOTHING });
}

/** Polls until the condition holds; throws after `waitMs`. */
export async function until(condition: () => boolean | Promise<boolean>, waitMs = 120_000): Promise<void> {
  const deadlineMs = performance.now() + waitMs;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`the condition did not hold within ${waitMs} ms`);
    await systemClock.sleep(10);
  }
}
