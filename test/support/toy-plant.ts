/** A small model server fleet for tests of baselines: 10 requests/s and one second each, 12 slots, ready after a lead time. */
import type {
  Baseline,
  BaselineOptions,
  LoadSample,
  PlantView,
  PodView,
  ReplicaCapacity,
} from '../../lib/simulator/baselines/contract.ts';

/** Prompts of 100 tokens, answers of 20. */
export const toyCapacity: ReplicaCapacity = {
  requestsPerSec: 10,
  concurrency: 10,
  slots: 12,
  inputTokensPerSec: 1000,
  outputTokensPerSec: 200,
  kvTokens: 5000,
};

export const toyOptions: BaselineOptions = {
  capacity: toyCapacity,
  replicas: { min: 1, max: 20 },
  leadTimeSec: 60,
  seed: 7,
  historyPeakPerSec: 60,
};

/** Wanted replicas over time [ms since the start]. */
export type ToyRun = readonly { readonly atMs: number; readonly replicas: number }[];

const TICK_MS = 5_000;
const CONTEXT_TOKENS = 110;

/** Runs a baseline against `ratePerSec(atMs)` for `untilMs`, from two ready replicas on. Pods that are too many go at once, the youngest first. */
export function runToyPlant(
  baseline: Baseline,
  { ratePerSec, untilMs }: { readonly ratePerSec: (atMs: number) => number; readonly untilMs: number },
): ToyRun {
  const samples: LoadSample[] = [];
  let pods: PodView[] = [
    { id: 1, createdMs: 0, readyMs: 0 },
    { id: 2, createdMs: 0, readyMs: 0 },
  ];
  let nextId = 3;
  let queued = 0;
  let dueMs = baseline.phaseMs;
  const run: { atMs: number; replicas: number }[] = [{ atMs: 0, replicas: 2 }];
  for (let atMs = TICK_MS; atMs <= untilMs; atMs += TICK_MS) {
    pods = pods.map((pod) => ({
      ...pod,
      readyMs: atMs - pod.createdMs >= 60_000 ? (pod.readyMs ?? atMs) : pod.readyMs,
    }));
    const ready = pods.filter(({ readyMs }) => readyMs !== null).length;
    const sample = tick({ atMs, rate: ratePerSec(atMs), ready, queued });
    queued = sample.queued;
    samples.push(sample);
    if (dueMs > atMs) continue;
    dueMs += Math.ceil((atMs - dueMs + 1) / baseline.periodMs) * baseline.periodMs;
    const wanted = baseline.decide(viewOf({ nowMs: atMs, pods, samples })) ?? pods.length;
    if (wanted !== pods.length) run.push({ atMs, replicas: wanted });
    while (pods.length > wanted) pods = pods.slice(0, -1);
    while (pods.length < wanted) pods = [...pods, { id: nextId++, createdMs: atMs, readyMs: null }];
  }
  return run;
}

/** Replicas in force at a time. */
export function replicasAt(run: ToyRun, atMs: number): number {
  return run.findLast((entry) => entry.atMs <= atMs)?.replicas ?? 0;
}

/** Backlog is served at full rate as far as there is capacity. */
function tick(now: {
  readonly atMs: number;
  readonly rate: number;
  readonly ready: number;
  readonly queued: number;
}): LoadSample {
  const seconds = TICK_MS / 1000;
  const served = Math.min(now.rate + now.queued / seconds, now.ready * toyCapacity.requestsPerSec);
  const queued = Math.max(0, now.queued + (now.rate - served) * seconds);
  const running = queued > 0 ? now.ready * toyCapacity.slots : served;
  return {
    atMs: now.atMs,
    arrivalsPerSec: now.rate,
    completedPerSec: served,
    running,
    queued,
    inputTokensPerSec: served * 100,
    outputTokensPerSec: served * 20,
    kvRatio: now.ready === 0 ? 0 : (running * CONTEXT_TOKENS) / now.ready / 5000,
    readyReplicas: now.ready,
  };
}

/** What a baseline sees. */
export function viewOf(world: {
  readonly nowMs: number;
  readonly pods: readonly PodView[];
  readonly samples: readonly LoadSample[];
}): PlantView {
  const { nowMs, pods, samples } = world;
  return {
    nowMs,
    specReplicas: pods.length,
    readyReplicas: pods.filter(({ readyMs }) => readyMs !== null).length,
    pods,
    sampleAt: (atMs) => samples.findLast((sample) => sample.atMs <= atMs),
    samplesBetween: (fromMs, toMs) => samples.filter(({ atMs }) => atMs > fromMs && atMs <= toMs),
  };
}
