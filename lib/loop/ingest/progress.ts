/** How far each partition was applied: written after the windows, read at the start of a batch and when a partition is assigned. */
import { ConflictError, messageOf } from '../../base/errors.ts';
import { NEW_EPOCH_MS } from '../../core/window/load-window.ts';
import type { Progress } from '../../state/contract.ts';
import { type StreamRecord, topicPartition } from '../../stream/contract.ts';
import type { Partition, StoredProgress } from './partition.ts';
import type { IngestDeps } from '../deps.ts';

/** Two writers of one partition meet only around a rebalance. */
const WRITE_ATTEMPTS_MAX = 5;

/** Where a partition goes on: behind the last record that all its workloads applied; undefined when nothing is known. Throws TransientError. */
export async function startOffset(
  deps: Pick<IngestDeps, 'state'>,
  partition: { readonly topic: string; readonly partition: number },
): Promise<number | undefined> {
  const stored = await deps.state.progress.read(topicPartition(partition));
  return stored === undefined ? undefined : stored.value.offset + 1;
}

export async function readProgress(deps: IngestDeps, id: string): Promise<StoredProgress> {
  return deps.state.progress.read(id);
}

/** Whether a record was counted as done before. An old offset with a clearly newer time is another record: its topic was made anew. */
export function isDone(record: Pick<StreamRecord, 'offset' | 'timestampMs'>, stored: StoredProgress): boolean {
  if (stored === undefined || record.offset > stored.value.offset) return false;
  return record.timestampMs <= stored.value.timestampMs + NEW_EPOCH_MS;
}

export type Gap = {
  /** Offsets between the progress and the first record. */
  readonly records: number;
  /** More than compaction and transactions explain: records were lost to us, windows are incomplete. */
  readonly isSuspicious: boolean;
};

/**
 * The offsets missing in front of a batch. Compaction, aborted transactions and transaction markers leave gaps everywhere; a gap in front that is
 * more than twice the widest one inside the batch is taken for lost records (retention, or a commit ahead of a store that lost its tail).
 */
export function gapBefore(deps: IngestDeps, partition: Pick<Partition, 'batch' | 'id' | 'stored'>): Gap {
  const { records: all } = partition.batch;
  const first = all[0];
  if (first === undefined || partition.stored === undefined) return { records: 0, isSuspicious: false };
  const records = Math.max(0, first.offset - partition.stored.value.offset - 1);
  if (records === 0) return { records, isSuspicious: false };
  let widest = 0;
  for (let at = 1; at < all.length; at++) {
    widest = Math.max(widest, (all[at]?.offset ?? 0) - (all[at - 1]?.offset ?? 0) - 1);
  }
  const isSuspicious = records > 2 * (widest + 1);
  if (isSuspicious) {
    deps.metrics.count('ingest_gap_holds_total');
    deps.log.warn('records are missing before a batch, its workloads hold for one window', {
      partition: partition.id,
      records,
      offset: first.offset,
    });
  }
  return { records, isSuspicious };
}

/** Writes how far the partition is done. When that fails the whole batch is to be delivered again, which the offsets in the windows make harmless. */
export async function writeProgress(deps: IngestDeps, partition: Partition): Promise<void> {
  const next = progressOf(partition);
  if (next === undefined) return;
  try {
    await advance(deps, partition, next);
  } catch (error) {
    partition.retryFrom = Math.min(partition.retryFrom, partition.batch.records[0]?.offset ?? Infinity);
    deps.metrics.count('ingest_progress_failures_total');
    deps.log.warn('progress was not written', { partition: partition.id, error: messageOf(error) });
  }
}

/** The last record before the first one to retry. Its time is the newest of all done: producers' clocks make times go back. */
function progressOf({ batch, retryFrom }: Partition): Progress | undefined {
  let [offset, timestampMs] = [-1, 0];
  for (const record of batch.records) {
    if (record.offset >= retryFrom) break;
    offset = record.offset;
    timestampMs = Math.max(timestampMs, record.timestampMs);
  }
  return offset < 0 ? undefined : { offset, timestampMs };
}

async function advance(deps: IngestDeps, partition: Partition, next: Progress): Promise<void> {
  let stored = partition.stored;
  for (let attempt = 0; attempt < WRITE_ATTEMPTS_MAX; attempt++) {
    if (isDone(next, stored)) return;
    const isNewEpoch = stored !== undefined && next.offset <= stored.value.offset;
    const timestampMs = isNewEpoch ? next.timestampMs : Math.max(next.timestampMs, stored?.value.timestampMs ?? 0);
    const value = { offset: next.offset, timestampMs };
    if (await deps.state.progress.compareAndSet(partition.id, value, stored?.version)) return;
    stored = await deps.state.progress.read(partition.id);
  }
  throw new ConflictError(
    `Cannot write progress of "${partition.id}": expected to win one of ${WRITE_ATTEMPTS_MAX} races, current value is 0`,
  );
}
