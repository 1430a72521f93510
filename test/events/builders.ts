/** Events and records with full defaults: what a test sets is what it is about. */
import type { InferenceLoad, QueueDepth } from '../../events/schema/index.ts';
import type { RawRecord } from '../../events/decode.ts';

export const START_MS = 1_763_920_800_000;

export function inferenceLoad(changes: Partial<InferenceLoad> = {}): InferenceLoad {
  return {
    schema: 'penstock.inference-load/1',
    workload: 'llama-8b-chat',
    source: 'pod/llama-8b-chat-7c9f-x2k4p',
    intervalStartMs: START_MS,
    intervalEndMs: START_MS + 2_000,
    ready: true,
    inFlight: 37,
    queued: 4,
    requests: { arrived: 21, completed: 19, failed: 0, cancelled: 1 },
    tokens: { input: 24_210, output: 4_080 },
    utilization: { gpuRatio: 0.93, kvCacheRatio: 0.71 },
    ttftMs: { bounds: [50, 100, 250, 500, 1000, 2500, 5000], counts: [3, 9, 5, 2, 0, 0, 0, 0] },
    ...changes,
  };
}

export function queueDepth(changes: Partial<QueueDepth> = {}): QueueDepth {
  return {
    schema: 'penstock.queue-depth/1',
    workload: 'image-batch',
    source: 'queue/sqs/image-jobs',
    intervalStartMs: START_MS,
    intervalEndMs: START_MS + 5_000,
    depth: 412,
    oldestAgeMs: 95_000,
    enqueued: 38,
    dequeued: 30,
    work: { unit: 'gpuSeconds', queued: 9_476, enqueued: 874 },
    ...changes,
  };
}

/** A record around a value: text, bytes, or anything that becomes JSON. */
export function record(value: unknown, changes: Partial<RawRecord> = {}): RawRecord {
  const bytes =
    value instanceof Uint8Array ? value : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  return { key: null, value: bytes, headers: {}, timestampMs: START_MS + 5_100, ...changes };
}
