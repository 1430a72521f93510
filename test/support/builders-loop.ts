/** The evaluate stage and its status on stores in memory: full defaults, so that what a test sets is what it is about. */
import type { ActionJob, ActionQueue } from '../../lib/action-queue/contract.ts';
import { memoryActions } from '../../lib/action-queue/memory.ts';
import { VirtualClock } from '../../lib/base/clock.ts';
import type { Clock } from '../../lib/base/clock.ts';
import { silentLogger } from '../../lib/base/log.ts';
import type { Logger } from '../../lib/base/log.ts';
import { memoryMetrics } from '../../lib/base/metrics.ts';
import { seededRandom } from '../../lib/base/random.ts';
import { memoryClusterView } from '../../lib/cluster-view/memory.ts';
import type { MemoryClusterView } from '../../lib/cluster-view/memory.ts';
import { foldRecords } from '../../lib/core/window/fold.ts';
import type { LoadWindow } from '../../lib/core/window/load-window.ts';
import type { ScalingDecision } from '../../lib/core/types.ts';
import { DEFAULT_TOPICS } from '../../lib/loop/deps.ts';
import type { EvaluateDeps } from '../../lib/loop/deps.ts';
import type { StatusDeps } from '../../lib/loop/status.ts';
import { createMemoryPolicySource } from '../../lib/policy-source/memory.ts';
import type { MemoryPolicySource } from '../../lib/policy-source/memory.ts';
import { memoryStateStores } from '../../lib/state/memory.ts';
import type { StateStores } from '../../lib/state/contract.ts';
import { groupPolicy, workloadPolicy } from '../core/builders.ts';
import { inferenceLoad } from '../events/builders.ts';

/** A queue that keeps what it was woken with, on top of the one in memory. */
export type RecordingQueue = ActionQueue & {
  readonly woken: ActionJob[];
  /** Ids of the targets and node groups woken since the last call. */
  take(): string[];
};

export function recordingQueue(clock: Clock): RecordingQueue {
  const deps = { clock, log: silentLogger, metrics: memoryMetrics(), random: seededRandom(1) };
  const queue = memoryActions(deps).openQueue();
  const woken: ActionJob[] = [];
  return {
    ...queue,
    woken,
    take: () => woken.splice(0).map((job) => `${job.kind}/${job.id}`),
    wake: async (jobs, options) => {
      woken.push(...jobs);
      await queue.wake(jobs, options);
    },
  };
}

/** What `readStatus` needs, with one workload that nobody decided yet. */
export function memoryStatusDeps(over: Partial<StatusDeps> = {}): StatusDeps {
  const clock = new VirtualClock();
  return {
    clock,
    state: memoryStateStores(),
    policies: createMemoryPolicySource({ documents: [workloadPolicy()] }),
    queue: recordingQueue(clock),
    ...over,
  };
}

export type LoopWorld = {
  readonly clock: VirtualClock;
  readonly state: StateStores;
  readonly queue: RecordingQueue;
  readonly view: MemoryClusterView;
  readonly policies: MemoryPolicySource;
  readonly metrics: ReturnType<typeof memoryMetrics>;
  /** Messages of the log, oldest first. */
  readonly logged: string[];
  /** Stages woken, oldest first. */
  readonly wakes: string[];
  readonly deps: EvaluateDeps;
};

/** A loop around one workload on one node group; `documents`: other policies; `startMs`: another time than always the same. */
export function loopWorld(
  over: { readonly documents?: readonly unknown[]; readonly startMs?: number } & Partial<EvaluateDeps> = {},
): LoopWorld {
  const { documents = [workloadPolicy({ nodeGroups: ['g5-od'] }), groupPolicy()], startMs, ...given } = over;
  const clock = new VirtualClock(startMs);
  const state = memoryStateStores();
  const queue = recordingQueue(clock);
  const view = memoryClusterView({ clock });
  const policies = createMemoryPolicySource({ documents });
  const metrics = memoryMetrics();
  const logged: string[] = [];
  const wakes: string[] = [];
  const wake = {
    evaluate: async () => void wakes.push('evaluate'),
    actuate: async () => void wakes.push('actuate'),
    notify: async () => void wakes.push('notify'),
  };
  const deps: EvaluateDeps = {
    clock,
    log: recordingLogger(logged),
    metrics,
    state,
    policies,
    topics: DEFAULT_TOPICS,
    queue,
    clusterView: view,
    wake,
    ...given,
  };
  return { clock, state, queue, view, policies, metrics, logged, wakes, deps };
}

function recordingLogger(lines: string[]): Logger {
  const write = (message: string, fields?: object): void =>
    void lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  return { debug: write, info: write, warn: write, error: write };
}

type Nows = { readonly clock: Pick<Clock, 'nowMs'> };

type Load = {
  readonly workload?: string;
  readonly inFlight: number;
  /** Default: long enough for a warm window. */
  readonly forSec?: number;
};

/** Reports of a gateway every 2 s up to now, for the last `forSec` seconds. */
export async function report(world: Pick<LoopWorld, 'state'> & Nows, load: Load): Promise<void> {
  await world.state.load.apply(load.workload ?? WORKLOAD, (window) => ({
    window: folded(window, { ...load, endMs: world.clock.nowMs() }),
    result: undefined,
  }));
}

/** Another past: what was heard until `forSec` ago (default 20 s, more than the read span), and the load since. */
export async function changeLoad(
  world: Pick<LoopWorld, 'clock' | 'state'>,
  load: Load & { readonly before: number },
): Promise<void> {
  const { before, forSec = 20 } = load;
  const endMs = world.clock.nowMs();
  const past = folded(undefined, { ...load, inFlight: before, forSec: 900 - forSec, endMs: endMs - forSec * 1_000 });
  const window = folded(past, { ...load, forSec, endMs });
  await world.state.load.apply(load.workload ?? WORKLOAD, () => ({ window, result: undefined }));
}

const WORKLOAD = 'llama-8b-chat';

function folded(window: LoadWindow | undefined, load: Load & { readonly endMs: number }): LoadWindow {
  const { workload = WORKLOAD, inFlight, forSec = 900 } = load;
  const topicPartition = 'inference-load-0';
  const next = (window?.applied.get(topicPartition)?.offset ?? -1) + 1;
  const count = Math.ceil(forSec / 2);
  const records = Array.from({ length: count }, (_, index) => {
    const intervalEndMs = load.endMs - (count - 1 - index) * 2_000;
    const interval = { intervalStartMs: intervalEndMs - 2_000, intervalEndMs };
    const event = inferenceLoad({ workload, source: 'gateway/edge', ...interval, inFlight, queued: 0 });
    return { offset: next + index, timestampMs: intervalEndMs, event };
  });
  return foldRecords(window, { topicPartition, records, nowMs: load.endMs }).window;
}

/** The decisions in the ledger, newest first. */
export function recorded(
  world: Pick<LoopWorld, 'state'>,
  workload = 'llama-8b-chat',
): Promise<readonly ScalingDecision[]> {
  return world.state.ledger.latest(workload, 100);
}

/** Messages in the outbox by topic and key, oldest first. */
export async function outbox(world: Pick<LoopWorld, 'state'>): Promise<string[]> {
  const waiting = await world.state.outbox.peek(1_000);
  return waiting.map(({ message }) => `${message.topic} ${message.key}`);
}
