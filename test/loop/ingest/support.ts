/** Batches and dependencies for tests of the ingest stage. */
import { VirtualClock } from '../../../lib/base/clock.ts';
import { silentLogger } from '../../../lib/base/log.ts';
import { memoryMetrics } from '../../../lib/base/metrics.ts';
import { type PolicySet, fleetSchema, scalingPolicySchema } from '../../../lib/core/policy.ts';
import { DEFAULT_TOPICS, type IngestDeps } from '../../../lib/loop/deps.ts';
import type { StateStores } from '../../../lib/state/contract.ts';
import type { RecordBatch, StreamRecord } from '../../../lib/stream/contract.ts';
import { LATE_AFTER_MS } from '../../core/window/naive.ts';
import { START_MS } from '../../events/builders.ts';

export type TestDeps = IngestDeps & {
  readonly clock: VirtualClock;
  readonly metrics: ReturnType<typeof memoryMetrics>;
};

export function ingestDeps(state: StateStores, workloads: readonly string[]): TestDeps {
  const policies = policySet(workloads);
  return {
    clock: new VirtualClock(START_MS + 3_600_000),
    log: silentLogger,
    metrics: memoryMetrics(),
    state,
    policies: { current: async () => policies, refresh: async () => ({ changed: false, problems: [] }) },
    topics: DEFAULT_TOPICS,
  };
}

export function policySet(workloads: readonly string[]): PolicySet {
  const apiVersion = 'penstock.dev/v1';
  const policies = workloads.map((name) =>
    scalingPolicySchema.parse({
      apiVersion,
      kind: 'ScalingPolicy',
      metadata: { name },
      spec: {
        target: { name },
        replicas: { max: 10 },
        signals: [{ kind: 'inFlight', perReplica: 8 }],
        // As the naive fold has it.
        slo: { ttftSec: LATE_AFTER_MS / 1000 },
      },
    }),
  );
  return {
    workloads: new Map(policies.map((policy) => [policy.metadata.name, policy])),
    nodeGroups: new Map(),
    fleet: fleetSchema.parse({ apiVersion, kind: 'Fleet', metadata: { name: 'test' }, spec: {} }),
    version: 'test',
  };
}

export type Written = {
  readonly value: unknown;
  readonly offset: number;
  readonly timestampMs?: number;
  readonly key?: string;
};

/** A batch of one partition; values become JSON, text stays text, null a tombstone. */
export function batchOf(partition: number, written: readonly Written[], topic = 'inference-load'): RecordBatch {
  const records = written.map(({ value, offset, timestampMs = START_MS + 5_000, key }): StreamRecord => ({
    topic,
    partition,
    offset,
    timestampMs,
    key: key === undefined ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
    headers: {},
  }));
  return { topic, partition, records, lag: null };
}
