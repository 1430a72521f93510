/**
 * Scaling quality: Penstock, its peers and the optimum on recorded traces, at lead times of 60, 180 and 420 s (fluid engine, fixed lead time, no failed starts,
 * wait limit 10 s, one setting for everything; the cases named `T1-2s`: 2 s). Traces are read from the folder named by PENSTOCK_TRACES, or `../shared/traces` beside the checkout, and are no
 * part of the project; without them one generated trace is replayed, and the output says so.
 * Results are kept in a file, one line a run; what is measured again takes the place of what was there, so that `--against none` measures Penstock alone once more.
 * Run: npm run bench -- quality [--traces T1,T2] [--lead-times 60,180,420] [--against all|none|NAMES] [--tune none|all|NAMES] [--results FILE] [--document FILE] [--threads N].
 * Writes docs/benchmarks/quality.jsonl, and the tables of docs/benchmarks/quality.md between its two marks. `--tables` writes the tables alone.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { systemClock } from '../../lib/base/clock.ts';
import { baselines } from '../../lib/simulator/baselines/index.ts';
import type { PlantTotals } from '../../lib/simulator/plant/contract.ts';
import { groundOf } from '../../lib/simulator/replay/ground.ts';
import { baselineOf } from '../../lib/simulator/replay/tasks.ts';
import type { Task } from '../../lib/simulator/replay/tasks.ts';
import { tunings } from '../../lib/simulator/replay/tuning.ts';
import { runTasks } from '../../lib/simulator/replay/workers.ts';
import { buildCli } from '../../infra/local/build.mjs';
import { writeBetweenMarks } from './marks.ts';
import { casesIn, preparedCase } from './quality-cases.ts';
import type { Case } from './quality-cases.ts';
import { readRows, undominated, withRow, writeRows } from './quality-results.ts';
import type { Row, Run } from './quality-results.ts';
import { tablesOf } from './quality-tables.ts';

const { values } = parseArgs({
  options: {
    traces: { type: 'string', default: 'T1,T2,T3,T4,T5,T1-2s,T3-2s,T4-2s' },
    'lead-times': { type: 'string', default: '60,180,420' },
    against: { type: 'string', default: 'all' },
    tune: { type: 'string', default: 'none' },
    results: { type: 'string', default: join('docs', 'benchmarks', 'quality.jsonl') },
    document: { type: 'string', default: join('docs', 'benchmarks', 'quality.md') },
    threads: { type: 'string' },
    tables: { type: 'boolean', default: false },
  },
});

let rows = await readRows(values.results);
if (!values.tables) await measureAll();
const tables = tablesOf(rows);
process.stdout.write(`${tables}\n`);
await writeBetweenMarks(values.document, tables);

async function measureAll(): Promise<void> {
  // oxlint-disable-next-line node/no-process-env -- a benchmark is its own host
  const folder = process.env['PENSTOCK_TRACES'] ?? join('..', 'shared', 'traces');
  const scratch = await mkdtemp(join(tmpdir(), 'penstock-quality-'));
  // Policies run side by side in the worker that is built beside the CLI; into a folder of its own, because another build takes parts away that a thread loads later.
  const outDir = join('dist', 'bench', 'replay');
  const workerFile = new URL('./replay-worker.mjs', pathToFileURL(await buildCli({ outDir })));
  try {
    for (const one of await casesIn(folder, { wanted: values.traces.split(','), scratch })) {
      for (const leadTimeSec of values['lead-times'].split(',').map(Number)) {
        rows = withRow(rows, await measure(one, { leadTimeSec, workerFile }));
        await writeRows(values.results, rows);
      }
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function measure(
  one: Case,
  { leadTimeSec, workerFile }: { readonly leadTimeSec: number; readonly workerFile: URL },
): Promise<Row> {
  const startedMs = systemClock.nowMs();
  const prepared = await preparedCase(one, leadTimeSec);
  const tasks = tasksOf();
  const outcomes = await runTasks({
    ground: groundOf(prepared),
    tasks,
    workerFile: existsSync(workerFile) ? workerFile : null,
    ...(values.threads === undefined ? {} : { threads: Number(values.threads) }),
    onStart: (index) => {
      process.stderr.write(`${one.name} at ${leadTimeSec} s: ${index + 1} of ${tasks.length}\r`);
    },
  });
  const took = ((systemClock.nowMs() - startedMs) / 1000).toFixed(0);
  process.stderr.write(`${one.name} at ${leadTimeSec} s: ${tasks.length} runs in ${took} s\n`);
  const runs = tasks.map((task, index): Run => {
    const { gpuHours = 0, sloMissCount = 0, requestCount = 0, ...timed } = outcomes[index]?.totals ?? {};
    return { ...nameOf(task), gpuHours, sloMissCount, requestCount, ...latenciesOf(timed) };
  });
  return { trace: one.name, leadTimeSec, measured: today(), runs: pruned(runs) };
}

function latenciesOf({ ttftMs, interTokenMs }: Pick<Partial<PlantTotals>, 'ttftMs' | 'interTokenMs'>): Partial<Run> {
  if (ttftMs === undefined || interTokenMs === undefined) return {};
  return { ttftP99Ms: Math.round(ttftMs.p99), interTokenP99Ms: Math.round(interTokenMs.p99 * 10) / 10 };
}

function tasksOf(): Task[] {
  const tuned = namesOf(values.tune).map(baselineOf);
  return [
    { kind: 'penstock', spec: null },
    { kind: 'optimum' },
    ...namesOf(values.against).map((name): Task => ({ kind: 'baseline', name, tuning: {} })),
    ...tuned.flatMap(({ name, grid }) => tunings(grid).map((tuning): Task => ({ kind: 'baseline', name, tuning }))),
  ];
}

function namesOf(text: string): string[] {
  if (text === 'none') return [];
  return text === 'all' ? Object.keys(baselines) : text.split(',');
}

function nameOf(task: Task): Pick<Run, 'policy' | 'tuning'> {
  if (task.kind !== 'baseline') return { policy: task.kind, tuning: null };
  return { policy: task.name, tuning: Object.keys(task.tuning).length > 0 ? task.tuning : null };
}

/** Of the settings of a grid only those that could be the best one. */
function pruned(runs: readonly Run[]): Run[] {
  const names = new Set(runs.map(({ policy }) => policy));
  return [
    ...runs.filter(({ tuning }) => tuning === null),
    ...[...names].flatMap((name) => undominated(runs.filter((run) => run.policy === name && run.tuning !== null))),
  ];
}

function today(): string {
  return new Date(systemClock.nowMs()).toISOString().slice(0, 10);
}
