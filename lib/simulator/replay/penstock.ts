/**
 * Penstock in the loop: the production stages (ingest → evaluate → actuate) and the production core, with a clock that the replay moves and adapters in
 * memory. What it sees comes in as events, what it wants goes out as a PATCH of the target; nothing here decides.
 */
import type { InferenceLoad } from '../../../events/schema/index.ts';
import type { ActionJob, ActionQueue } from '../../action-queue/contract.ts';
import type { Clock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import type { LogFields, Logger } from '../../base/log.ts';
import { noMetrics } from '../../base/metrics.ts';
import { memoryClusterView } from '../../cluster-view/memory.ts';
import type { PodObservation, ScalingDecision, TargetObservation } from '../../core/types.ts';
import { actuate } from '../../loop/actuate/actuate.ts';
import { DEFAULT_TOPICS } from '../../loop/deps.ts';
import type { LoopDeps } from '../../loop/deps.ts';
import { makeEvaluate } from '../../loop/evaluate/evaluate.ts';
import { ingest } from '../../loop/ingest/ingest.ts';
import { memoryNodes } from '../../node-provisioners/memory.ts';
import { createMemoryPolicySource } from '../../policy-source/memory.ts';
import type { RecordBatch, StreamProducer } from '../../stream/contract.ts';
import type { StateStores } from '../../state/contract.ts';
import { memoryTargets } from '../../targets/memory.ts';
import type { PlantView, PodView } from '../baselines/contract.ts';
import { NOTHING_CARRIED, aggregateEvent } from './aggregate-event.ts';
import type { PolicyRun, Scaler } from './run-policy.ts';
import { replayStores } from './state.ts';

export type PenstockOptions = {
  /** The ScalingPolicy document (and nothing else: nodes are part of the plant's lead time). Its target's name does not matter. */
  readonly policy: { readonly metadata: { readonly name: string } };
  readonly startMs: number;
  /** Pause between full evaluations [ms]. */
  readonly evaluateEveryMs: number;
  /** Replicas at the start. */
  readonly replicas: number;
  /** Each decision that production would record. */
  readonly onDecision?: (decision: ScalingDecision) => void;
  /** Default: {@link replayStores}. */
  readonly state?: StateStores;
};

const REF = { kind: 'Deployment', namespace: 'default', name: 'replay' } as const;
/** The scaler of one workload. */
export function penstockScaler(options: PenstockOptions): PolicyRun['scaler'] {
  return (view) => {
    const loop = openLoop(options);
    let nextMs = options.startMs + options.evaluateEveryMs;
    let carry = NOTHING_CARRIED;
    let lastMs = options.startMs;
    const scaler: Scaler = {
      nextMs: () => nextMs,
      observe: async (sample) => {
        const { event, rest } = aggregateEvent(sample, { workload: loop.workload, startMs: lastMs, carry });
        carry = rest;
        lastMs = sample.atMs;
        loop.setTime(sample.atMs);
        await ingest(loop.deps, [loop.batchOf(event)]);
        loop.check();
      },
      decide: async (nowMs) => {
        nextMs += options.evaluateEveryMs;
        loop.setTime(nowMs);
        loop.show(view(nowMs));
        await loop.evaluate({ kind: 'full' });
        await loop.work();
        loop.check();
        return loop.targets.writes.at(-1)?.replicas ?? null;
      },
    };
    return scaler;
  };
}

function openLoop(options: PenstockOptions): {
  readonly workload: string;
  readonly deps: LoopDeps;
  readonly evaluate: ReturnType<typeof makeEvaluate>;
  readonly targets: ReturnType<typeof memoryTargets>;
  setTime(nowMs: number): void;
  show(view: PlantView): void;
  batchOf(event: InferenceLoad): RecordBatch;
  /** Works the action queue off. */
  work(): Promise<void>;
  /** Throws what a stage could not do. */
  readonly check: () => void;
} {
  let nowMs = options.startMs;
  let offset = 0;
  const clock: Clock = {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs - options.startMs,
    sleep: () => Promise.resolve(),
  };
  const jobs: ActionJob[] = [];
  // A plant gives the same list until something changes: mostly it does not.
  let shown: PlantView['pods'] = [];
  let pods: readonly PodObservation[] = [];
  const { log, check } = strictLog();
  const targets = memoryTargets();
  targets.put(REF, options.replicas);
  const clusterView = memoryClusterView({ clock });
  const nodes = memoryNodes({ clock });
  const workload = options.policy.metadata.name;
  const deps: LoopDeps = {
    clock,
    log,
    metrics: noMetrics,
    state: options.state ?? replayStores(options.onDecision),
    policies: createMemoryPolicySource({ documents: [options.policy] }),
    topics: DEFAULT_TOPICS,
    wake: NO_WAKE,
    queue: queueOf(jobs),
    clusterView,
    targets: new Map([['*', targets]]),
    provisioners: new Map([['eksNodeGroup', nodes.provisioner]]),
    drainer: nodes.drainer,
    hooks: () => Promise.resolve(new Map()),
    producer: NO_PRODUCER,
  };
  return {
    workload,
    deps,
    check,
    evaluate: makeEvaluate(deps, { shareSnapshots: false }),
    targets,
    setTime: (ms) => {
      nowMs = ms;
    },
    show: (view) => {
      if (view.pods !== shown) [shown, pods] = [view.pods, view.pods.map(podOf)];
      clusterView.targets.set(workload, observationOf(view, pods));
    },
    batchOf: (event) => {
      const value = Buffer.from(JSON.stringify(event));
      const record = {
        topic: DEFAULT_TOPICS.inferenceLoad,
        partition: 0,
        offset: offset++,
        timestampMs: nowMs,
        key: null,
        value,
        headers: {},
      };
      return { topic: record.topic, partition: 0, records: [record], lag: 0 };
    },
    work: async () => {
      for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) await actuate(deps, job, { attempt: 1 });
    },
  };
}

/** In production a stage that fails leaves the plan in force and tells somebody; here a fleet that stands still would look like a result. */
function strictLog(): { readonly log: Logger; readonly check: () => void } {
  let failed: string | null = null;
  const error = (message: string, fields?: LogFields): void => {
    failed ??= `${message} (${JSON.stringify(fields ?? {})})`;
  };
  return {
    log: { ...silentLogger, error },
    check: () => {
      if (failed === null) return;
      throw new Error(`Cannot replay Penstock: expected every stage to do its work, current value is: ${failed}`);
    },
  };
}

const NO_WAKE: LoopDeps['wake'] = {
  evaluate: () => Promise.resolve(),
  actuate: () => Promise.resolve(),
  notify: () => Promise.resolve(),
};

const NO_PRODUCER: StreamProducer = { send: () => Promise.resolve(), close: () => Promise.resolve() };

function queueOf(jobs: ActionJob[]): ActionQueue {
  return {
    wake: async (added) => {
      jobs.push(...added.filter((job) => job.kind === 'target'));
    },
    depth: async () => jobs.length,
    close: async () => {},
  };
}

function observationOf(view: PlantView, pods: readonly PodObservation[]): TargetObservation {
  return {
    kind: 'observed',
    replicas: view.specReplicas,
    ready: view.readyReplicas,
    generation: 1,
    resourceVersion: '1',
    gpusPerReplica: {},
    pods,
    rolloutInProgress: false,
    scaledBy: null,
  };
}

function podOf(pod: PodView): PodObservation {
  return {
    name: `replay-${pod.id}`,
    nodeName: null,
    ready: pod.readyMs !== null,
    createdMs: pod.createdMs,
    unschedulable: false,
    terminating: false,
    // The plant lets every request end, however long it takes.
    terminationGraceSec: 86_400,
    ip: null,
  };
}
