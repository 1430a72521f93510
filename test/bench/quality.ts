/**
 * Scaling quality: Penstock, its peers and the optimum on recorded traces, at lead times of 60, 180 and 420 s (fluid engine, fixed lead time, no failed starts,
 * wait limit 10 s, one setting for everything). Traces are read from the folder named by PENSTOCK_TRACES, or `../shared/traces` beside the checkout, and are no
 * part of the project; without them one generated trace is replayed, and the output says so.
 * Run: npm run bench -- quality [--traces T1,T2] [--lead-times 60,180,420] [--against all] [--tune] [--json FILE] [--markdown FILE].
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { seededRandom } from '../../lib/base/random.ts';
import { baselines } from '../../lib/simulator/baselines/index.ts';
import type { PolicyFigures } from '../../lib/simulator/report/types.ts';
import { runReplay } from '../../lib/simulator/replay/run.ts';
import { buildCli } from '../../infra/local/build.mjs';
import { machine } from './rig.ts';

type Case = {
  readonly name: string;
  readonly file: string;
  readonly lengths: string | null;
  readonly scale: number;
  readonly replicaClass: string;
  readonly warmupSec: number;
};

const { values } = parseArgs({
  options: {
    traces: { type: 'string', default: 'T1,T2,T3,T4,T5' },
    'lead-times': { type: 'string', default: '60,180,420' },
    against: { type: 'string', default: 'all' },
    tune: { type: 'boolean', default: false },
    json: { type: 'string' },
    markdown: { type: 'string' },
  },
});

// oxlint-disable-next-line node/no-process-env -- a benchmark is its own host
const folder = process.env['PENSTOCK_TRACES'] ?? join('..', 'shared', 'traces');
const scratch = await mkdtemp(join(tmpdir(), 'penstock-quality-'));

/** Scales bring each trace to some ten to forty replicas at its peak. The first day of a longer trace is history. */
function cases(): Case[] {
  const at = (name: string): string => join(folder, name);
  const recorded: Case[] = [
    {
      name: 'T1',
      file: at('azure2024_code_week.csv.gz'),
      lengths: at('azure2023_code.csv.gz'),
      scale: 3,
      replicaClass: 'B',
      warmupSec: 86_400,
    },
    {
      name: 'T2',
      file: at('servegen_m-large_rate.csv.gz'),
      lengths: at('servegen_m-large_requests.csv.gz'),
      scale: 1,
      replicaClass: 'B',
      warmupSec: 86_400,
    },
    { name: 'T3', file: at('azure2023_conv.csv.gz'), lengths: null, scale: 10, replicaClass: 'B', warmupSec: 600 },
    { name: 'T4', file: at('azure2023_code.csv.gz'), lengths: null, scale: 20, replicaClass: 'B', warmupSec: 600 },
    {
      name: 'T5',
      file: at('gentd26_images_d0-13.csv.gz'),
      lengths: null,
      scale: 1,
      replicaClass: 'G',
      warmupSec: 86_400,
    },
  ];
  const wanted = values.traces.split(',');
  const present = recorded.filter((one) => wanted.includes(one.name) && existsSync(one.file));
  if (present.length > 0) return present;
  process.stderr.write(
    `No trace in "${folder}" (PENSTOCK_TRACES names another folder): a generated day is replayed instead.\n`,
  );
  return [
    {
      name: 'generated',
      file: join(scratch, 'generated.csv'),
      lengths: null,
      scale: 1,
      replicaClass: 'B',
      warmupSec: 7_200,
    },
  ];
}

/** A day with a bell-shaped course, minute noise and two bursts, made here. */
async function writeGenerated(file: string): Promise<void> {
  const random = seededRandom(42);
  const lines = ['t,rps'];
  for (let minute = 0; minute < 1_440; minute++) {
    const day = 30 + 90 * Math.exp(-(((minute - 840) / 260) ** 2));
    const burst = (minute >= 600 && minute < 610) || (minute >= 1_000 && minute < 1_004) ? 1.8 : 1;
    lines.push(`${minute * 60},${(day * burst * (0.93 + 0.14 * random())).toFixed(3)}`);
  }
  await writeFile(file, `${lines.join('\n')}\n`);
}

type Row = {
  readonly trace: string;
  readonly leadTimeSec: number;
  readonly policies: Readonly<Record<string, PolicyFigures>>;
};

const rows: Row[] = [];
// Policies run side by side in the worker that is built beside the CLI.
const workerFile = new URL('./replay-worker.mjs', pathToFileURL(await buildCli()));
try {
  await writeGenerated(join(scratch, 'generated.csv'));
  for (const one of cases()) {
    for (const leadTimeSec of values['lead-times'].split(',').map(Number)) {
      process.stderr.write(`${one.name} at ${leadTimeSec} s\n`);
      const { report } = await runReplay({
        file: one.file,
        trace: { format: 'auto', skipBadLines: true },
        engine: 'fluid',
        replicaClass: one.replicaClass,
        leadTimeSec,
        leadTimeSigma: 0,
        failedStartRatio: 0,
        sloWaitSec: 10,
        scale: one.scale,
        warmupSec: one.warmupSec,
        seed: 1,
        tickSec: 5,
        replicas: null,
        lengthsFile: one.lengths,
        against:
          values.against === 'all'
            ? Object.keys(baselines)
            : values.against === 'none'
              ? []
              : values.against.split(','),
        tunePeers: values.tune,
        policySpec: null,
        version: 'bench',
        workerFile: existsSync(workerFile) ? workerFile : null,
        progress: (line) => void process.stderr.write(`  ${line}\n`),
      });
      rows.push({ trace: one.name, leadTimeSec, policies: report.policies });
    }
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}

const text = markdown(rows);
process.stdout.write(`${text}\n`);
if (values.markdown !== undefined) await writeFile(values.markdown, `${text}\n`);
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(rows, null, 1)}\n`);

function markdown(all: readonly Row[]): string {
  const names = [...new Set(all.flatMap((row) => Object.keys(row.policies)))].filter((name) => name !== 'optimum');
  const header = `| policy | ${all.map((row) => `${row.trace} ${row.leadTimeSec} s`).join(' | ')} |`;
  const line = `|---|${all.map(() => '---').join('|')}|`;
  const body = names.map(
    (name) =>
      `| ${name === 'penstock' ? '**penstock**' : name} | ${all.map((row) => cell(row.policies[name])).join(' | ')} |`,
  );
  return [
    `GPU-hours ÷ optimum / share of requests inside a wait of 10 s [%]. Measured on ${machine()}.`,
    '',
    header,
    line,
    ...body,
  ].join('\n');
}

function cell(figures: PolicyFigures | undefined): string {
  if (figures === undefined) return '–';
  return `${figures.ratioToOptimum.toFixed(2)} / ${(Math.floor(figures.sloAttainmentRatio * 1e5) / 1e3).toFixed(2)}`;
}
