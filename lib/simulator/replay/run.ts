/** A whole replay: Penstock, the peers and the optimum on the same trace. */
import type { PolicyFigures, ReplayReport, ReplaySeries } from '../report/types.ts';
import { groundOf } from './ground.ts';
import { prepare } from './prepare.ts';
import type { Prepared, ReplayOptions } from './prepare.ts';
import { seriesOf } from './series.ts';
import type { PolicySeries } from './series.ts';
import { baselineOf } from './tasks.ts';
import type { Outcome, Task } from './tasks.ts';
import { bestOf, tunings } from './tuning.ts';
import { runTasks } from './workers.ts';

export type RunOptions = ReplayOptions & {
  /** Names of baselines. */
  readonly against: readonly string[];
  /** Also each peer with the best setting of its grid, in hindsight. */
  readonly tunePeers: boolean;
  /** Spec of the ScalingPolicy to replay; null: the plain one. Its limits of replicas are those of `replicas`. */
  readonly policySpec: Readonly<Record<string, unknown>> | null;
  readonly version: string;
  readonly progress: (line: string) => void;
  /** Bundle of `worker.ts`, to run policies side by side; everything in this thread when left out. */
  readonly workerFile?: URL | null;
};

export type Replay = { readonly report: ReplayReport; readonly series: ReplaySeries };

/** Throws ConfigError for a trace, a peer or a setting that cannot be used. The same options and files give the same answer, on one thread or many. */
export async function runReplay(options: RunOptions): Promise<Replay> {
  const entries = entriesOf(options);
  options.progress(`Reading ${options.file}…`);
  const prepared = await prepare(options);
  const outcomes = await runTasks({
    ground: groundOf(prepared),
    tasks: entries.map(({ task }) => task),
    workerFile: options.workerFile ?? null,
    onStart: (task) => options.progress(lineOf(task)),
  });
  const byKey = chosen(entries, outcomes);
  const optimumGpuHours = byKey.get('optimum')?.totals.gpuHours ?? 0;
  const policies: Record<string, PolicyFigures> = {};
  const series: Record<string, PolicySeries> = {};
  for (const [key, outcome] of byKey) {
    policies[key] = figuresOf(outcome, optimumGpuHours);
    if (outcome.series !== null) series[key] = outcome.series;
  }
  return { report: reportOf({ prepared, options, policies }), series: seriesOf(prepared, series) };
}

type Entry = { readonly key: string; readonly task: Task };

/** Longest first. Several entries of one key are settings to choose from. */
function entriesOf(options: RunOptions): Entry[] {
  const peers = options.against.map(baselineOf);
  return [
    { key: 'penstock', task: { kind: 'penstock', spec: options.policySpec } },
    { key: 'optimum', task: { kind: 'optimum' } },
    ...peers.map(({ name }): Entry => ({ key: name, task: { kind: 'baseline', name, tuning: {} } })),
    ...(options.tunePeers ? peers : []).flatMap(({ name, grid }) =>
      tunings(grid).map((tuning): Entry => ({ key: `${name}:tuned`, task: { kind: 'baseline', name, tuning } })),
    ),
  ];
}

function lineOf(task: Task): string {
  if (task.kind === 'optimum') return 'Computing the optimum…';
  if (task.kind === 'penstock') return 'Running penstock…';
  const isTuned = Object.keys(task.tuning).length > 0;
  return isTuned ? `Tuning ${task.name} ${JSON.stringify(task.tuning)}…` : `Running ${task.name}…`;
}

function chosen(entries: readonly Entry[], outcomes: readonly Outcome[]): Map<string, Outcome> {
  const best = new Map<string, Outcome>();
  for (const key of new Set(entries.map((entry) => entry.key))) {
    const choice = bestOf(outcomes.filter((_, index) => entries[index]?.key === key));
    if (choice !== undefined) best.set(key, choice);
  }
  return best;
}

function figuresOf({ totals, settings }: Outcome, optimumGpuHours: number): PolicyFigures {
  return {
    ...totals,
    sloAttainmentRatio: totals.requestCount === 0 ? 1 : 1 - totals.sloMissCount / totals.requestCount,
    // Nothing to serve costs nothing at best: then there is no ratio to speak of.
    ratioToOptimum: optimumGpuHours === 0 ? 1 : totals.gpuHours / optimumGpuHours,
    settings,
  };
}

/** The cut in the user's own seconds; a cut between dates is told by its length only. */
function cutOf({ options, durationSec }: Prepared): Pick<ReplayReport['settings'], 'fromSec' | 'toSec'> {
  const { from, to } = options.trace;
  const fromSec = typeof from === 'number' ? from : 0;
  return { fromSec, toSec: typeof to === 'number' ? to : fromSec + durationSec };
}

function reportOf(of: {
  readonly prepared: Prepared;
  readonly options: RunOptions;
  readonly policies: ReplayReport['policies'];
}): ReplayReport {
  const { prepared, options } = of;
  const { requestsPerSec, concurrency } = prepared.capacity;
  return {
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
      warmupSec: prepared.options.warmupSec,
      ...cutOf(prepared),
      replicas: prepared.replicas,
      capacity: { requestsPerSec, concurrency },
    },
    seed: options.seed,
    versions: {
      penstock: options.version,
      ...Object.fromEntries(options.against.map((name) => [name, baselineOf(name).source])),
    },
    policies: of.policies,
  };
}
