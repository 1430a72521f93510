/** A whole replay: Penstock, the peers and the optimum on the same trace. */
import type { ScalingPolicy } from '../../core/policy.ts';
import { OPTIMUM, PENSTOCK, WINDOW_RULE } from '../report/policies.ts';
import type { PolicyFigures, ReplayReport, ReplaySeries } from '../report/types.ts';
import { groundOf } from './ground.ts';
import { prepare } from './prepare.ts';
import type { RunOptions } from './run-options.ts';
import { seriesOf } from './series.ts';
import type { PolicySeries } from './series.ts';
import { baselineOf } from './tasks.ts';
import type { Outcome, Task } from './task.ts';
import { reportOf } from './report-of.ts';
import { bestOf, missRatioOf, tunings } from './tuning.ts';
import { runTasks } from './workers.ts';

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
    onStart: (index) => options.progress(entries[index] === undefined ? '' : lineOf(entries[index])),
  });
  const byKey = chosen(entries, outcomes);
  const yardsticks = {
    optimum: byKey.get(OPTIMUM)?.totals.gpuHours ?? 0,
    windowRule: byKey.get(WINDOW_RULE)?.totals.gpuHours ?? 0,
  };
  const policies: Record<string, PolicyFigures> = {};
  const series: Record<string, PolicySeries> = {};
  for (const [key, outcome] of byKey) {
    policies[key] = figuresOf(outcome, yardsticks);
    series[key] = outcome.series;
  }
  return { report: reportOf({ prepared, options, policies }), series: seriesOf(prepared, series) };
}

type Entry = { readonly key: string; readonly task: Task };

/** Settings of `risk` in a policy, the careful one first. */
const RISKS = ['low', 'balanced', 'cheap'] as const satisfies readonly ScalingPolicy['spec']['risk'][];
const DEFAULT_RISK = 'balanced';

/** Longest first. Several entries of one key are settings to choose from. */
function entriesOf(options: RunOptions): Entry[] {
  const peers = options.against.map(baselineOf);
  const spec = options.policySpec;
  const risks = options.sweepRisk === true ? RISKS.filter((risk) => risk !== (spec?.['risk'] ?? DEFAULT_RISK)) : [];
  return [
    { key: PENSTOCK, task: { kind: 'penstock', spec } },
    ...risks.map((risk): Entry => ({
      key: `${PENSTOCK}:${risk}`,
      task: { kind: 'penstock', spec: { ...spec, risk } },
    })),
    { key: OPTIMUM, task: { kind: 'optimum' } },
    { key: WINDOW_RULE, task: { kind: 'windowRule' } },
    ...peers.map(({ name }): Entry => ({ key: name, task: { kind: 'baseline', name, tuning: {} } })),
    ...(options.tunePeers ? peers : []).flatMap(({ name, grid }) =>
      tunings(grid).map((tuning): Entry => ({ key: `${name}:tuned`, task: { kind: 'baseline', name, tuning } })),
    ),
  ];
}

function lineOf({ key, task }: Entry): string {
  if (task.kind === 'optimum') return 'Computing the optimum…';
  if (task.kind === 'windowRule') return 'Computing the window rule…';
  const isTuned = task.kind === 'baseline' && Object.keys(task.tuning).length > 0;
  return isTuned ? `Tuning ${task.name} ${JSON.stringify(task.tuning)}…` : `Running ${key}…`;
}

function chosen(entries: readonly Entry[], outcomes: readonly Outcome[]): Map<string, Outcome> {
  const best = new Map<string, Outcome>();
  for (const key of new Set(entries.map((entry) => entry.key))) {
    // Penstock comes first: a tuned peer may miss as much as Penstock does.
    const penstock = best.get(PENSTOCK);
    const choice = bestOf(
      outcomes.filter((_, index) => entries[index]?.key === key),
      penstock === undefined ? undefined : missRatioOf(penstock),
    );
    if (choice !== undefined) best.set(key, choice);
  }
  return best;
}

function figuresOf(
  { totals, settings }: Outcome,
  yardsticks: { readonly optimum: number; readonly windowRule: number },
): PolicyFigures {
  return {
    ...totals,
    sloAttainmentRatio: totals.requestCount === 0 ? 1 : 1 - totals.sloMissCount / totals.requestCount,
    ratioToOptimum: ratioTo(yardsticks.optimum, totals.gpuHours),
    ratioToWindowRule: ratioTo(yardsticks.windowRule, totals.gpuHours),
    settings,
  };
}

/** Nothing to serve costs nothing at best: then there is no ratio to speak of. */
function ratioTo(yardstick: number, gpuHours: number): number {
  return yardstick === 0 ? 1 : gpuHours / yardstick;
}
