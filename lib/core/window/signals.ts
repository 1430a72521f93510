/** Where each signal is found in a window. To add a signal: its name in `../types.ts`, its accumulators, one row here. */
import type { SignalName } from '../types.ts';
import { type Accumulators, type LoadWindow, RING_LENGTH, type SourceClass, type WindowBucket } from './load-window.ts';

export type SignalSource = {
  /** gauge: time integral; rate: milli-counts; ratio: mean over sources; share: milli-counts over those of `of`; age: maximum. */
  readonly kind: 'gauge' | 'rate' | 'ratio' | 'share' | 'age';
  readonly field: keyof Accumulators;
  readonly of?: keyof Accumulators;
  /** A rate read over the shortest span there is, not over that of rates. */
  readonly isNewest?: true;
  /** The covered source time that belongs to it. */
  readonly cover: keyof Accumulators;
  /** In order of preference. */
  readonly classes: readonly SourceClass[];
  /** In a sentence. */
  readonly says: string;
};

const LOAD: readonly SourceClass[] = ['gateway', 'pod'];
const ARRIVALS: readonly SourceClass[] = ['gateway', 'pod', 'queue'];
const PODS: readonly SourceClass[] = ['pod', 'gateway'];
const QUEUES: readonly SourceClass[] = ['queue'];

/** A queue's `requestRate` is what was enqueued: only used when neither gateway nor pod reports arrivals. */
export const SIGNALS: Readonly<Record<SignalName, SignalSource>> = {
  inFlight: { kind: 'gauge', field: 'inFlight', cover: 'inFlightMs', classes: LOAD, says: 'requests in flight' },
  queued: { kind: 'gauge', field: 'queued', cover: 'queuedMs', classes: LOAD, says: 'waiting requests' },
  requestRate: { kind: 'rate', field: 'arrived', cover: 'arrivedMs', classes: ARRIVALS, says: 'arrivals' },
  surgeRate: {
    kind: 'rate',
    field: 'arrived',
    cover: 'arrivedMs',
    isNewest: true,
    classes: ARRIVALS,
    says: 'arrivals',
  },
  completionRate: { kind: 'rate', field: 'completed', cover: 'arrivedMs', classes: LOAD, says: 'completions' },
  inputTokenRate: { kind: 'rate', field: 'inputTokens', cover: 'tokensMs', classes: LOAD, says: 'input tokens' },
  outputTokenRate: { kind: 'rate', field: 'outputTokens', cover: 'tokensMs', classes: LOAD, says: 'output tokens' },
  lateRatio: {
    kind: 'share',
    field: 'lateTokens',
    of: 'firstTokens',
    cover: 'firstTokensMs',
    classes: LOAD,
    says: 'times to first token',
  },
  queueDepth: { kind: 'gauge', field: 'depth', cover: 'depthMs', classes: QUEUES, says: 'queue depth' },
  queueWork: { kind: 'gauge', field: 'work', cover: 'workMs', classes: QUEUES, says: 'queued work' },
  queueAge: { kind: 'age', field: 'oldestAgeMs', cover: 'depthMs', classes: QUEUES, says: 'queue age' },
  gpuRatio: { kind: 'ratio', field: 'gpuRatio', cover: 'gpuMs', classes: PODS, says: 'GPU utilization' },
  kvCacheRatio: { kind: 'ratio', field: 'kvCacheRatio', cover: 'kvCacheMs', classes: PODS, says: 'KV-cache use' },
};

/** The bucket of an index, undefined when the ring has none. */
export function bucketAt(window: LoadWindow, index: number): WindowBucket | undefined {
  if (index < 0) return undefined;
  const bucket = window.buckets[index % RING_LENGTH];
  return bucket?.index === index ? bucket : undefined;
}

/** Accumulators of one class, undefined when it was not heard in this bucket. */
export function accumulatorsIn(bucket: WindowBucket, sourceClass: SourceClass): Readonly<Accumulators> | undefined {
  return bucket.byClass[sourceClass];
}
