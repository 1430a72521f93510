/** Two process hosts, both alive, on the same stream, store, queue and cluster: each with a clock of its own, and every call taking a seeded while. */
import { memoryActions } from '../../lib/action-queue/memory.ts';
import type { ActionQueue, ActionWorker } from '../../lib/action-queue/contract.ts';
import type { Clock } from '../../lib/base/clock.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { memoryMetrics } from '../../lib/base/metrics.ts';
import { seededRandom } from '../../lib/base/random.ts';
import type { Random } from '../../lib/base/random.ts';
import type { ClusterView } from '../../lib/cluster-view/contract.ts';
import type { TargetObservation } from '../../lib/core/types.ts';
import { DEFAULT_TOPICS } from '../../lib/loop/deps.ts';
import { startProcess } from '../../lib/hosts/process/process.ts';
import { createMemoryPolicySource } from '../../lib/policy-source/memory.ts';
import type { Documents, StateStores } from '../../lib/state/contract.ts';
import type { MemoryStream } from '../../lib/stream/memory.ts';
import type { Target } from '../../lib/targets/contract.ts';
import { memoryTargets } from '../../lib/targets/memory.ts';
import { memoryNodes } from '../../lib/node-provisioners/memory.ts';
import { inferenceLoad } from '../events/builders.ts';
import { observed, workloadPolicy } from '../core/builders.ts';

export const LLAMA = 'llama-8b-chat';
export const REF = { kind: 'Deployment', namespace: 'default', name: LLAMA } as const;
export const PER_REPLICA = 8;

/** Every change of the count, and by whom; times are true ones. */
export type Write = {
  readonly host: string;
  readonly atMs: number;
  readonly from: number;
  readonly to: number;
  readonly planSeq: number;
};

/** Every plan that was stored. */
export type StoredSeq = { readonly host: string; readonly atMs: number; readonly seq: number; readonly wanted: number };

export type Shared = {
  /** True time. */
  readonly clock: Clock;
  readonly stream: MemoryStream;
  readonly policy: ReturnType<typeof workloadPolicy>;
  readonly targets: ReturnType<typeof memoryTargets>;
  readonly writes: Write[];
  readonly seqs: StoredSeq[];
  /** Writes of the count under way now, and the most there ever were. */
  readonly inFlight: { now: number; most: number };
};

export function shared(clock: Clock, stream: MemoryStream, spec: Record<string, unknown> = {}): Shared {
  const targets = memoryTargets();
  targets.put(REF, 2);
  const policy = workloadPolicy({ leadTimeSec: 60, replicas: { min: 1, max: 20 }, ...spec }, LLAMA);
  return { clock, stream, policy, targets, writes: [], seqs: [], inFlight: { now: 0, most: 0 } };
}

export type HostOptions = {
  readonly name: string;
  /** How far its clock is ahead of true time [ms]. */
  readonly aheadMs: number;
  readonly state: StateStores;
  readonly queue: ActionQueue;
  readonly worker: ActionWorker;
  readonly seed: number;
  /** Longest time a call takes, to and fro [ms]. */
  readonly callMs: number;
  readonly evaluateEveryMs?: number;
};

/** Time that differs from the true one. */
export function skewed(clock: Clock, aheadMs: number): Clock {
  return { ...bound(clock), nowMs: () => clock.nowMs() + aheadMs };
}

const bound = (clock: Clock): Clock => ({
  nowMs: () => clock.nowMs(),
  monotonicMs: () => clock.monotonicMs(),
  sleep: (ms, signal) => clock.sleep(ms, signal),
});

export async function startHost(world: Shared, options: HostOptions) {
  const random = seededRandom(options.seed);
  const clock = skewed(world.clock, options.aheadMs);
  const slow = slowed(world.clock, random, options.callMs);
  const metrics = memoryMetrics();
  const nodes = memoryNodes({ clock });
  const state = slowStores(options.state, slow, (plan) =>
    world.seqs.push({ host: options.name, atMs: world.clock.nowMs(), seq: plan.seq, wanted: plan.wanted }),
  );
  const host = await startProcess({
    deps: {
      clock,
      log: silentLogger,
      metrics,
      state,
      policies: createMemoryPolicySource({ documents: [world.policy] }),
      topics: DEFAULT_TOPICS,
      queue: options.queue,
      clusterView: viewOf(world, clock, slow),
      targets: new Map([['*', targetOf(world, options.name, slow)]]),
      provisioners: new Map(),
      drainer: nodes.drainer,
      hooks: async () => new Map(),
      producer: { send: async () => {}, close: async () => {} },
    },
    consumer: world.stream.consumer({ group: 'penstock', topics: ['inference-load'] }),
    worker: options.worker,
    evaluateEveryMs: options.evaluateEveryMs ?? 5_000,
    leadingDebounceMs: 250,
  });
  return { stop: () => host.stop(), metrics };
}

/** Queue and workers of both. */
export function sharedActions(clock: Clock, seed: number) {
  return memoryActions({ clock, log: silentLogger, metrics: memoryMetrics(), random: seededRandom(seed) });
}

type Slow = <T>(work: () => Promise<T>) => Promise<T>;

/** Takes a while before, and another until its answer is known: others come in between. */
function slowed(clock: Clock, random: Random, callMs: number): Slow {
  const pause = (): Promise<void> => {
    const ms = Math.floor(random() * callMs);
    return ms === 0 ? Promise.resolve() : clock.sleep(ms);
  };
  return async (work) => {
    await pause();
    try {
      return await work();
    } finally {
      await pause();
    }
  };
}

function slowStores(
  stores: StateStores,
  slow: Slow,
  onPlan: (plan: { readonly seq: number; readonly wanted: number }) => void,
): StateStores {
  const documents = <T>(of: Documents<T>): Documents<T> => ({
    read: (id) => slow(() => of.read(id)),
    readMany: (ids) => slow(() => of.readMany(ids)),
    compareAndSet: (id, value, expected) => slow(() => of.compareAndSet(id, value, expected)),
    remove: (id) => slow(() => of.remove(id)),
  });
  return {
    ...stores,
    plans: documents({
      ...stores.plans,
      compareAndSet: async (id, plan, expected) => {
        const isStored = await stores.plans.compareAndSet(id, plan, expected);
        if (isStored) onPlan({ seq: plan.seq, wanted: plan.targets[LLAMA]?.replicas ?? Number.NaN });
        return isStored;
      },
    }),
    control: documents(stores.control),
    actuation: documents(stores.actuation),
    snapshots: documents(stores.snapshots),
    load: {
      readMany: (workloads) => slow(() => stores.load.readMany(workloads)),
      apply: (workload, fold) => slow(() => stores.load.apply(workload, fold)),
      forgetCache: () => stores.load.forgetCache(),
    },
  };
}

/** What runs is ready at once. */
function viewOf(world: Shared, clock: Clock, slow: Slow): ClusterView {
  return {
    observe: () =>
      slow(async () => {
        const atMs = clock.nowMs();
        const { replicas, generation, resourceVersion } = await world.targets.read(REF);
        const target: TargetObservation = { ...observed(replicas), generation, resourceVersion };
        return { atMs, targets: { [LLAMA]: target }, nodeGroups: {} };
      }),
    close: async () => {},
  };
}

function targetOf(world: Shared, host: string, slow: Slow): Target {
  const { targets, inFlight } = world;
  return {
    read: (ref) => slow(() => targets.read(ref)),
    scale: async (ref, change) => {
      inFlight.now++;
      inFlight.most = Math.max(inFlight.most, inFlight.now);
      try {
        return await slow(async () => {
          const from = (await targets.read(ref)).replicas;
          const scaled = await targets.scale(ref, change);
          const { planSeq } = change;
          if (scaled.replicas !== from)
            world.writes.push({ host, atMs: world.clock.nowMs(), from, to: scaled.replicas, planSeq });
          return scaled;
        });
      } finally {
        inFlight.now--;
      }
    },
  };
}

/** One report of a gateway over the last `overMs`. */
export async function send(world: Shared, inFlight: number, overMs = 2_000): Promise<void> {
  const endMs = world.clock.nowMs();
  const event = inferenceLoad({
    workload: LLAMA,
    source: 'gateway/edge',
    intervalStartMs: endMs - overMs,
    intervalEndMs: endMs,
    inFlight,
    queued: 0,
    // Nothing to learn from: what is asked for is what is in flight over what a replica takes.
    requests: undefined,
    tokens: undefined,
  });
  await world.stream.producer().send([{ topic: 'inference-load', key: LLAMA, value: JSON.stringify(event) }]);
}
