/** What the page's script gets: the series thinned to what a screen can show, and how each policy is drawn. */
import { decimal, percentDown, requestCountText } from '../format.ts';
import { OPTIMUM, PENSTOCK, baseOf, policiesByCost, usualPeer } from '../policies.ts';
import type { ReplayReport, ReplaySeries } from '../types.ts';
import { looksOf } from './looks.ts';
import type { Look } from './looks.ts';

/** Values of one series in the page: about a wide screen's pixels, and 12 policies stay below 1 MB. */
export const POINTS_MAX = 2000;
/** Significant digits of plotted values: a pixel is a thousandth of the axis. */
const PLOT_DIGITS = 4;

export type PageData = {
  readonly fromSec: number;
  readonly stepSec: number;
  readonly sloWaitSec: number;
  readonly load: readonly number[];
  readonly policies: readonly PagePolicy[];
};

export type PagePolicy = Look & {
  readonly name: string;
  /** Drawn in the first chart until the legend says otherwise. */
  readonly shown: boolean;
  readonly optimum: boolean;
  /** Penstock, at any setting: a line joins these in the second chart. */
  readonly own: boolean;
  readonly gpuHours: number;
  /** 0 also for less than half a request of a fluid: a logarithm would make much of it. */
  readonly sloMissCount: number;
  /** For the tooltip of the second chart. */
  readonly facts: readonly string[];
  /** Empty when there is no series of it. */
  readonly ready: readonly number[];
  /** Index, count, index, count, …: most steps have none. */
  readonly misses: readonly number[];
};

/** Penstock first, then the others by cost. Series longer than {@link POINTS_MAX} are thinned: means of ready and load, sums of misses. */
export function pageData(report: ReplayReport, series: ReplaySeries): PageData {
  const factor = Math.max(1, Math.ceil(series.load.length / POINTS_MAX));
  const policies = policiesByCost(report);
  const looks = looksOf(policies.map(({ name }) => name));
  const shown = new Set([PENSTOCK, OPTIMUM, usualPeer(report)?.name]);
  const packed = policies.map(({ name, figures }): PagePolicy => {
    const run = Object.hasOwn(series.policies, name) ? series.policies[name] : undefined;
    return {
      name,
      shown: shown.has(name),
      optimum: name === OPTIMUM,
      own: baseOf(name) === PENSTOCK,
      gpuHours: figures.gpuHours,
      sloMissCount: figures.sloMissCount < 0.5 ? 0 : figures.sloMissCount,
      facts: [
        `${decimal(figures.gpuHours, 1)} GPU-hours, ${decimal(figures.ratioToOptimum, 3)} × optimum, ${decimal(figures.ratioToWindowRule, 3)} × window rule`,
        `${decimal(figures.costUsd, 2)} USD`,
        `${requestCountText(figures.sloMissCount)} misses, ${percentDown(figures.sloAttainmentRatio)} % within SLO`,
      ],
      ready: thinned(run?.ready ?? [], { factor, join: 'mean' }).map(plotted),
      misses: sparse(thinned(run?.misses ?? [], { factor, join: 'sum' })),
      ...(looks.get(name) ?? { color: 0, dash: '', marker: 'circle', hollow: false }),
    };
  });
  return {
    fromSec: series.fromSec,
    stepSec: series.stepSec * factor,
    sloWaitSec: report.settings.sloWaitSec,
    load: thinned(series.load, { factor, join: 'mean' }).map(plotted),
    policies: [...packed.filter(({ name }) => name === PENSTOCK), ...packed.filter(({ name }) => name !== PENSTOCK)],
  };
}

function thinned(
  values: readonly number[],
  { factor, join }: { readonly factor: number; readonly join: 'mean' | 'sum' },
): readonly number[] {
  if (factor === 1) return values;
  return Array.from({ length: Math.ceil(values.length / factor) }, (_, at) => {
    const part = values.slice(at * factor, (at + 1) * factor);
    const total = part.reduce((sum, value) => sum + value, 0);
    return join === 'sum' ? total : total / part.length;
  });
}

function sparse(values: readonly number[]): number[] {
  return values.flatMap((value, at) => (value > 0 ? [at, plotted(value)] : []));
}

/** Whole numbers stay exact: counts are read off the page, too. */
function plotted(value: number): number {
  if (Number.isInteger(value)) return value;
  return Number.isFinite(value) ? Number(value.toPrecision(PLOT_DIGITS)) : 0;
}
