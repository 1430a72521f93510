/** Markdown of what the scaling-quality bench measured. */
import { baselines } from '../../lib/simulator/baselines/index.ts';
import { tunings } from '../../lib/simulator/replay/tuning.ts';
import { aboutOf } from './quality-cases.ts';
import { recommendedOf, tunedOf } from './quality-results.ts';
import type { Row, Run } from './quality-results.ts';

const PEERS = Object.values(baselines);

/** A table for each trace, who does better than Penstock, the tuned settings, and the recommended ones. */
export function tablesOf(rows: readonly Row[]): string {
  const traces = [...new Set(rows.map(({ trace }) => trace))];
  return [
    ...traces.flatMap((trace) => traceTable(rows.filter((row) => row.trace === trace))),
    ...better(rows),
    ...tunedSettings(rows),
    ...recommendedSettings(),
  ].join('\n');
}

function traceTable(rows: readonly Row[]): string[] {
  const { trace = '', measured = '' } = rows[0] ?? {};
  const isTuned = rows.some((row) => row.runs.some(({ tuning }) => tuning !== null));
  const heads = rows.map(({ leadTimeSec }) => `${leadTimeSec} s`);
  const columns = [...heads, ...(isTuned ? heads.map((head) => `tuned ${head}`) : [])];
  const cellsOf = (policy: string): string[] => [
    ...rows.map((row) => cell(row, recommendedOf(row, policy))),
    ...(isTuned ? rows.map((row) => cell(row, tunedOf(row, policy))) : []),
  ];
  const optimum = rows.map((row) => `${(recommendedOf(row, 'optimum')?.gpuHours ?? 0).toFixed(1)} h`);
  return [
    `### ${trace}: ${aboutOf(trace)}`,
    '',
    `Measured ${measured}. The optimum takes ${optimum.join(', ')}.`,
    '',
    line('policy', columns),
    `|---|${columns.map(() => '---').join('|')}|`,
    line('**penstock**', cellsOf('penstock')),
    ...PEERS.filter(({ name }) => rows.some((row) => recommendedOf(row, name) !== undefined)).map(({ name }) =>
      line(name, cellsOf(name)),
    ),
    '',
    ...latencyTable(rows),
  ];
}

/** Time to first token and between tokens, where the engine knows them. */
function latencyTable(rows: readonly Row[]): string[] {
  const timed = rows.filter(
    (row) => recommendedOf(row, 'penstock')?.ttftP99Ms !== undefined && row.trace.endsWith('-2s'),
  );
  if (timed.length === 0) return [];
  const cellsOf = (policy: string): string[] => timed.map((row) => latencyCell(recommendedOf(row, policy)));
  return [
    'Time to first token and between two tokens of an answer, 99th percentiles [ms]:',
    '',
    line(
      'policy',
      timed.map(({ leadTimeSec }) => `${leadTimeSec} s`),
    ),
    `|---|${timed.map(() => '---').join('|')}|`,
    line('**penstock**', cellsOf('penstock')),
    ...PEERS.map(({ name }) => line(name, cellsOf(name))),
    '',
  ];
}

function latencyCell(run: Run | undefined): string {
  return run?.ttftP99Ms === undefined ? '–' : `${run.ttftP99Ms} / ${run.interTokenP99Ms ?? '–'}`;
}

function line(name: string, cells: readonly string[]): string {
  return `| ${name} | ${cells.join(' | ')} |`;
}

function cell(row: Row, run: Run | undefined): string {
  const optimum = recommendedOf(row, 'optimum');
  if (run === undefined || optimum === undefined) return '–';
  return `${(run.gpuHours / optimum.gpuHours).toFixed(2)} / ${percent(run)}`;
}

/** In time, cut to hundredths: 100.00 means no request was late. */
function percent({ sloMissCount, requestCount }: Run): string {
  const lateRatio = sloMissCount < 0.5 ? 0 : sloMissCount / requestCount;
  return (Math.floor((1 - lateRatio) * 1e4) / 1e2).toFixed(2);
}

/** Peers with no more GPU-hours and no more misses. */
function better(rows: readonly Row[]): string[] {
  const lines = rows.flatMap((row) => {
    const penstock = recommendedOf(row, 'penstock');
    if (penstock === undefined) return [];
    const isBetter = (run: Run | undefined): boolean =>
      run !== undefined && run.gpuHours <= penstock.gpuHours && run.sloMissCount <= penstock.sloMissCount + 0.5;
    const asRecommended = PEERS.filter(({ name }) => isBetter(recommendedOf(row, name)));
    const tuned = PEERS.filter(({ name }) => isBetter(tunedOf(row, name)));
    const names = (peers: typeof PEERS): string => peers.map(({ name }) => name).join(', ') || '–';
    return [`| ${row.trace} ${row.leadTimeSec} s | ${names(asRecommended)} | ${names(tuned)} |`];
  });
  return [
    '### Who does better than Penstock',
    '',
    'Peers that take no more GPU-hours and miss no more requests.',
    '',
    '| | as recommended | tuned in hindsight |',
    '|---|---|---|',
    ...lines,
    '',
  ];
}

function tunedSettings(rows: readonly Row[]): string[] {
  const lines = PEERS.flatMap(({ name, grid }) => {
    const best = rows.flatMap((row) => {
      const run = tunedOf(row, name);
      if (run === undefined) return [];
      const values = Object.entries(run.tuning ?? {}).map(([key, value]) => `${key} ${value}`);
      return [`${row.trace} ${row.leadTimeSec} s: ${values.join(', ') || 'as recommended'}`];
    });
    return best.length === 0 ? [] : [`- **${name}** (${tunings(grid).length} tried): ${best.join('; ')}.`];
  });
  return lines.length === 0 ? [] : ['### Settings of the tuned peers', '', ...lines, ''];
}

function recommendedSettings(): string[] {
  return [
    '### Recommended settings of the peers',
    '',
    ...PEERS.flatMap(({ name, source, settings }) => [
      `**${name}** (${source})`,
      '',
      ...Object.entries(settings).map(([setting, text]) => `- ${setting}: ${text}`),
      '',
    ]),
  ];
}
