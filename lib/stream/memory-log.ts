/** Topics in memory: what the broker of `memory.ts` keeps. */
import type { OutgoingRecord, StreamRecord } from './contract.ts';
import { keyOf, type PartitionId } from './positions.ts';

/** One partition: records with ascending offsets, the oldest dropped above {@link RECORDS_MAX}. */
export type MemoryPartition = PartitionId & {
  readonly records: StreamRecord[];
  /** First offset that still exists. */
  low: number;
  /** Offset of the next record. */
  high: number;
};

export type MemoryTopics = {
  has(topic: string): boolean;
  create(topic: string, partitions: number): void;
  partitionsOf(topic: string): readonly MemoryPartition[];
  partition(of: PartitionId): MemoryPartition | undefined;
  append(record: OutgoingRecord, nowMs: number): MemoryPartition;
};

/** Retention per partition: an hour of 250 events a second. */
const RECORDS_MAX = 1_000_000;
/** Dropping from the front of an array costs its length, so it is done for many records at a time. */
const DROP_COUNT = 50_000;

export function memoryTopics(): MemoryTopics {
  const topics = new Map<string, readonly MemoryPartition[]>();
  const byKey = new Map<string, MemoryPartition>();
  let keyless = 0;

  return {
    has: (topic) => topics.has(topic),
    create: (topic, count) => {
      if (topics.has(topic)) return;
      const partitions = Array.from({ length: count }, (_, partition): MemoryPartition => {
        return { topic, partition, records: [], low: 0, high: 0 };
      });
      topics.set(topic, partitions);
      for (const partition of partitions) byKey.set(keyOf(partition), partition);
    },
    partitionsOf: (topic) => topics.get(topic) ?? [],
    partition: (of) => byKey.get(keyOf(of)),
    append: (record, nowMs) => {
      const partitions = topics.get(record.topic) ?? [];
      const key = record.key === null ? null : Buffer.from(record.key);
      const index = (key === null ? keyless++ : hashOf(key)) % partitions.length;
      const partition = partitions[index];
      if (partition === undefined) throw new RangeError(`no partition ${index} of "${record.topic}"`);
      partition.records.push({
        topic: record.topic,
        partition: index,
        offset: partition.high++,
        timestampMs: record.timestampMs ?? nowMs,
        key,
        value: record.value === null ? null : Buffer.from(record.value),
        headers: headersOf(record),
      });
      if (partition.records.length >= RECORDS_MAX + DROP_COUNT) dropBefore(partition, partition.low + DROP_COUNT);
      return partition;
    },
  };
}

/** Removes everything below `offset`, as retention does. */
export function dropBefore(partition: MemoryPartition, offset: number): void {
  const end = Math.min(Math.max(offset, partition.low), partition.high);
  partition.records.splice(0, end - partition.low);
  partition.low = end;
}

/** Records from `offset` on, at most `countMax`. */
export function readFrom(partition: MemoryPartition, offset: number, countMax: number): readonly StreamRecord[] {
  const start = Math.max(0, offset - partition.low);
  return partition.records.slice(start, start + countMax);
}

/** Offset of the first record of `sinceMs` or later; the end when there is none. */
export function offsetSince(partition: MemoryPartition, sinceMs: number): number {
  return partition.records.find(({ timestampMs }) => timestampMs >= sinceMs)?.offset ?? partition.high;
}

function headersOf({ headers = {} }: OutgoingRecord): Readonly<Record<string, string>> {
  const lower = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(headers)) lower[name.toLowerCase()] = value;
  return lower;
}

/** FNV-1a, 32 bits: the same key goes to the same partition. */
function hashOf(key: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
