/** A log of events, a consumer that everything happens to, and the comparison with the naive fold of the list. */
import { expect } from '@jest/globals';
import { TransientError } from '../../lib/base/errors.ts';
import { type Random, seededRandom } from '../../lib/base/random.ts';
import { emptyWindow } from '../../lib/core/window/load-window.ts';
import { ingest, startOffset } from '../../lib/loop/ingest/ingest.ts';
import type { IngestDeps } from '../../lib/loop/deps.ts';
import type { StateStores } from '../../lib/state/contract.ts';
import type { RecordBatch, StreamRecord } from '../../lib/stream/contract.ts';
import { type Delivered, naiveWindow, plainOf } from '../core/window/naive.ts';
import { inferenceLoad, queueDepth, START_MS } from '../events/builders.ts';

export const WORKLOADS = ['alpha', 'beta', 'gamma'] as const;
const PARTITIONS = 3;
const TOPIC = 'inference-load';

export type Log = {
  readonly partitions: readonly (readonly StreamRecord[])[];
  /** What was sent, by workload, in the order of sending. */
  readonly sent: ReadonlyMap<string, readonly Delivered[]>;
  /** Keys of the records that are no events. */
  readonly bad: readonly string[];
};

/** Samples of several sources of each workload, spread over partitions by source, with bad records and tombstones between. */
export function makeLog(seed: number, length: number): Log {
  const random = seededRandom(seed);
  const partitions: StreamRecord[][] = Array.from({ length: PARTITIONS }, () => []);
  const sent = new Map<string, Delivered[]>();
  const bad: string[] = [];
  for (let at = 0; at < length; at++) {
    const source = Math.floor(random() * 4);
    const partition = source % PARTITIONS;
    const records = partitions[partition] ?? [];
    const offset = (records.at(-1)?.offset ?? -1) + (random() < 0.02 ? 2 : 1);
    const timestampMs = START_MS + at * 100 + Math.floor(random() * 50);
    const place = { topic: TOPIC, partition, offset, timestampMs, key: null, headers: {} };
    const dice = random();
    if (dice < 0.03) {
      records.push({ ...place, value: Buffer.from('{"schema":') });
      bad.push(`${TOPIC}/${partition}/${offset}`);
    } else if (dice < 0.05) records.push({ ...place, value: null });
    else {
      const workload = WORKLOADS[Math.floor(random() * WORKLOADS.length)] ?? 'alpha';
      const event = sample(random, { workload, source, timestampMs });
      records.push({ ...place, value: Buffer.from(JSON.stringify(event)) });
      const list = sent.get(workload) ?? [];
      sent.set(workload, list);
      list.push({ topicPartition: `${TOPIC}-${partition}`, offset, timestampMs, event });
    }
  }
  return { partitions, sent, bad };
}

function sample(random: Random, of: { workload: string; source: number; timestampMs: number }): Delivered['event'] {
  const intervalEndMs = of.timestampMs - Math.floor(random() * 300);
  const interval = { workload: of.workload, intervalStartMs: intervalEndMs - 2_000, intervalEndMs };
  const count = Math.floor(random() * 1_000);
  if (of.source === 3) return queueDepth({ ...interval, source: 'queue/q', depth: random() * 100, enqueued: count });
  const name = of.source === 0 ? 'gateway/g' : `pod/${of.source}`;
  return inferenceLoad({ ...interval, source: name, inFlight: random() * 50, requests: { arrived: count } });
}

/** Stores in which calls fail: before they did anything, or after they did it (the answer was lost). */
export function faulty(stores: StateStores, fails: () => 'before' | 'after' | 'no'): StateStores {
  const guard = async <T>(run: () => Promise<T>): Promise<T> => {
    const when = fails();
    if (when === 'before') throw new TransientError('not sent');
    const value = await run();
    if (when === 'after') throw new TransientError('answer lost');
    return value;
  };
  return {
    ...stores,
    load: { ...stores.load, apply: (workload, fold) => guard(() => stores.load.apply(workload, fold)) },
    progress: {
      ...stores.progress,
      read: (id) => guard(() => stores.progress.read(id)),
      compareAndSet: (id, value, expected) => guard(() => stores.progress.compareAndSet(id, value, expected)),
    },
    outbox: { ...stores.outbox, put: (messages) => guard(() => stores.outbox.put(messages)) },
  };
}

export type Consumer = {
  /** Delivers the next batch of a partition and moves on by the answer. False when there is nothing left. */
  step(partition: number, size: number): Promise<boolean>;
  /** Goes on where the progress says. */
  reseek(): Promise<void>;
  /** Delivers again from an earlier record. */
  rewind(partition: number, by: number): void;
};

/** Behaves like a Kafka consumer: partitions in order, a failed batch comes again. */
export function consumerOf(log: Log, deps: IngestDeps): Consumer {
  const next = log.partitions.map(() => 0);
  const indexOf = (partition: number, offset: number): number => {
    const records = log.partitions[partition] ?? [];
    const at = records.findIndex((record) => record.offset >= offset);
    return at < 0 ? records.length : at;
  };
  return {
    step: async (partition, size) => {
      const from = next[partition] ?? 0;
      const records = (log.partitions[partition] ?? []).slice(from, from + size);
      if (records.length === 0) return false;
      const batch: RecordBatch = { topic: TOPIC, partition, records, lag: null };
      try {
        const { answers } = await ingest(deps, [batch]);
        const retry = answers.get(`${TOPIC}-${partition}`)?.retryFromOffset;
        next[partition] = retry === undefined ? from + records.length : indexOf(partition, retry);
      } catch (error) {
        if (!(error instanceof TransientError)) throw error;
      }
      return true;
    },
    reseek: async () => {
      for (const partition of log.partitions.keys()) {
        const offset = await startOffset(deps, { topic: TOPIC, partition });
        next[partition] = offset === undefined ? 0 : indexOf(partition, offset);
      }
    },
    rewind: (partition, by) => {
      next[partition] = Math.max(0, (next[partition] ?? 0) - by);
    },
  };
}

/** Delivers everything that is left. */
export async function drain(consumer: Consumer, size = 50): Promise<void> {
  await Promise.all(
    Array.from({ length: PARTITIONS }, async (_, partition) => {
      while (await consumer.step(partition, size));
    }),
  );
}

/** The stored windows equal the naive fold of the list of everything sent, every bad record is a dead letter, and the progress is at the end. */
export async function expectExact(log: Log, stores: StateStores): Promise<void> {
  stores.load.forgetCache();
  const windows = await stores.load.readMany(WORKLOADS);
  for (const workload of WORKLOADS) {
    const expected = naiveWindow(log.sent.get(workload) ?? []);
    expect(plainOf(windows.get(workload) ?? emptyWindow())).toEqual(expected);
  }
  const letters = new Set((await stores.outbox.peek(100_000)).map((one) => one.message.key));
  expect([...letters].toSorted()).toEqual(log.bad.toSorted());
  for (const [partition, records] of log.partitions.entries()) {
    const progress = await stores.progress.read(`${TOPIC}-${partition}`);
    expect(progress?.value.offset).toBe(records.at(-1)?.offset);
  }
}
