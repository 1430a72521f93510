/** Folds decoded batches into the windows of their workloads, all workloads side by side. */
import { setImmediate } from 'node:timers/promises';
import { messageOf, PenstockError } from '../../base/errors.ts';
import { type FoldCounts, type FoldRecord, foldRecords } from '../../core/window/fold.ts';
import { emptyWindow, type LoadWindow, RING_MS } from '../../core/window/load-window.ts';
import type { IngestCounts } from './counts.ts';
import type { Partition } from './partition.ts';
import type { Gap } from './progress.ts';
import type { IngestDeps } from '../deps.ts';

/** Windows in flight at once: enough to fill a pipeline, few enough that a slow Redis answers the last within its timeout. */
const APPLIES_MAX = 256;

/** Other work gets its turn after so many folded records: some 5 ms. */
const RECORDS_PER_TURN = 2_000;

type Part = {
  readonly partition: Partition;
  readonly records: readonly FoldRecord[];
  /** 0: no hold. */
  readonly holdUntilMs: number;
};

type Folding = {
  readonly nowMs: number;
  /** From when on a first token is late [ms]; undefined where the policy does not say. */
  readonly lateAfterMs: number | undefined;
};

type Applied = Pick<IngestCounts, 'applied' | 'duplicates' | 'late' | 'overlapped' | 'clamped'>;

/** Applies everything. A workload that fails lowers `retryFrom` of its partitions to its first record there; the others are applied all the same. */
export async function applyWorkloads(
  deps: IngestDeps,
  input: {
    readonly partitions: readonly Partition[];
    readonly gaps: readonly Gap[];
    readonly nowMs: number;
    /** By workload: from when on a first token is late [ms]. */
    readonly lateAfterMs: (workload: string) => number | undefined;
  },
): Promise<{ applied: Applied; triggers: Map<string, number> }> {
  const applied: Applied = { applied: 0, duplicates: 0, late: 0, overlapped: 0, clamped: 0 };
  for (const partition of input.partitions) applied.clamped += partition.clamped;
  const triggers = new Map<string, number>();
  const work = partsByWorkload(input);
  const waiting = work.entries();
  let sinceTurn = 0;

  const worker = async (): Promise<void> => {
    for (const [workload, parts] of waiting) {
      for (const part of parts) sinceTurn += part.records.length;
      if (sinceTurn >= RECORDS_PER_TURN) {
        sinceTurn = 0;
        await setImmediate();
      }
      const folding = { nowMs: input.nowMs, lateAfterMs: input.lateAfterMs(workload) };
      try {
        const counts = await deps.state.load.apply(workload, (window) => foldParts(window, parts, folding));
        for (const one of counts) addCounts(deps, applied, one);
        triggers.set(workload, newestOf(parts));
      } catch (error) {
        giveUp(deps, { workload, parts, error });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(APPLIES_MAX, work.size) }, worker));
  return { applied, triggers };
}

function partsByWorkload(input: {
  readonly partitions: readonly Partition[];
  readonly gaps: readonly Gap[];
  readonly nowMs: number;
}): Map<string, Part[]> {
  const work = new Map<string, Part[]>();
  for (const [index, partition] of input.partitions.entries()) {
    const holdUntilMs = input.gaps[index]?.isSuspicious === true ? input.nowMs + RING_MS : 0;
    for (const [workload, records] of partition.byWorkload) {
      const parts = work.get(workload);
      const part = { partition, records, holdUntilMs };
      if (parts === undefined) work.set(workload, [part]);
      else parts.push(part);
    }
  }
  return work;
}

function foldParts(
  stored: LoadWindow | undefined,
  parts: readonly Part[],
  { nowMs, lateAfterMs }: Folding,
): { window: LoadWindow; result: FoldCounts[] } {
  let window = stored;
  const result: FoldCounts[] = [];
  for (const { partition, records, holdUntilMs } of parts) {
    const folded = foldRecords(window, {
      topicPartition: partition.id,
      records,
      nowMs,
      holdUntilMs,
      ...(lateAfterMs === undefined ? {} : { lateAfterMs }),
    });
    window = folded.window;
    result.push(folded);
  }
  return { window: window ?? emptyWindow(), result };
}

function addCounts(deps: IngestDeps, into: Applied, counts: FoldCounts): void {
  into.applied += counts.applied;
  into.duplicates += counts.duplicates;
  into.late += counts.late;
  into.overlapped += counts.overlapped;
  if (counts.sourcesDropped > 0) deps.metrics.count('ingest_sources_dropped_total', counts.sourcesDropped);
  if (counts.newEpochs > 0) deps.metrics.count('ingest_new_epochs_total', counts.newEpochs);
}

function newestOf(parts: readonly Part[]): number {
  let newestMs = 0;
  for (const part of parts) newestMs = Math.max(newestMs, part.records.at(-1)?.timestampMs ?? 0);
  return newestMs;
}

/** An operating condition: deliver again. Anything else is a fault of ours that would come again for ever: the records are kept as dead letters. */
function giveUp(deps: IngestDeps, failed: { workload: string; parts: readonly Part[]; error: unknown }): void {
  const { workload, parts, error } = failed;
  const isOperating = error instanceof PenstockError;
  deps.metrics.count('ingest_apply_failures_total');
  deps.log.warn('events of a workload were not applied', { workload, error: messageOf(error), again: isOperating });
  for (const { partition, records } of parts) {
    if (isOperating) partition.retryFrom = Math.min(partition.retryFrom, records[0]?.offset ?? Infinity);
    else addToBad(partition, records);
  }
}

function addToBad(partition: Partition, records: readonly FoldRecord[]): void {
  const offsets = new Set(records.map((record) => record.offset));
  for (const record of partition.batch.records) {
    if (offsets.has(record.offset)) partition.bad.push({ record, reason: 'the event could not be folded (internal)' });
  }
  partition.bad.sort((a, b) => a.record.offset - b.record.offset);
}
