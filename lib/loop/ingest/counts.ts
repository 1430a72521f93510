/** What the ingest stage counts. */
import type { IngestDeps } from '../deps.ts';

export type IngestCounts = {
  /** Records folded into a window for the first time. */
  applied: number;
  /** Records that a window had applied already. */
  duplicates: number;
  /** Records that went to the dead-letter topic. */
  deadLettered: number;
  tombstones: number;
  /** Records of workloads that no policy names: not stored. */
  unknownWorkload: number;
  /** Of the applied: older than the ring; covered already by their source; moved back because they ended in the future. */
  late: number;
  overlapped: number;
  clamped: number;
  /** Offsets between the stored progress and the first record. */
  gapRecords: number;
};

/** Adds a batch to the metrics. */
export function countBatch(deps: IngestDeps, counts: IngestCounts): void {
  const { metrics } = deps;
  metrics.count('ingest_events_applied_total', counts.applied);
  metrics.count('ingest_duplicates_total', counts.duplicates);
  metrics.count('ingest_dead_lettered_total', counts.deadLettered);
  metrics.count('ingest_tombstones_total', counts.tombstones);
  metrics.count('ingest_unknown_workload_total', counts.unknownWorkload);
  metrics.count('ingest_late_total', counts.late);
  metrics.count('ingest_overlapped_total', counts.overlapped);
  metrics.count('ingest_clamped_total', counts.clamped);
  metrics.count('ingest_gap_records_total', counts.gapRecords);
}
