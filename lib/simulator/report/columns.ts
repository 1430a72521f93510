/** The figures of a policy as columns: one list for the terminal and for the page. */
import { count, decimal, decimalsFor, percentDown, requestCountText } from './format.ts';
import type { NamedPolicy } from './policies.ts';
import type { PolicyFigures } from './types.ts';

export type FigureColumn = {
  /** Short, for a terminal; with the unit. */
  readonly title: string;
  /** In full, for the page; with the unit. */
  readonly heading: string;
  /** One sentence. */
  readonly meaning: string;
  /** Sorted by; NaN where a policy has none. */
  readonly value: (figures: PolicyFigures) => number;
  readonly text: (figures: PolicyFigures) => string;
};

/** Columns for these policies. Those of the `requests` engine are left out when no policy has them. */
export function figureColumns(policies: readonly NamedPolicy[]): readonly FigureColumn[] {
  const all = policies.map(({ figures }) => figures);
  const timed = all.some((figures) => figures.ttftMs !== undefined || figures.interTokenMs !== undefined);
  return [...costColumns(all), ...serviceColumns(), ...(timed ? tokenColumns() : []), ...fleetColumns()];
}

function costColumns(all: readonly PolicyFigures[]): FigureColumn[] {
  const hourDecimals = decimalsFor(all.map((figures) => figures.gpuHours));
  const usdDecimals = all.some((figures) => figures.costUsd >= 1000) ? 0 : 2;
  return [
    {
      title: 'GPU-hours',
      heading: 'GPU-hours',
      meaning:
        'GPUs held, from the launch of each replica to the end of its drain; with nodes of their own also while these are empty.',
      value: (figures) => figures.gpuHours,
      text: (figures) => decimal(figures.gpuHours, hourDecimals),
    },
    {
      title: '×optimum',
      heading: '× optimum',
      meaning:
        'GPU-hours over those of the optimum, which knows the future and holds requests back as long as the SLO wait allows.',
      value: (figures) => figures.ratioToOptimum,
      text: (figures) => decimal(figures.ratioToOptimum, 3),
    },
    {
      title: '×window',
      heading: '× window rule',
      meaning:
        'GPU-hours over those of the window rule: replicas for the mean load of the SLO wait before and after, with hindsight. No bound; other publications divide by it.',
      value: (figures) => figures.ratioToWindowRule,
      text: (figures) => decimal(figures.ratioToWindowRule, 3),
    },
    {
      title: 'cost USD',
      heading: 'Cost, USD',
      meaning: 'GPU-hours at the price of the replica class.',
      value: (figures) => figures.costUsd,
      text: (figures) => decimal(figures.costUsd, usdDecimals),
    },
  ];
}

function serviceColumns(): FigureColumn[] {
  return [
    {
      title: 'in SLO %',
      heading: 'Within SLO, %',
      meaning: 'Share of the requests that were admitted within the SLO wait; rounded down.',
      value: (figures) => figures.sloAttainmentRatio,
      text: (figures) => percentDown(figures.sloAttainmentRatio),
    },
    {
      title: 'misses',
      heading: 'Misses, requests',
      meaning: 'Requests that waited longer than the SLO wait.',
      value: (figures) => figures.sloMissCount,
      text: (figures) => requestCountText(figures.sloMissCount),
    },
    {
      ...waitColumn('p50', 'Half of the requests waited at most this long, from arrival to admission.'),
      title: 'wait p50 s',
    },
    waitColumn('p99', '99 % of the requests waited at most this long.'),
    waitColumn('max', 'The longest wait of any request.'),
  ];
}

function waitColumn(part: 'p50' | 'p99' | 'max', meaning: string): FigureColumn {
  return {
    title: `${part} s`,
    heading: `Wait ${part}, s`,
    meaning,
    value: (figures) => figures.waitSec[part],
    text: (figures) => decimal(figures.waitSec[part], part === 'max' ? 1 : 2),
  };
}

function tokenColumns(): FigureColumn[] {
  const columns = (key: 'ttftMs' | 'interTokenMs', names: { title: string; heading: string; meaning: string }) =>
    (['p50', 'p99'] as const).map((part): FigureColumn => ({
      title: part === 'p50' ? `${names.title} p50 ms` : 'p99 ms',
      heading: `${names.heading} ${part}, ms`,
      meaning: names.meaning,
      value: (figures) => figures[key]?.[part] ?? Number.NaN,
      text: (figures) => decimal(figures[key]?.[part] ?? Number.NaN, key === 'ttftMs' ? 0 : 1),
    }));
  return [
    ...columns('ttftMs', {
      title: 'TTFT',
      heading: 'TTFT',
      meaning:
        'Time to first token: from arrival to the end of the step that makes it, with 15 ms for HTTP and tokenising.',
    }),
    ...columns('interTokenMs', {
      title: 'ITL',
      heading: 'ITL',
      meaning: 'Inter-token latency: mean time between two tokens of an answer.',
    }),
  ];
}

function fleetColumns(): FigureColumn[] {
  return [
    {
      title: 'starts',
      heading: 'Replica starts',
      meaning: 'Replicas that were launched.',
      value: (figures) => figures.replicaStarts,
      text: (figures) => count(figures.replicaStarts),
    },
    {
      title: 'turns',
      heading: 'Direction changes',
      meaning: 'How often growing turned into shrinking or back.',
      value: (figures) => figures.directionChanges,
      text: (figures) => count(figures.directionChanges),
    },
    {
      title: 'max replicas',
      heading: 'Most replicas',
      meaning: 'Most replicas at any moment.',
      value: (figures) => figures.replicasMax,
      text: (figures) => count(figures.replicasMax),
    },
  ];
}
