/**
 * Folding records into a window, once each.
 *
 * Law: any order of records that keeps the order of each source and of each partition, in any split into batches, with any redelivery, gives the
 * same window. Two things bound it. Sources beyond SOURCES_MAX: the same sources are kept (those with the newest interval ends), but one that was dropped and
 * comes back overlapping itself is not trimmed, and `sourcesDropped` counts drops, which depend on the order. A re-created topic sets
 * `holdUntilMs` from the clock.
 *
 * Sources and partitions not heard for a whole ring are forgotten: whatever they send again about that time is too old for any bucket.
 */
import { addPart, type LoadEvent, type Part, totalsOf, zeroAccumulators } from './accumulators.ts';
import {
  type Accumulators,
  type AppliedMark,
  BUCKET_MS,
  emptyWindow,
  type LoadWindow,
  NEW_EPOCH_MS,
  newestIndexOf,
  RING_LENGTH,
  RING_MS,
  type SourceClass,
  sourceClassOf,
  type SourceMark,
  SOURCES_MAX,
  type WindowBucket,
} from './load-window.ts';

/** A decoded record: its interval ends at or before `timestampMs` (events/decode.ts sees to it). */
export type FoldRecord = { readonly offset: number; readonly timestampMs: number; readonly event: LoadEvent };

export type FoldInput = {
  /** `TOPIC-PARTITION` of all records. */
  readonly topicPartition: string;
  /** Of one workload, ascending offsets. */
  readonly records: readonly FoldRecord[];
  readonly nowMs: number;
  /** From when on a first token is late, by the policy [ms]; left out: they are not counted. */
  readonly lateAfterMs?: number;
  /** Records before these are missing: no decrease before this time [epoch ms]. */
  readonly holdUntilMs?: number;
};

export type FoldCounts = {
  /** Records taken into account for the first time. */
  readonly applied: number;
  /** Records at or below the applied offset: skipped. */
  readonly duplicates: number;
  /** Of the applied ones: wholly or partly older than the ring. */
  readonly late: number;
  /** Of the applied ones: wholly or partly covered already by their source. */
  readonly overlapped: number;
  /** Sources dropped because there were too many. */
  readonly sourcesDropped: number;
  /** Re-created topics seen. */
  readonly newEpochs: number;
};

export type FoldResult = FoldCounts & { readonly window: LoadWindow };

/** Applies the records that were not applied yet. The very same window comes back when there was none. */
export function foldRecords(window: LoadWindow | undefined, input: FoldInput): FoldResult {
  const base = window ?? emptyWindow();
  const draft = draftOf(base, input.lateAfterMs);
  let mark = base.applied.get(input.topicPartition);
  draft.holdUntilMs = Math.max(draft.holdUntilMs, input.holdUntilMs ?? 0);
  for (const record of input.records) {
    const order = mark === undefined ? 'next' : orderOf(record, mark);
    if (order === 'duplicate') {
      draft.duplicates++;
      continue;
    }
    if (order === 'newEpoch') {
      draft.newEpochs++;
      draft.holdUntilMs = Math.max(draft.holdUntilMs, input.nowMs + RING_MS);
    }
    mark = { offset: record.offset, timestampMs: Math.max(record.timestampMs, mark?.timestampMs ?? 0) };
    foldOne(draft, record);
  }
  if (draft.applied === 0 || mark === undefined) return { ...countsOf(draft), window: base };
  const next = finish(draft, input.topicPartition, mark);
  return { ...countsOf(draft), window: next };
}

function orderOf(record: FoldRecord, mark: AppliedMark): 'next' | 'duplicate' | 'newEpoch' {
  if (record.offset > mark.offset) return 'next';
  return record.timestampMs > mark.timestampMs + NEW_EPOCH_MS ? 'newEpoch' : 'duplicate';
}

// --- draft: what changes is copied on first touch -----------------------------------------------------------------

type DraftBucket = { readonly index: number; readonly byClass: Partial<Record<SourceClass, Accumulators>> };

type Draft = {
  readonly base: LoadWindow;
  readonly buckets: (WindowBucket | undefined)[];
  readonly touched: Map<number, DraftBucket>;
  readonly sources: Map<string, SourceMark>;
  readonly part: Part;
  readonly lateAfterMs: number | undefined;
  newestIndex: number;
  holdUntilMs: number;
  firstHeardMs: number;
  applied: number;
  duplicates: number;
  late: number;
  overlapped: number;
  newEpochs: number;
  dropped: number;
};

function draftOf(base: LoadWindow, lateAfterMs: number | undefined): Draft {
  return {
    base,
    buckets: [...base.buckets],
    touched: new Map(),
    sources: new Map(base.sources),
    part: { fromMs: 0, toMs: 0, lengthMs: 1 },
    lateAfterMs,
    newestIndex: newestIndexOf(base),
    holdUntilMs: base.holdUntilMs,
    firstHeardMs: base.firstHeardMs,
    applied: 0,
    duplicates: 0,
    late: 0,
    overlapped: 0,
    newEpochs: 0,
    dropped: 0,
  };
}

function countsOf(draft: Draft): FoldCounts {
  const { applied, duplicates, late, overlapped, newEpochs, dropped } = draft;
  return { applied, duplicates, late, overlapped, newEpochs, sourcesDropped: dropped };
}

function foldOne(draft: Draft, record: FoldRecord): void {
  const { event } = record;
  const startMs = event.intervalStartMs;
  const endMs = event.intervalEndMs;
  draft.applied++;
  if (draft.firstHeardMs === 0 || startMs < draft.firstHeardMs) draft.firstHeardMs = startMs;
  const mark = draft.sources.get(event.source);
  const fromMs = mark === undefined ? startMs : Math.max(startMs, mark.lastEndMs);
  if (fromMs > startMs) draft.overlapped++;
  if (mark === undefined || endMs > mark.lastEndMs) draft.sources.set(event.source, markOf(record));
  if (fromMs < endMs) spread(draft, event, fromMs);
}

function markOf({ event, timestampMs }: FoldRecord): SourceMark {
  const isLoad = !('depth' in event);
  return {
    lastEndMs: event.intervalEndMs,
    intervalMs: event.intervalEndMs - event.intervalStartMs,
    inFlightMilli: isLoad && event.inFlight !== undefined ? Math.round(event.inFlight * 1_000) : -1,
    lastSeenMs: timestampMs,
    ready: isLoad ? (event.ready ?? null) : null,
  };
}

/** Splits a sample over the buckets its interval touches from `fromMs` on. */
function spread(draft: Draft, event: LoadEvent, fromMs: number): void {
  const startMs = event.intervalStartMs;
  const endMs = event.intervalEndMs;
  const { part, lateAfterMs } = draft;
  part.lengthMs = endMs - startMs;
  const { lengthMs } = part;
  const totals = totalsOf(event, lateAfterMs === undefined ? { lengthMs } : { lengthMs, lateAfterMs });
  const sourceClass = sourceClassOf(event.source);
  const lastIndex = Math.floor((endMs - 1) / BUCKET_MS);
  if (lastIndex > draft.newestIndex) draft.newestIndex = lastIndex;
  let isLate = false;
  for (let index = Math.floor(fromMs / BUCKET_MS); index <= lastIndex; index++) {
    if (index <= draft.newestIndex - RING_LENGTH) {
      isLate = true;
      continue;
    }
    part.fromMs = Math.max(fromMs, index * BUCKET_MS) - startMs;
    part.toMs = Math.min(endMs, (index + 1) * BUCKET_MS) - startMs;
    addPart(accumulatorsOf(draft, index, sourceClass), totals, part);
  }
  if (isLate) draft.late++;
}

function accumulatorsOf(draft: Draft, index: number, sourceClass: SourceClass): Accumulators {
  let bucket = draft.touched.get(index);
  if (bucket === undefined) {
    const stored = draft.buckets[index % RING_LENGTH];
    bucket = { index, byClass: stored?.index === index ? copyClasses(stored) : {} };
    draft.touched.set(index, bucket);
    draft.buckets[index % RING_LENGTH] = bucket;
  }
  return (bucket.byClass[sourceClass] ??= zeroAccumulators());
}

function copyClasses(bucket: WindowBucket): Partial<Record<SourceClass, Accumulators>> {
  const copy: Partial<Record<SourceClass, Accumulators>> = {};
  for (const name in bucket.byClass) {
    const accumulators = bucket.byClass[name as SourceClass];
    if (accumulators !== undefined) copy[name as SourceClass] = { ...accumulators };
  }
  return copy;
}

// --- canonical form: nothing that fell out of the ring is kept, whatever the order it came in --------------------------

function finish(draft: Draft, topicPartition: string, mark: AppliedMark): LoadWindow {
  const { base, buckets, sources, newestIndex } = draft;
  const oldestIndex = newestIndex - RING_LENGTH + 1;
  for (let slot = 0; slot < buckets.length; slot++) {
    const bucket = buckets[slot];
    if (bucket !== undefined && bucket.index < oldestIndex) buckets[slot] = undefined;
  }
  const oldestMs = oldestIndex * BUCKET_MS;
  for (const [source, seen] of sources) if (seen.lastEndMs <= oldestMs) sources.delete(source);
  dropLeastRecentlySeen(draft);
  const applied = new Map(base.applied).set(topicPartition, mark);
  for (const [key, other] of applied) if (other.timestampMs < oldestMs) applied.delete(key);
  return {
    buckets,
    sources,
    applied,
    holdUntilMs: draft.holdUntilMs,
    firstHeardMs: draft.firstHeardMs,
    sourcesDropped: base.sourcesDropped + draft.dropped,
  };
}

function dropLeastRecentlySeen(draft: Draft): void {
  const { sources } = draft;
  if (sources.size <= SOURCES_MAX) return;
  const oldestFirst = [...sources].toSorted(
    ([nameA, a], [nameB, b]) => a.lastEndMs - b.lastEndMs || (nameA < nameB ? -1 : 1),
  );
  for (const [name] of oldestFirst.slice(0, sources.size - SOURCES_MAX)) {
    sources.delete(name);
    draft.dropped++;
  }
}
