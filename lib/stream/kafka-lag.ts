/** Reads how far a consumer group is behind, through kafkajs. */
import type { Admin } from 'kafkajs';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { kafkaError } from '../clients/kafka/errors.ts';
import { makeKafka, type KafkaSettings } from '../clients/kafka/client.ts';
import type { LagReader } from './contract.ts';
import { lazyAdmin } from './kafka-admin.ts';
import { committedOffsets, logRanges } from './kafka-positions.ts';
import { lagOf, remember, type LagHistory, type OffsetSample, type PartitionOffsets } from './lag-math.ts';
import { keyOf } from './positions.ts';

/** Groups and topics whose history is kept; the one that was read longest ago makes room. */
const HISTORIES_MAX = 1_000;

/** Connects with the first reading. Never throws: whatever goes wrong is a missing reading with its reason. */
export function kafkaLagReader(options: {
  readonly kafka: KafkaSettings;
  readonly clock: Clock;
  readonly log: Logger;
}): LagReader {
  const admin = lazyAdmin(makeKafka(options.kafka, options.log).admin());
  const histories = new Map<string, LagHistory>();

  return {
    read: async ({ topic, group }) => {
      const name = JSON.stringify([topic, group]);
      try {
        const sample = await readSample(await admin.get(), { topic, group, atMs: options.clock.nowMs() });
        const history = histories.get(name) ?? [];
        histories.delete(name);
        histories.set(name, remember(history, sample));
        const oldest = histories.keys().next();
        if (histories.size > HISTORIES_MAX && oldest.done !== true) histories.delete(oldest.value);
        return lagOf(sample, history);
      } catch (error) {
        return { kind: 'missing', reason: kafkaError(error, `read the lag of group "${group}" on "${topic}"`).message };
      }
    },
    close: () => admin.close(),
  };
}

async function readSample(
  admin: Admin,
  { topic, group, atMs }: { readonly topic: string; readonly group: string; readonly atMs: number },
): Promise<OffsetSample> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  // Commits first: what is committed in between must not look like a negative lag.
  const committed = await committedOffsets(admin, { group, topics: [topic] });
  const ranges = await logRanges(admin, [topic]);
  const partitions = new Map<number, PartitionOffsets | null>();
  for (const { partitionId } of topics.find(({ name }) => name === topic)?.partitions ?? []) {
    const key = keyOf({ topic, partition: partitionId });
    const range = ranges.get(key);
    partitions.set(partitionId, range === undefined ? null : { ...range, committed: committed.get(key) ?? null });
  }
  return { atMs, partitions };
}
