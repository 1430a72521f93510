/** Sorts the records of a batch: events by workload, bad ones with their reason, tombstones, and strangers. */
import { setImmediate } from 'node:timers/promises';
import { decodeRecord } from '../../../events/decode.ts';
import type { FoldRecord } from '../../core/window/fold.ts';
import type { RecordBatch, StreamRecord } from '../../stream/contract.ts';

export type BadRecord = { readonly record: StreamRecord; readonly reason: string };

export type DecodedBatch = {
  /** In ascending order of offsets. */
  readonly byWorkload: ReadonlyMap<string, readonly FoldRecord[]>;
  readonly bad: BadRecord[];
  /** Offsets. */
  readonly tombstones: readonly number[];
  readonly unknown: readonly number[];
  readonly clamped: number;
};

/** Other work gets its turn after so much decoding: some 5 ms, also for values at the size limit. */
const RECORDS_PER_TURN = 1_000;
const BYTES_PER_TURN = 1_000_000;

/** Decodes a batch, letting the event loop breathe. `isKnown` says whether a policy names the workload. */
export async function decodeBatch(
  batch: RecordBatch,
  options: { readonly nowMs: number; readonly isKnown: (workload: string) => boolean },
): Promise<DecodedBatch> {
  const byWorkload = new Map<string, FoldRecord[]>();
  const [bad, tombstones, unknown]: [BadRecord[], number[], number[]] = [[], [], []];
  let clamped = 0;
  let [records, bytes] = [0, 0];
  for (const record of batch.records) {
    const decoded = decodeRecord(record, options);
    if (decoded.kind === 'bad') bad.push({ record, reason: decoded.reason });
    else if (decoded.kind === 'tombstone') tombstones.push(record.offset);
    else {
      const { event } = decoded;
      const known = byWorkload.get(event.workload);
      const entry = { offset: record.offset, timestampMs: record.timestampMs, event };
      if (known !== undefined) known.push(entry);
      else if (options.isKnown(event.workload)) byWorkload.set(event.workload, [entry]);
      else unknown.push(record.offset);
      if (decoded.clampedMs > 0) clamped++;
    }
    bytes += record.value?.length ?? 0;
    if (++records < RECORDS_PER_TURN && bytes < BYTES_PER_TURN) continue;
    [records, bytes] = [0, 0];
    await setImmediate();
  }
  return { byWorkload, bad, tombstones, unknown, clamped };
}
