/** A small fluid plant that a baseline can be run on: one queue, replicas that start after a fixed time, one sample per interval. */
import type {
  Baseline,
  BaselineFactory,
  BaselineOptions,
  LoadSample,
  PodView,
} from '../../../lib/simulator/baselines/contract.ts';

export type PeerRun = {
  readonly factory: BaselineFactory;
  readonly options?: Partial<BaselineOptions>;
  /** By second of the run. */
  readonly arrivalsPerSec: (second: number) => number;
  readonly durationSec: number;
  readonly initialReplicas: number;
  readonly sampleSec?: number;
};

export type PeerMoment = {
  readonly second: number;
  readonly specReplicas: number;
  readonly readyReplicas: number;
  readonly inFlight: number;
};

/** 8 requests at once for 4 s each: 2 requests per second. */
export const CAPACITY = {
  requestsPerSec: 2,
  concurrency: 8,
  slots: 10,
  inputTokensPerSec: 1000,
  outputTokensPerSec: 400,
} as const;

export const peerOptions = (overrides: Partial<BaselineOptions> = {}): BaselineOptions => ({
  capacity: CAPACITY,
  replicas: { min: 1, max: 40 },
  leadTimeSec: 60,
  seed: 1,
  historyPeakPerSec: 20,
  ...overrides,
});

/** A load that changes: `before` until the second `atSec`, `after` from then on [1/s]. */
export function loadStep(before: number, { atSec, after }: { readonly atSec: number; readonly after: number }) {
  return (second: number): number => (second <= atSec ? before : after);
}

/** The state at every second. */
export function runPeer(run: PeerRun): PeerMoment[] {
  const options = peerOptions(run.options);
  const baseline: Baseline = run.factory.create(options);
  const sampleSec = run.sampleSec ?? 5;
  const samples: LoadSample[] = [];
  let pods: PodView[] = podsOf(run.initialReplicas);
  let nextId = pods.length;
  let inFlight = 0;
  const firstMs = Math.ceil(baseline.phaseMs / 1000) * 1000;
  const moments: PeerMoment[] = [];

  for (let second = 1; second <= run.durationSec; second += 1) {
    const nowMs = second * 1000;
    pods = pods.map((pod) => (isDue(pod, nowMs - options.leadTimeSec * 1000) ? { ...pod, readyMs: nowMs } : pod));
    const readyReplicas = pods.filter((pod) => pod.readyMs !== null).length;
    const arrivalsPerSec = run.arrivalsPerSec(second);
    const running = Math.min(inFlight, readyReplicas * CAPACITY.slots);
    const completedPerSec = running / 4;
    inFlight += arrivalsPerSec - completedPerSec;
    if (second % sampleSec === 0) {
      const served = Math.min(inFlight, readyReplicas * CAPACITY.slots);
      const load = { arrivalsPerSec, completedPerSec, running: served, queued: inFlight - served, readyReplicas };
      samples.push({ atMs: nowMs, ...load, inputTokensPerSec: 0, outputTokensPerSec: 0, kvRatio: 0 });
    }
    if (nowMs >= firstMs && (nowMs - firstMs) % baseline.periodMs === 0) {
      const wanted = baseline.decide({
        nowMs,
        specReplicas: pods.length,
        readyReplicas,
        pods,
        sampleAt: (atMs) => samples.findLast((sample) => sample.atMs <= atMs),
        samplesBetween: (fromMs, toMs) => samples.filter(({ atMs }) => atMs > fromMs && atMs <= toMs),
      });
      const missing = Math.max(0, (wanted ?? 0) - pods.length);
      const started = Array.from({ length: missing }, () => ({ id: nextId++, createdMs: nowMs, readyMs: null }));
      pods = [...pods, ...started].slice(0, wanted ?? pods.length);
    }
    moments.push({ second, specReplicas: pods.length, readyReplicas, inFlight });
  }
  return moments;
}

function podsOf(count: number): PodView[] {
  return Array.from({ length: count }, (_, id) => ({ id, createdMs: 0, readyMs: 0 }));
}

function isDue(pod: PodView, createdMsMax: number): boolean {
  return pod.readyMs === null && pod.createdMs <= createdMsMax;
}
