/** Bad records go to the dead-letter topic as they came, with the reason, through the outbox: before their offset counts as done. */
import { messageOf } from '../../base/errors.ts';
import type { OutboxMessage } from '../../state/contract.ts';
import type { BadRecord } from './decode.ts';
import type { Partition } from './partition.ts';
import { isDone } from './progress.ts';
import type { IngestDeps } from '../deps.ts';

/** More of a value is not kept: an outbox of giant values would fill Redis. */
const DEAD_LETTER_BYTES_MAX = 65_536;

/** Dead letters of one call to the outbox. */
const CHUNK_RECORDS = 200;
const CHUNK_BYTES = 1_000_000;

/**
 * Puts the bad records that will be done with this batch. Those of an earlier delivery (at or below the progress) were put then; a crash in between
 * may repeat some, under the same key. Where the outbox can't take them the partition stops there. Gives how many were put.
 */
export async function deadLetter(deps: IngestDeps, partitions: readonly Partition[]): Promise<number> {
  let count = 0;
  for (const partition of partitions) {
    const due = partition.bad.filter(
      ({ record }) => record.offset < partition.retryFrom && !isDone(record, partition.stored),
    );
    for (const chunk of chunksOf(due)) {
      try {
        await deps.state.outbox.put(chunk.map((bad) => messageFor(bad, deps.topics.deadLetter)));
        count += chunk.length;
      } catch (error) {
        partition.retryFrom = Math.min(partition.retryFrom, chunk[0]?.record.offset ?? Infinity);
        deps.metrics.count('ingest_dead_letter_failures_total');
        deps.log.warn('dead letters were not kept, their partition waits', {
          partition: partition.id,
          error: messageOf(error),
        });
        break;
      }
    }
  }
  return count;
}

function chunksOf(bad: readonly BadRecord[]): BadRecord[][] {
  const chunks: BadRecord[][] = [];
  let bytes = 0;
  for (const one of bad) {
    const size = Math.min(one.record.value?.length ?? 0, DEAD_LETTER_BYTES_MAX);
    const last = chunks.at(-1);
    if (last === undefined || last.length >= CHUNK_RECORDS || bytes + size > CHUNK_BYTES) {
      chunks.push([one]);
      bytes = size;
    } else {
      last.push(one);
      bytes += size;
    }
  }
  return chunks;
}

function messageFor({ record, reason }: BadRecord, topic: string): OutboxMessage {
  const value = record.value ?? new Uint8Array();
  const headers: Record<string, string> = {
    reason,
    topic: record.topic,
    partition: String(record.partition),
    offset: String(record.offset),
    'timestamp-ms': String(record.timestampMs),
  };
  if (record.key !== null) headers['key-base64'] = base64(record.key.subarray(0, DEAD_LETTER_BYTES_MAX));
  if (value.length > DEAD_LETTER_BYTES_MAX) headers['truncated-from-bytes'] = String(value.length);
  return {
    topic,
    key: `${record.topic}/${record.partition}/${record.offset}`,
    value: base64(value.subarray(0, DEAD_LETTER_BYTES_MAX)),
    encoding: 'base64',
    headers,
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
