/** A broker in memory, for tests and the simulator: the contract without a network. Nothing waits but on the clock, so runs repeat exactly. */
import type { Clock } from '../base/clock.ts';
import { NotFoundError } from '../base/errors.ts';
import { seededRandom, type Random } from '../base/random.ts';
import type { Stream, StreamRecord } from './contract.ts';
import { lagOf, remember, type LagHistory, type OffsetSample } from './lag-math.ts';
import { MemoryConsumer } from './memory-consumer.ts';
import { memoryGroup, type MemoryGroup } from './memory-group.ts';
import { dropBefore, memoryTopics } from './memory-log.ts';
import { keyOf, type PartitionId } from './positions.ts';

export type MemoryStreamOptions = {
  readonly clock: Clock;
  /** Spreads the pauses after a failed batch. Default: seeded, the same in every run. */
  readonly random?: Random;
  readonly recordsPerBatchMax?: number;
};

export type MemoryStream = Stream & {
  /** Resolves when all consumers have handled what they may, and nothing goes on before the clock moves or somebody sends. */
  settled(): Promise<void>;
  /** All records of a topic that still exist, by partition and offset. */
  records(topic: string): readonly StreamRecord[];
  /** Removes everything below `offset`, as retention does. */
  expire(partition: PartitionId, offset: number): void;
};

const RECORDS_PER_BATCH_MAX = 10_000;

export function memoryStream(options: MemoryStreamOptions): MemoryStream {
  const { clock } = options;
  const topics = memoryTopics();
  const groups = new Map<string, MemoryGroup>();
  const consumers = new Set<MemoryConsumer>();
  const running = new Set<Promise<unknown>>();
  const histories = new Map<string, LagHistory>();

  const groupOf = (name: string): MemoryGroup => {
    const group = groups.get(name) ?? memoryGroup();
    groups.set(name, group);
    return group;
  };
  const addBusy = (work: Promise<unknown>): void => {
    running.add(work);
    void work.finally(() => running.delete(work));
  };

  const consumer: Stream['consumer'] = (settings) => {
    const made = new MemoryConsumer(
      {
        clock,
        random: options.random ?? seededRandom(1),
        topics,
        group: groupOf(settings.group),
        recordsPerBatchMax: options.recordsPerBatchMax ?? RECORDS_PER_BATCH_MAX,
        busy: { add: addBusy },
      },
      settings,
    );
    consumers.add(made);
    return made;
  };

  const producer: Stream['producer'] = () => ({
    send: async (records) => {
      const unknown = records.find(({ topic }) => !topics.has(topic));
      if (unknown !== undefined) {
        throw new NotFoundError(`Cannot write to topic "${unknown.topic}": expected it to exist, it does not`);
      }
      for (const record of records) topics.append(record, clock.nowMs());
      for (const each of consumers) each.kick();
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  });

  const sampleOf = ({ topic, group }: { readonly topic: string; readonly group: string }): OffsetSample => ({
    atMs: clock.nowMs(),
    partitions: new Map(
      topics.partitionsOf(topic).map((partition) => {
        const committed = groupOf(group).committed.get(keyOf(partition)) ?? null;
        return [partition.partition, { low: partition.low, high: partition.high, committed }];
      }),
    ),
  });

  const lagReader: Stream['lagReader'] = () => ({
    read: (of) => {
      const name = JSON.stringify([of.topic, of.group]);
      const history = histories.get(name) ?? [];
      const sample = sampleOf(of);
      histories.set(name, remember(history, sample));
      return Promise.resolve(lagOf(sample, history));
    },
    close: () => Promise.resolve(),
  });

  return {
    consumer,
    producer,
    lagReader,
    admin: () => ({
      ensureTopics: (specs) => {
        for (const { topic, partitions } of specs) topics.create(topic, partitions);
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    }),
    settled: async () => {
      while (running.size > 0) await Promise.allSettled(running);
    },
    records: (topic) => topics.partitionsOf(topic).flatMap(({ records }) => records),
    expire: (of, offset) => {
      const partition = topics.partition(of);
      if (partition !== undefined) dropBefore(partition, offset);
    },
  };
}
