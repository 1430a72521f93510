/** The report on a terminal. */
import { figureColumns } from './columns.ts';
import { count, decimal, duration } from './format.ts';
import { OPTIMUM, PENSTOCK, WINDOW_RULE, policiesByCost } from './policies.ts';
import { capacityWaitText } from './repeat.ts';
import { summarySentence } from './summary.ts';
import type { ReplayReport } from './types.ts';

/** Paints text; picocolors fits. */
export type ReportColors = {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly cyan: (text: string) => string;
};

const PLAIN: ReportColors = { bold: String, dim: String, cyan: String };

/** Marks that need no colour. */
const MARKS = new Map([
  [PENSTOCK, '▸'],
  [OPTIMUM, '◇'],
  [WINDOW_RULE, '◇'],
]);

/**
 * What was replayed, one line per policy (cheapest first, `▸` Penstock, `◇` what knows the future), and the result in one sentence.
 * Lines for a terminal, without line ends; without `colors` in plain text.
 */
export function renderTable(report: ReplayReport, options: { readonly colors?: ReportColors } = {}): string[] {
  const colors = options.colors ?? PLAIN;
  const [titles = '', ...rows] = policyRows(report);
  return [
    colors.dim(printable(replayed(report))),
    '',
    colors.dim(titles),
    ...rows.map((row) => painted(row, colors)),
    '',
    printable(summarySentence(report)),
    ...hints(report),
  ];
}

/** Where everybody came out the same for a reason that a newcomer does not see. */
function hints({ policies, settings, trace }: ReplayReport): string[] {
  const optimum = policies[OPTIMUM];
  // A limit of one, or no requests at all, would look the same.
  if (optimum === undefined || optimum.replicasMax > 1 || optimum.sloMissCount > 0 || trace.requestCount === 0)
    return [];
  return [
    '',
    `One replica of class ${settings.replicaClass} serves all of this traffic, so there is nothing to compare: try --scale 20, or --replica-class.`,
  ];
}

/** What was replayed, on one line: `week.csv (azure-llm): 7 d, 1,200 requests; engine fluid; …`. */
function replayed({ trace, settings, seed }: ReplayReport): string {
  const skipped = trace.skippedLines === 0 ? '' : `, ${count(trace.skippedLines)} bad lines skipped`;
  return [
    `${trace.file} (${trace.format}): ${duration(trace.durationSec)}, ${count(trace.requestCount)} requests${scaleNotes(settings)}${skipped}`,
    `engine ${settings.engine}`,
    `replica class ${settings.replicaClass}`,
    `lead time ${settings.leadTimeSec} s${leadTimeNotes(settings)}`,
    `SLO wait ${settings.sloWaitSec} s`,
    `seed ${seed}`,
  ].join('; ');
}

function scaleNotes({ scale, overlay }: ReplayReport['settings']): string {
  const notes = [
    ...(scale === 1 ? [] : [`load × ${scale}`]),
    ...(overlay === 1 ? [] : [`${overlay} copies of the trace`]),
  ];
  return notes.length === 0 ? '' : ` (${notes.join(', ')})`;
}

/** What a lead time is not alone: only what differs from the usual run. */
function leadTimeNotes(settings: ReplayReport['settings']): string {
  const notes = [
    ...(settings.leadTimeSigma > 0 ? [`sigma ${settings.leadTimeSigma}`] : []),
    ...(settings.capacityWait === null ? [] : [`capacity wait ${capacityWaitText(settings.capacityWait)}`]),
    ...(settings.failedStartRatio > 0 ? [`${decimal(settings.failedStartRatio * 100, 1)} % failed starts`] : []),
    ...(settings.peerNodes === 'none' ? [] : [`peers' nodes by ${settings.peerNodes}`]),
  ];
  return notes.length === 0 ? '' : ` (${notes.join(', ')})`;
}

function policyRows(report: ReplayReport): string[] {
  const policies = policiesByCost(report);
  const columns = figureColumns(policies);
  const lines = [
    ['  policy', ...columns.map((column) => column.title)],
    ...policies.map(({ name, figures }) => [
      printable(`${MARKS.get(name) ?? ' '} ${name}`),
      ...columns.map((column) => column.text(figures)),
    ]),
  ];
  const widths = (lines[0] ?? []).map((_, at) => lines.reduce((max, line) => Math.max(max, line[at]?.length ?? 0), 0));
  return lines.map((line) =>
    line.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  '),
  );
}

function painted(row: string, colors: ReportColors): string {
  if (row.startsWith('▸')) return colors.bold(row);
  return row.startsWith('◇') ? colors.cyan(row) : row;
}

/** Names come from outside: no control characters, nothing that turns the direction of writing. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ');
}
