/** A made-up replay that looks like a real one: a week of a chat service, followed by policies that lag and keep headroom each in its own way. */
import { seededRandom } from '../../../lib/base/random.ts';
import type { PolicyFigures, ReplayReport, ReplaySeries } from '../../../lib/simulator/report/types.ts';

const SEC_PER_DAY = 86_400;
const USD_PER_HOUR = 3.363;
/** Requests per second one replica sustains. */
const REQUESTS_PER_SEC = 9.7;
const SLO_WAIT_SEC = 10;

/** How a made-up policy follows the load: capacity = load `lagSteps` ago × `headroom` + `spare`, falling by at most `fall` a step. */
type Follower = { readonly lagSteps: number; readonly headroom: number; readonly spare: number; readonly fall: number };

const FOLLOWERS: Readonly<Record<string, Follower>> = {
  penstock: { lagSteps: 1, headroom: 1.07, spare: 1.7, fall: 0.9 },
  hpa: { lagSteps: 2, headroom: 1.3, spare: 0.5, fall: 0.3 },
  'hpa:tuned': { lagSteps: 2, headroom: 1.16, spare: 1, fall: 0.8 },
  keda: { lagSteps: 2, headroom: 1.2, spare: 0.5, fall: 0.4 },
  'keda:tuned': { lagSteps: 1, headroom: 1.1, spare: 1, fall: 0.5 },
  knative: { lagSteps: 1, headroom: 1.38, spare: 0.3, fall: 2 },
  aibrix: { lagSteps: 2, headroom: 1.12, spare: 0.4, fall: 0.8 },
  wva: { lagSteps: 3, headroom: 1.25, spare: 0.5, fall: 0.3 },
  dynamo: { lagSteps: 2, headroom: 1.08, spare: 0.6, fall: 1 },
  ray: { lagSteps: 1, headroom: 1.5, spare: 1, fall: 0.2 },
};

export type Sample = { readonly report: ReplayReport; readonly series: ReplaySeries };

/** Seeded: the same options give the same sample. `points`: values of each series, over seven days. */
export function sampleReplay(
  options: { readonly points?: number; readonly seed?: number; readonly engine?: 'fluid' | 'requests' } = {},
): Sample {
  const { points = 2000, seed = 1, engine = 'fluid' } = options;
  const stepSec = (7 * SEC_PER_DAY) / points;
  const load = loadOf(points, { stepSec, seed });
  const runs = Object.fromEntries(capacities(load).map(([name, ready]) => [name, served(load, { ready, stepSec })]));
  const optimumHours = sum(runs['optimum']?.ready ?? []) * (stepSec / 3600);
  const policies = Object.fromEntries(
    Object.entries(runs).map(([name, run]) => [name, figuresOf(run, { name, load, stepSec, optimumHours, engine })]),
  );
  return {
    report: sampleReport(policies, { engine, seed }),
    series: { fromSec: 0, stepSec, load, policies: runs },
  };
}

/** A report with these policies; everything else made up. */
export function sampleReport(
  policies: Readonly<Record<string, PolicyFigures>>,
  options: { readonly engine?: 'fluid' | 'requests'; readonly seed?: number } = {},
): ReplayReport {
  const requestCount = Object.values(policies)[0]?.requestCount ?? 0;
  return {
    trace: {
      file: 'traces/chat-week.csv.gz',
      format: 'rate',
      digest: '9f2c41d07be1a8c05d3e66b4f1097a2ce58d4b3a7c60f91e2d8b5a4037c6e1f4',
      requestCount,
      durationSec: 7 * SEC_PER_DAY,
      skippedLines: 0,
    },
    settings: {
      engine: options.engine ?? 'fluid',
      tickSec: 5,
      replicaClass: 'B',
      leadTimeSec: 180,
      leadTimeSigma: 0,
      capacityWait: null,
      peerNodes: 'none',
      warmStartSec: 82,
      failedStartRatio: 0,
      sloWaitSec: SLO_WAIT_SEC,
      scale: 3,
      overlay: 1,
      warmupSec: 3600,
      fromSec: 0,
      toSec: 7 * SEC_PER_DAY,
      cut: { from: null, to: null },
      columns: { timeColumn: null, timeUnit: null, rateColumn: null, rateUnit: null },
      skipBadLines: false,
      lengths: null,
      policy: null,
      maxReplicas: null,
      tunePeers: false,
      sweepRisk: false,
      replicas: { min: 1, max: 60 },
      capacity: { requestsPerSec: REQUESTS_PER_SEC, concurrency: 128 },
    },
    seed: options.seed ?? 1,
    versions: { node: '20.19.0', penstock: '0.1.0', vectors: '2026-02' },
    policies,
  };
}

/** Figures with full defaults: what a test sets is what it is about. */
export function sampleFigures(over: Partial<PolicyFigures> = {}): PolicyFigures {
  return {
    gpuHours: 1000,
    costUsd: 3363,
    requestCount: 1_000_000,
    sloMissCount: 0,
    sloAttainmentRatio: 1 - (over.sloMissCount ?? 0) / (over.requestCount ?? 1_000_000),
    ratioToOptimum: (over.gpuHours ?? 1000) / 800,
    ratioToWindowRule: (over.gpuHours ?? 1000) / 900,
    waitSec: { p50: 0, p99: 1.25, max: 42 },
    replicaStarts: 120,
    directionChanges: 30,
    replicasMax: 32,
    settings: { target: '70 % of the slots: usual for inference' },
    ...over,
  };
}

/** Replicas' worth of work: days that swell and ebb, a quiet weekend, noise, and five bursts. */
function loadOf(points: number, { stepSec, seed }: { readonly stepSec: number; readonly seed: number }): number[] {
  const random = seededRandom(seed);
  const bursts = [1.55, 2.4, 3.62, 4.45, 6.3].map((day) => ({ atSec: day * SEC_PER_DAY, height: 3 + 8 * random() }));
  let drift = 0;
  return Array.from({ length: points }, (_, at) => {
    const sec = at * stepSec;
    const hour = (sec / 3600) % 24;
    const weekend = Math.floor(sec / SEC_PER_DAY) >= 5 ? 0.45 : 1;
    const day =
      Math.max(0, Math.sin(((hour - 6) / 24) * 2 * Math.PI)) ** 0.8 +
      0.35 * Math.max(0, Math.sin(((hour - 14) / 8) * Math.PI));
    drift = 0.96 * drift + 0.04 * (random() - 0.5);
    const burst = bursts.reduce(
      (extra, { atSec, height }) => extra + (sec >= atSec && sec < atSec + 2400 ? height : 0),
      0,
    );
    return Math.max(0.4, (1.2 + 17 * weekend * day) * (1 + drift) * (0.96 + 0.08 * random()) + burst);
  });
}

function capacities(load: readonly number[]): [string, number[]][] {
  const peak = load.slice(0, Math.ceil(load.length / 7)).reduce((max, value) => Math.max(max, value), 0);
  return [
    ...Object.entries(FOLLOWERS).map(([name, follower]): [string, number[]] => [name, followed(load, follower)]),
    ['static', load.map(() => Math.ceil(peak * 1.1))],
    ['optimum', load.map((value) => Math.ceil(value))],
  ];
}

function followed(load: readonly number[], { lagSteps, headroom, spare, fall }: Follower): number[] {
  let ready = 3;
  return load.map((_, at) => {
    const wanted = Math.ceil((load[Math.max(0, at - lagSteps)] ?? 0) * headroom + spare);
    ready = Math.max(wanted, ready - fall);
    return ready;
  });
}

type Run = { readonly ready: readonly number[]; readonly misses: readonly number[]; readonly waits: readonly number[] };

/** A fluid queue: what waits longer than the SLO wait is missed. */
function served(
  load: readonly number[],
  { ready, stepSec }: { readonly ready: readonly number[]; readonly stepSec: number },
): Run {
  let backlog = 0;
  const waits = load.map((value, at) => {
    // Bursts inside a step are not seen here: a tenth of the step is what they pile up.
    backlog = Math.max(0, backlog + (value - (ready[at] ?? 0)) * stepSec * 0.1);
    // What queues for a moment when a replica is nearly full.
    const moment = 0.4 * Math.min(2, (value / Math.max(1, ready[at] ?? 0)) ** 8);
    return moment + backlog / Math.max(1, ready[at] ?? 0);
  });
  const misses = waits.map((wait, at) =>
    wait > SLO_WAIT_SEC ? Math.round((load[at] ?? 0) * REQUESTS_PER_SEC * stepSec * 0.1) : 0,
  );
  return { ready, misses, waits };
}

function figuresOf(
  run: Run,
  of: {
    readonly name: string;
    readonly load: readonly number[];
    readonly stepSec: number;
    readonly optimumHours: number;
    readonly engine: string;
  },
): PolicyFigures {
  const steps = run.ready.map((value, at) => value - (run.ready[at - 1] ?? value)).filter((step) => step !== 0);
  const gpuHours = sum(run.ready) * (of.stepSec / 3600);
  const requestCount = Math.round(sum(of.load) * of.stepSec * REQUESTS_PER_SEC);
  const sloMissCount = sum(run.misses);
  const sorted = run.waits.toSorted((one, other) => one - other);
  const quantile = (ratio: number): number => sorted[Math.floor(ratio * (sorted.length - 1))] ?? 0;
  return {
    gpuHours,
    costUsd: gpuHours * USD_PER_HOUR,
    requestCount,
    sloMissCount,
    sloAttainmentRatio: 1 - sloMissCount / requestCount,
    ratioToOptimum: gpuHours / of.optimumHours,
    ratioToWindowRule: gpuHours / of.optimumHours / 1.1,
    waitSec: { p50: quantile(0.5), p99: quantile(0.99), max: quantile(1) },
    ...(of.engine === 'requests'
      ? { ttftMs: { p50: 84, p99: 900 + 40 * quantile(0.99) }, interTokenMs: { p50: 21.4, p99: 48.9 } }
      : {}),
    replicaStarts: Math.round(sum(steps.filter((step) => step > 0))),
    directionChanges: steps.filter((step, at) => at > 0 && Math.sign(step) !== Math.sign(steps[at - 1] ?? 0)).length,
    replicasMax: Math.ceil(run.ready.reduce((max, value) => Math.max(max, value), 0)),
    settings: settingsOf(of.name),
  };
}

function settingsOf(name: string): Record<string, string> {
  const follower = FOLLOWERS[name];
  if (follower === undefined)
    return { rule: name === 'static' ? 'peak of the history + 10 %' : 'least capacity that serves everything in time' };
  return {
    headroom: `${follower.headroom} × the load: made up`,
    period: `${follower.lagSteps * 15 + 15} s: made up`,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
