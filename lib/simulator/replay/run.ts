/** A whole replay: Penstock, the peers and the optimum on the same trace. */
import type { Baseline, BaselineFactory } from '../baselines/contract.ts';
import { baselines } from '../baselines/index.ts';
import { clairvoyantOptimum } from '../optimum/optimum.ts';
import type { Plant, PlantTotals } from '../plant/contract.ts';
import { createFluidPlant } from '../plant/fluid.ts';
import { createRequestsPlant } from '../plant/requests.ts';
import type { PolicyFigures, ReplayReport, ReplaySeries } from '../report/types.ts';
import { tickAt } from '../traces/ticks.ts';
import { penstockScaler } from './penstock.ts';
import { prepare } from './prepare.ts';
import type { Prepared, ReplayOptions } from './prepare.ts';
import { baselineScaler, runPolicy } from './run-policy.ts';
import type { PolicyRun } from './run-policy.ts';
import { seriesOf } from './series.ts';
import type { PolicySeries } from './series.ts';
import { tunings } from './tuning.ts';

export type RunOptions = ReplayOptions & {
  /** Names of baselines. */
  readonly against: readonly string[];
  /** Also each peer with the best setting of its grid, in hindsight. */
  readonly tunePeers: boolean;
  /** Spec of the ScalingPolicy to replay; null: the plain one of {@link plainPolicy}. */
  readonly policySpec: Readonly<Record<string, unknown>> | null;
  readonly version: string;
  readonly progress: (line: string) => void;
};

export type Replay = { readonly report: ReplayReport; readonly series: ReplaySeries };

/** An epoch for the virtual clock: any one will do, this one makes runs comparable. */
const START_MS = 1_763_920_800_000;
/** Production evaluates every 2 s; on ticks of 5 s once per tick is the same and saves a repetition. */
const EVALUATE_EVERY_MS = 2_000;

/** Throws ConfigError for a trace or a setting that cannot be used. The same options and files give the same answer. */
export async function runReplay(options: RunOptions): Promise<Replay> {
  options.progress(`Reading ${options.file}…`);
  const prepared = await prepare(options);
  const policies: Record<string, PolicyFigures> = {};
  const series: Record<string, PolicySeries> = {};
  const optimum = optimumOf(prepared, options);
  const add = (name: string, outcome: Outcome): void => {
    policies[name] = figuresOf(outcome, optimum.gpuHours);
    series[name] = outcome.series;
  };
  options.progress('Running penstock…');
  add(
    'penstock',
    await runOne(prepared, { settings: penstockSettings(prepared, options), scaler: penstockOf(prepared, options) }),
  );
  for (const name of options.against) {
    const factory: BaselineFactory | undefined = Object.hasOwn(baselines, name)
      ? baselines[name as keyof typeof baselines]
      : undefined;
    if (factory === undefined) continue;
    options.progress(`Running ${name}…`);
    add(name, await runBaseline(prepared, { factory, tuning: {} }));
    if (options.tunePeers) {
      const tuned = await tunedOf(prepared, { factory, options });
      if (tuned !== null) add(`${name}:tuned`, tuned);
    }
  }
  policies['optimum'] = optimum;
  return {
    report: {
      trace: {
        file: options.file,
        format: prepared.trace.format,
        digest: prepared.digest,
        requestCount: Math.round(prepared.requestCount),
        durationSec: prepared.durationSec,
        skippedLines: prepared.trace.counts().badLines,
      },
      settings: {
        engine: options.engine,
        tickSec: options.tickSec,
        replicaClass: options.replicaClass,
        leadTimeSec: options.leadTimeSec,
        leadTimeSigma: options.leadTimeSigma,
        failedStartRatio: options.failedStartRatio,
        sloWaitSec: options.sloWaitSec,
        scale: options.scale,
        warmupSec: options.warmupSec,
        fromSec: 0,
        toSec: prepared.durationSec,
        replicas: prepared.replicas,
        capacity: { requestsPerSec: prepared.capacity.requestsPerSec, concurrency: prepared.capacity.concurrency },
      },
      seed: options.seed,
      versions: {
        penstock: options.version,
        ...Object.fromEntries(options.against.map((name) => [name, sourceOf(name)])),
      },
      policies,
    },
    series: seriesOf(prepared, series),
  };
}

function sourceOf(name: string): string {
  return Object.hasOwn(baselines, name) ? baselines[name as keyof typeof baselines].source : 'unknown';
}

type Outcome = {
  readonly totals: PlantTotals;
  readonly settings: Readonly<Record<string, string>>;
  readonly series: PolicySeries;
};

function figuresOf({ totals, settings }: Outcome, optimumGpuHours: number): PolicyFigures {
  return {
    ...totals,
    sloAttainmentRatio: totals.requestCount === 0 ? 1 : 1 - totals.sloMissCount / totals.requestCount,
    // Nothing to serve costs nothing at best: then there is no ratio to speak of.
    ratioToOptimum: optimumGpuHours === 0 ? 1 : totals.gpuHours / optimumGpuHours,
    settings,
  };
}

/** The same plant for everybody: the seed draws the same lead times for the first start, the second, … */
function plantOf(prepared: Prepared): Plant {
  const { options, level, ticks } = prepared;
  const shared = {
    level,
    start: {
      leadTimeSec: options.leadTimeSec,
      sigma: options.leadTimeSigma,
      failedStartRatio: options.failedStartRatio,
      capacityWaitSec: null,
    },
    waitLimitSec: options.sloWaitSec,
    replicas: prepared.initialReplicas,
    seed: options.seed,
    startMs: START_MS,
    scoreFromMs: options.warmupSec * 1000,
  };
  if (options.engine === 'requests') return createRequestsPlant({ ...shared, requests: prepared.requests });
  return createFluidPlant({ ...shared, arrivals: arrivalsOf(ticks), tickMs: ticks.tickMs });
}

function* arrivalsOf(ticks: Prepared['ticks']): Generator<ReturnType<typeof tickAt>> {
  for (let index = 0; index < ticks.count; index++) yield tickAt(ticks, index);
}

async function runOne(
  prepared: Prepared,
  of: { readonly settings: Readonly<Record<string, string>>; readonly scaler: PolicyRun['scaler'] },
): Promise<Outcome> {
  const series: PolicySeries = {
    ready: new Float64Array(prepared.ticks.count),
    misses: new Float64Array(prepared.ticks.count),
  };
  let index = 0;
  let missed = 0;
  const totals = await runPolicy({
    plant: plantOf(prepared),
    scaler: of.scaler,
    tickMs: prepared.ticks.tickMs,
    endMs: START_MS + prepared.ticks.count * prepared.ticks.tickMs,
    replicas: prepared.replicas,
    onTick: (sample, plant) => {
      const misses = plant.missesSoFar();
      series.ready[index] = sample.readyReplicas;
      series.misses[index] = misses - missed;
      missed = misses;
      index++;
    },
  });
  return { totals, settings: of.settings, series };
}

function runBaseline(
  prepared: Prepared,
  of: { readonly factory: BaselineFactory; readonly tuning: Readonly<Record<string, number>> },
): Promise<Outcome> {
  const { options } = prepared;
  const baseline: Baseline = of.factory.create({
    capacity: prepared.capacity,
    replicas: prepared.replicas,
    leadTimeSec: options.leadTimeSec,
    seed: options.seed,
    historyPeakPerSec: prepared.historyPeakPerSec,
    tuning: of.tuning,
  });
  const tuned = Object.fromEntries(
    Object.entries(of.tuning).map(([key, value]) => [key, `${value} (best of its grid on this trace)`]),
  );
  return runOne(prepared, {
    settings: { ...of.factory.settings, ...tuned },
    scaler: baselineScaler(baseline, START_MS),
  });
}

/** The setting with the fewest GPU-hours among those that miss no more than Penstock's goal allows; the fewest misses when none does. */
async function tunedOf(
  prepared: Prepared,
  of: { readonly factory: BaselineFactory; readonly options: RunOptions },
): Promise<Outcome | null> {
  let best: Outcome | null = null;
  for (const tuning of tunings(of.factory.grid)) {
    of.options.progress(`Tuning ${of.factory.name} ${JSON.stringify(tuning)}…`);
    const outcome = await runBaseline(prepared, { factory: of.factory, tuning });
    if (best === null || isBetter(outcome.totals, best.totals)) best = outcome;
  }
  return best;
}

/** Misses above this share disqualify a setting as long as another one stays below. */
const TUNED_MISS_RATIO_MAX = 0.003;

function isBetter(one: PlantTotals, other: PlantTotals): boolean {
  if (excess(one) !== excess(other)) return excess(one) < excess(other);
  return one.gpuHours < other.gpuHours;
}

function excess(totals: PlantTotals): number {
  return Math.max(0, totals.sloMissCount / Math.max(1, totals.requestCount) - TUNED_MISS_RATIO_MAX);
}

const NAME = 'replay';

/** A policy as a user would write it who has measured one replica. */
function plainPolicy(
  prepared: Prepared,
  spec: RunOptions['policySpec'],
): Record<string, unknown> & { metadata: { name: string } } {
  const { capacity, options, replicas } = prepared;
  const plain = {
    mode: 'act',
    target: { name: NAME },
    replicas,
    signals: [
      { kind: 'requestRate', perReplicaPerSec: capacity.requestsPerSec },
      { kind: 'inFlight', perReplica: capacity.concurrency },
    ],
    leadTimeSec: Math.max(1, options.leadTimeSec),
    slo: { waitSec: options.sloWaitSec, ratio: 0.999 },
  };
  return {
    apiVersion: 'penstock.dev/v1',
    kind: 'ScalingPolicy',
    metadata: { name: NAME },
    // Nodes are part of the plant's lead time; the pool of the replay is its own.
    spec: { ...plain, ...spec, mode: 'act', target: { name: NAME }, nodeGroups: [], alerts: [] },
  };
}

function penstockOf(prepared: Prepared, options: RunOptions): PolicyRun['scaler'] {
  return penstockScaler({
    policy: plainPolicy(prepared, options.policySpec),
    startMs: START_MS,
    evaluateEveryMs: Math.max(EVALUATE_EVERY_MS, prepared.ticks.tickMs),
    replicas: prepared.initialReplicas,
  });
}

function penstockSettings(prepared: Prepared, options: RunOptions): Record<string, string> {
  const { spec } = plainPolicy(prepared, options.policySpec);
  return Object.fromEntries(
    Object.entries(spec as Record<string, unknown>).map(([key, value]) => [key, JSON.stringify(value)]),
  );
}

/** The bound of the scored part. */
function optimumOf(prepared: Prepared, options: RunOptions): PolicyFigures {
  options.progress('Computing the optimum…');
  const { ticks, level } = prepared;
  const from = Math.floor((options.warmupSec * 1000) / ticks.tickMs);
  const best = clairvoyantOptimum({
    workReplicaSec: ticks.workReplicaSec.subarray(from),
    tickSec: ticks.tickMs / 1000,
    waitLimitSec: options.sloWaitSec,
    leadTimeSec: options.leadTimeSec,
  });
  const hours = best.replicaSec / 3600;
  const requestCount = ticks.requests.subarray(from).reduce((sum, count) => sum + count, 0);
  let directionChanges = 0;
  let last = 0;
  for (let index = 1; index < best.replicas.length; index++) {
    const step = Math.sign((best.replicas[index] ?? 0) - (best.replicas[index - 1] ?? 0));
    if (step !== 0 && last !== 0 && step !== last) directionChanges++;
    if (step !== 0) last = step;
  }
  return {
    gpuHours: hours * level.replicaClass.gpusPerReplica,
    costUsd: hours * level.replicaClass.usdPerHour,
    requestCount,
    sloMissCount: 0,
    sloAttainmentRatio: 1,
    ratioToOptimum: 1,
    // It may let everything wait up to the limit, and does where that saves something.
    waitSec: { p50: 0, p99: options.sloWaitSec, max: options.sloWaitSec },
    replicaStarts: best.replicaStarts,
    directionChanges,
    replicasMax: best.replicasMax,
    settings: { rule: 'least GPU time that serves everything within the SLO wait, knowing the whole trace' },
  };
}
