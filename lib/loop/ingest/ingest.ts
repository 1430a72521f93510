/**
 * First stage: records → load state. Exactly once in effect: each workload's window holds the offsets it applied, and the progress of a partition is
 * written after all its workloads and before its offset is committed. Whatever fails is answered with the first offset to deliver again.
 */
import type { BatchAnswer, RecordBatch } from '../../stream/contract.ts';
import { topicPartition } from '../../stream/contract.ts';
import { applyWorkloads } from './apply.ts';
import { countBatch } from './counts.ts';
import type { IngestCounts } from './counts.ts';
import { deadLetter } from './dead-letters.ts';
import { decodeBatch } from './decode.ts';
import { lateAfterMsOf } from '../../core/scaling/objective.ts';
import type { Partition } from './partition.ts';
import { gapBefore, readProgress, writeProgress } from './progress.ts';
import type { IngestDeps } from '../deps.ts';

export { startOffset } from './progress.ts';

export type IngestOutcome = {
  /** By `TOPIC-PARTITION`. */
  readonly answers: ReadonlyMap<string, BatchAnswer>;
  /** Workloads whose window may have changed. */
  readonly touched: readonly string[];
  /** Kafka time of the newest record of each touched workload [epoch ms]. */
  readonly triggers: ReadonlyMap<string, number>;
  readonly counts: Readonly<IngestCounts>;
};

/** Applies batches of any partitions, at most one of each. Throws only when nothing at all could be done: no policies, or the store does not answer. */
export async function ingest(deps: IngestDeps, batches: readonly RecordBatch[]): Promise<IngestOutcome> {
  const startMs = deps.clock.monotonicMs();
  const nowMs = deps.clock.nowMs();
  const { workloads } = await deps.policies.current();
  const progress = await Promise.all(batches.map((batch) => readProgress(deps, topicPartition(batch))));
  const partitions: Partition[] = [];
  for (const [index, batch] of batches.entries()) {
    const stored = progress[index];
    const decoded = await decodeBatch(batch, { nowMs, isKnown: (workload) => workloads.has(workload) });
    partitions.push({ ...decoded, batch, id: topicPartition(batch), stored, retryFrom: Infinity });
  }
  const gaps = partitions.map((partition) => gapBefore(deps, partition));
  const lateAfterMs = (workload: string): number | undefined => {
    const policy = workloads.get(workload);
    return policy === undefined ? undefined : lateAfterMsOf(policy);
  };
  const { applied, triggers } = await applyWorkloads(deps, { partitions, gaps, nowMs, lateAfterMs });
  const deadLettered = await deadLetter(deps, partitions);
  await Promise.all(partitions.map((partition) => writeProgress(deps, partition)));
  const counts: IngestCounts = {
    ...applied,
    ...sumDone(partitions),
    deadLettered,
    gapRecords: gaps.reduce((sum, gap) => sum + gap.records, 0),
  };
  countBatch(deps, counts);
  deps.metrics.observe('ingest_batch_ms', deps.clock.monotonicMs() - startMs);
  return { answers: answersOf(partitions), touched: [...triggers.keys()], triggers, counts };
}

function answersOf(partitions: readonly Partition[]): Map<string, BatchAnswer> {
  return new Map(
    partitions.map(({ id, retryFrom }) => [id, retryFrom === Infinity ? {} : { retryFromOffset: retryFrom }]),
  );
}

/** What needed no window, as far as it is done: the rest comes again and is counted then. */
function sumDone(partitions: readonly Partition[]): { tombstones: number; unknownWorkload: number } {
  let [tombstones, unknownWorkload] = [0, 0];
  for (const partition of partitions) {
    tombstones += countBelow(partition.tombstones, partition.retryFrom);
    unknownWorkload += countBelow(partition.unknown, partition.retryFrom);
  }
  return { tombstones, unknownWorkload };
}

function countBelow(offsets: readonly number[], limit: number): number {
  return limit === Infinity ? offsets.length : offsets.filter((offset) => offset < limit).length;
}
