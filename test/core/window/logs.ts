/** Arbitrary logs of one workload: several partitions, each source in one of them, overlaps, gaps, late samples, long silences. */
import * as fc from 'fast-check';
import type { LoadEvent } from '../../../events/validate.ts';
import { inferenceLoad, queueDepth, START_MS } from '../../events/builders.ts';
import type { Delivered } from './naive.ts';

const SOURCES = ['pod/a', 'pod/b', 'pod/c', 'gateway/g', 'queue/sqs/q', 'kafka/group/topic'];

type Step = {
  readonly source: number;
  /** From the source's last end to the next start [ms]; negative overlaps. */
  readonly gapMs: number;
  readonly lengthMs: number;
  readonly delayMs: number;
  readonly value: number;
  readonly count: number;
  readonly full: boolean;
};

const step: fc.Arbitrary<Step> = fc.record({
  source: fc.nat({ max: SOURCES.length - 1 }),
  gapMs: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(0, 0, 0, 1, 2_000, -500, -1_999) },
    { weight: 2, arbitrary: fc.integer({ min: -70_000, max: 70_000 }) },
    { weight: 1, arbitrary: fc.constantFrom(450_000, 899_000, 901_000, 1_000_000) },
  ),
  lengthMs: fc.oneof(fc.constantFrom(500, 2_000, 5_000, 60_000), fc.integer({ min: 500, max: 60_000 })),
  delayMs: fc.oneof(fc.constantFrom(0, 1, 300), fc.integer({ min: 0, max: 900_000 })),
  value: fc.oneof(fc.constantFrom(0, 1, 37, 0.125, 1e9), fc.double({ min: 0, max: 1e4, noNaN: true })),
  count: fc.oneof(fc.constantFrom(0, 1, 1_000_000_000), fc.nat({ max: 100_000 })),
  full: fc.boolean(),
});

function eventOf(source: string, at: { startMs: number; endMs: number }, { value, count, full }: Step): LoadEvent {
  const interval = { source, workload: 'w', intervalStartMs: at.startMs, intervalEndMs: at.endMs };
  if (/^(queue|kafka)/.test(source)) {
    const event = queueDepth({ ...interval, depth: value, enqueued: count, dequeued: count, oldestAgeMs: value });
    if (!full) delete event.work;
    return event;
  }
  const event = inferenceLoad({ ...interval, inFlight: value, requests: { arrived: count, completed: count } });
  if (event.ttftMs !== undefined) event.ttftMs.counts = event.ttftMs.counts.map((usual) => (usual * count) % 997);
  if (!full) {
    delete event.queued;
    delete event.utilization;
    delete event.tokens;
    delete event.ttftMs;
  }
  return event;
}

/** A log in the order in which things happened; offsets ascend per partition, from 0. */
export const log: fc.Arbitrary<readonly Delivered[]> = logOf(60);

/** The same, of at most so many records. */
export function logOf(maxLength: number): fc.Arbitrary<readonly Delivered[]> {
  return fc.array(step, { minLength: 1, maxLength }).map(recordsOf);
}

function recordsOf(steps: readonly Step[]): readonly Delivered[] {
  const ends = new Map<number, number>();
  const offsets = [0, 0, 0];
  return steps.map((one) => {
    const startMs = (ends.get(one.source) ?? START_MS) + one.gapMs;
    const endMs = startMs + one.lengthMs;
    ends.set(one.source, Math.max(endMs, ends.get(one.source) ?? 0));
    const partition = one.source % offsets.length;
    const offset = offsets[partition] ?? 0;
    offsets[partition] = offset + 1;
    const event = eventOf(SOURCES[one.source] ?? '', { startMs, endMs }, one);
    return { topicPartition: `t-${partition}`, offset, timestampMs: endMs + one.delayMs, event };
  });
}

/** A run of records of one partition as it may be delivered: `from` goes back at will, so that records come again. */
export type Delivery = { readonly topicPartition: string; readonly records: readonly Delivered[] };

/** Delivers a log: partitions interleaved at will, each in its own order, in batches of any size, with redeliveries of what came before. */
export function deliver(records: readonly Delivered[], dice: readonly number[]): Delivery[] {
  const partitions = new Map<string, Delivered[]>();
  for (const one of records) {
    partitions.set(one.topicPartition, [...(partitions.get(one.topicPartition) ?? []), one]);
  }
  const next = new Map<string, number>();
  const deliveries: Delivery[] = [];
  const isOpen = (key: string): boolean => (next.get(key) ?? 0) < (partitions.get(key)?.length ?? 0);
  for (let roll = 0; [...partitions.keys()].some(isOpen); roll++) {
    const die = dice[roll % dice.length] ?? 0;
    const keys = [...partitions.keys()].filter(isOpen);
    const key = keys[(die + roll) % keys.length] ?? '';
    const all = partitions.get(key) ?? [];
    const at = next.get(key) ?? 0;
    const from = Math.max(0, at - (die % 5 === 0 ? die % 7 : 0));
    const to = Math.min(all.length, at + 1 + (die % 6));
    deliveries.push({ topicPartition: key, records: all.slice(from, to) });
    next.set(key, to);
  }
  return deliveries;
}
