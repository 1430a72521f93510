/** Markdown of what the frontier bench measured. */
import {
  figureText,
  hoursFigure,
  hoursText,
  missesFigure,
  missesText,
  shareText,
  standingText,
  worstText,
} from './frontier-cells.ts';
import {
  HOURS_GOAL,
  MISSES_GOAL,
  SERVED_MISS_SHARE_MAX,
  compared,
  fieldsOf,
  medianOf,
  recommendedOf,
} from './frontier-compare.ts';
import type { Comparison, Field } from './frontier-compare.ts';
import type { Point } from './frontier-results.ts';
import { PEERS, askedOf, settingText } from './frontier-settings.ts';
import { aboutOf } from './quality-cases.ts';

/** Pictures, Penstock's own sweep, both comparisons with the goals, and every peer's frontier. */
export function tablesOf(points: readonly Point[]): string {
  const fields = fieldsOf(points);
  return [
    ...pictures(fields),
    ...ownSweep(fields),
    ...equalMisses(fields),
    ...equalHours(fields),
    ...standings(fields),
  ].join('\n');
}

function pictures(fields: readonly Field[]): string[] {
  return tracesOf(fields).flatMap((trace) => [
    `### ${trace}: ${aboutOf(trace)}`,
    '',
    `![Misses against GPU-hours of every policy on ${trace}](frontier-${trace}.svg)`,
    '',
  ]);
}

function ownSweep(fields: readonly Field[]): string[] {
  const asked = askedOf({ policies: ['penstock'], sloWaitSec: 0, isThinned: false, byCore: true });
  const settings = asked.map(({ setting }) => settingText(setting));
  const rows = settings.map((text) =>
    line(
      text,
      fields.map(({ penstock, optimumHours }) => {
        const point = penstock.find(({ setting }) => settingText(setting) === text);
        return point === undefined ? '–' : `${(point.gpuHours / optimumHours).toFixed(2)} / ${shareText(point)}`;
      }),
    ),
  );
  return [
    '### Penstock over its risk and objective',
    '',
    'GPU-hours ÷ optimum / requests missed [%]. As recommended: `balanced` with a ratio of 0.999; where both rows have a figure, the sweep was made by the decision core alone, and their difference is what that leaves out.',
    '',
    ...head('setting', fields.map(nameOf)),
    ...rows,
    '',
  ];
}

function equalMisses(fields: readonly Field[]): string[] {
  return [
    '### At equal misses: GPU-hours of Penstock over those of each peer as recommended',
    '',
    '*never*: no setting of Penstock misses as little; then what its safest one takes, and misses. In brackets the optimum over the GPU-hours of that peer, where it is above the goal: nobody who misses as little can reach the goal there.',
    '',
    ...leadTimesOf(fields).flatMap((leadTimeSec) => {
      const goal = HOURS_GOAL.get(leadTimeSec);
      const about = goal === undefined ? '' : `, goal at most ${goal.toFixed(2)} on every trace`;
      return peerTable(fields, {
        leadTimeSec,
        about,
        columns: ['worst'],
        cellOf: (comparison) => hoursText(comparison, goal),
        summaryOf: (all) => [worstText(all.map(hoursFigure))],
      });
    }),
  ];
}

function equalHours(fields: readonly Field[]): string[] {
  const { worst, median } = MISSES_GOAL;
  return [
    '### At equal GPU-hours: misses of Penstock over those of each peer as recommended',
    '',
    '*none*: neither misses a request. *more*: the peer misses none, Penstock does. *ends*: the peer takes more GPU-hours than the safest setting of Penstock, and misses less. *above*: it takes less than the cheapest, and misses no more; *beyond*: and misses more. The median is that of the traces with a figure.',
    '',
    ...leadTimesOf(fields).flatMap((leadTimeSec) =>
      peerTable(fields, {
        leadTimeSec,
        about: `, goal at most ${worst.toFixed(2)} on the worst trace and ${median.toFixed(2)} at the median`,
        columns: ['worst', 'median'],
        cellOf: missesText,
        summaryOf: (all) => {
          const figures = all.map(missesFigure);
          const found = figures.filter((figure) => typeof figure === 'number');
          return [worstText(figures), figureText(medianOf(found))];
        },
      }),
    ),
  ];
}

/** A row for each peer, a column for each trace. */
function peerTable(
  fields: readonly Field[],
  of: {
    readonly leadTimeSec: number;
    readonly about: string;
    readonly columns: readonly string[];
    readonly cellOf: (comparison: Comparison) => string;
    readonly summaryOf: (all: readonly Comparison[]) => readonly string[];
  },
): string[] {
  const here = fields.filter(({ leadTimeSec }) => leadTimeSec === of.leadTimeSec);
  const rows = PEERS.flatMap((name) => {
    const met = here.map((field) => {
      const peer = recommendedOf(field.peers.get(name) ?? []);
      return peer === undefined ? undefined : compared(field, peer);
    });
    const found = met.filter((comparison) => comparison !== undefined);
    if (found.length === 0) return [];
    const cells = met.map((comparison) => (comparison === undefined ? '–' : of.cellOf(comparison)));
    return [line(name, [...cells, ...of.summaryOf(found)])];
  });
  return [
    `At ${of.leadTimeSec} s${of.about}:`,
    '',
    ...head('peer', [...here.map(({ trace }) => trace), ...of.columns]),
    ...rows,
    '',
  ];
}

function standings(fields: readonly Field[]): string[] {
  const tableOf = (isCounted: (point: Point) => boolean): string[] => [
    ...head('', PEERS),
    ...fields.map((field) =>
      line(
        nameOf(field),
        PEERS.map((name) => standingText(field, (field.peers.get(name) ?? []).filter(isCounted))),
      ),
    ),
    '',
  ];
  return [
    "### Beside every peer's frontier",
    '',
    `GPU-hours of Penstock over those of the peer, at equal misses, at the point of the peer's frontier where Penstock stands worst, and what is missed there [%]. Up to 1: on or below. **Bold**: above; *≥* where no setting of Penstock misses as little. *…*: the peer goes on to fewer misses than Penstock's safest setting, for more GPU-hours than that takes. Of the points that miss at most ${SERVED_MISS_SHARE_MAX * 100} %; a dash: the peer has none, or all of them miss more than Penstock's cheapest setting and cost less.`,
    '',
    'Over its main knob:',
    '',
    ...tableOf(({ grid }) => grid !== true),
    'Over its main knob, and every setting of the grids in [quality.md](quality.md#settings-of-the-tuned-peers) that was tried (T1: five peers; T3 and T4: all; T2 and T5: none):',
    '',
    ...tableOf(() => true),
  ];
}

function nameOf({ trace, leadTimeSec }: Field): string {
  return `${trace} ${leadTimeSec} s`;
}

function tracesOf(fields: readonly Field[]): string[] {
  return [...new Set(fields.map(({ trace }) => trace))];
}

function leadTimesOf(fields: readonly Field[]): number[] {
  return [...new Set(fields.map(({ leadTimeSec }) => leadTimeSec))].toSorted((one, other) => one - other);
}

function head(name: string, columns: readonly string[]): string[] {
  return [line(name, columns), `|---|${columns.map(() => '---|').join('')}`];
}

function line(name: string, cells: readonly string[]): string {
  return `| ${name} | ${cells.join(' | ')} |`;
}
