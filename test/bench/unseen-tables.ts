/** Markdown of what the bench of unseen traffic measured. */
import { recommendedOf } from './quality-results.ts';
import type { Row, Run } from './quality-results.ts';
import { FAMILIES } from './unseen-families.ts';

/** Fewer late requests than this share are within what was promised. */
const BUDGET = 0.001;

/** One table a lead time, with the means of the seeds; then every cell in which a peer does better, and where more is late than promised. */
export function unseenTables(rows: readonly Row[]): string {
  const leadTimes = [...new Set(rows.map(({ leadTimeSec }) => leadTimeSec))].toSorted((one, other) => one - other);
  return [...leadTimes.flatMap((leadTimeSec) => tableOf(rows, leadTimeSec)), ...worst(rows)].join('\n');
}

function tableOf(rows: readonly Row[], leadTimeSec: number): string[] {
  const policies = policiesOf(rows);
  const lines = FAMILIES.flatMap(({ name, about }) => {
    const of = rows.filter((row) => row.leadTimeSec === leadTimeSec && row.trace.startsWith(`${name}/`));
    if (of.length === 0) return [];
    const cells = policies.map((policy) => of.map((row) => cell(row, recommendedOf(row, policy))).join('<br>'));
    return [`| ${name}: ${about} | ${cells.join(' | ')} |`];
  });
  return [
    `### ${leadTimeSec} s`,
    '',
    `| | ${policies.map((name) => (name === 'penstock' ? '**penstock**' : name)).join(' | ')} |`,
    `|---|${policies.map(() => '---|').join('')}`,
    ...lines,
    '',
  ];
}

function policiesOf(rows: readonly Row[]): string[] {
  const names = new Set(rows.flatMap(({ runs }) => runs.map(({ policy }) => policy)));
  names.delete('optimum');
  names.delete('penstock');
  return ['penstock', ...names];
}

function cell(row: Row, run: Run | undefined): string {
  const optimum = recommendedOf(row, 'optimum');
  if (run === undefined || optimum === undefined) return '–';
  return `${(run.gpuHours / optimum.gpuHours).toFixed(2)} / ${percent(run)}`;
}

/** In time, cut to hundredths: 100.00 means no request was late. */
function percent(run: Run): string {
  return (Math.floor((1 - lateOf(run)) * 1e4) / 1e2).toFixed(2);
}

function lateOf({ sloMissCount, requestCount }: Run): number {
  return sloMissCount < 0.5 ? 0 : sloMissCount / requestCount;
}

function worst(rows: readonly Row[]): string[] {
  const lines = rows.flatMap((row) => {
    const own = recommendedOf(row, 'penstock');
    if (own === undefined) return [];
    const better = row.runs.filter(
      (run) =>
        run.policy !== 'optimum' &&
        run.policy !== 'penstock' &&
        run.gpuHours <= own.gpuHours &&
        run.sloMissCount <= own.sloMissCount + 0.5,
    );
    const late = lateOf(own);
    if (better.length === 0 && late <= BUDGET) return [];
    const names = better.map((run) => `${run.policy} (${cell(row, run)})`).join(', ') || '–';
    return [
      `| ${row.trace} ${row.leadTimeSec} s | ${cell(row, own)} | ${late > BUDGET ? (late / BUDGET).toFixed(1) : '–'} | ${names} |`,
    ];
  });
  return [
    '### Where Penstock is late more often than promised, or a peer does better',
    '',
    'Late requests in parts of the 0.1 % promised; peers that take no more GPU-hours and miss no more requests.',
    '',
    '| | penstock | late | peers |',
    '|---|---|---|---|',
    ...lines,
    '',
  ];
}
