/**
 * The frontier: misses against GPU-hours of Penstock over its risk and objective, and of each peer over its main knob (its target), on the traces and with the plant of `quality.ts`.
 * Traces are read from the folder named by PENSTOCK_TRACES, or `../shared/traces` beside the checkout, and are no part of the project.
 * Recommended settings, and those of the quality bench's grids, are taken from its results; the sweeps are kept in a file, one line a cell. A cell that is there is not measured again, unless
 * `--again`. The file is written after every cell, so that the bench goes on where it was stopped.
 * Run: npm run bench -- frontier [--traces T1,T2] [--lead-times 60,180,420] [--policies all|NAMES] [--core] [--thin] [--again] [--quality FILE] [--results FILE] [--document FILE] [--threads N].
 * Writes docs/benchmarks/frontier.jsonl, the tables of docs/benchmarks/frontier.md between its two marks, and a picture for each trace beside it. `--tables` writes tables and pictures alone.
 * `--core`: Penstock's sweep by the decision core alone, as in the bench `risk`, in a twentieth of the time. `--thin`: every second setting.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { systemClock } from '../../lib/base/clock.ts';
import { START_MS, groundOf, plantOf } from '../../lib/simulator/replay/ground.ts';
import type { Ground } from '../../lib/simulator/replay/ground.ts';
import { replayPolicy } from '../../lib/simulator/replay/plain-policy.ts';
import { runPolicy } from '../../lib/simulator/replay/run-policy.ts';
import { runTasks } from '../../lib/simulator/replay/workers.ts';
import { buildCli } from '../../infra/local/build.mjs';
import { coreScaler } from './core-scaler.ts';
import type { Measured } from './frontier-curve.ts';
import { pictureOf } from './frontier-picture.ts';
import { keyOf, readPoints, qualityPoints, withPoint, writePoints } from './frontier-results.ts';
import { PEERS, askedOf } from './frontier-settings.ts';
import type { Asked } from './frontier-settings.ts';
import { tablesOf } from './frontier-tables.ts';
import { writeBetweenMarks } from './marks.ts';
import { casesIn, preparedCase } from './quality-cases.ts';
import type { Case } from './quality-cases.ts';

const { values } = parseArgs({
  options: {
    traces: { type: 'string', default: 'T3,T4,T5,T1,T2' },
    'lead-times': { type: 'string', default: '60,180,420' },
    policies: { type: 'string', default: 'all' },
    core: { type: 'boolean', default: false },
    thin: { type: 'boolean', default: false },
    again: { type: 'boolean', default: false },
    quality: { type: 'string', default: join('docs', 'benchmarks', 'quality.jsonl') },
    results: { type: 'string', default: join('docs', 'benchmarks', 'frontier.jsonl') },
    document: { type: 'string', default: join('docs', 'benchmarks', 'frontier.md') },
    threads: { type: 'string' },
    tables: { type: 'boolean', default: false },
  },
});

const quality = await qualityPoints(values.quality);
const qualityKeys = new Set(quality.map(keyOf));
let points = (await readPoints(values.results)).filter((point) => !qualityKeys.has(keyOf(point)));
if (!values.tables) await measureAll();
await writePage();

async function writePage(): Promise<void> {
  const swept = new Set(points.map(({ trace, leadTimeSec }) => `${trace} ${leadTimeSec}`));
  const all = [...points, ...quality.filter(({ trace, leadTimeSec }) => swept.has(`${trace} ${leadTimeSec}`))];
  const tables = tablesOf(all);
  process.stdout.write(`${tables}\n`);
  await writeBetweenMarks(values.document, tables);
  for (const trace of new Set(all.map((point) => point.trace))) {
    const picture = pictureOf(
      trace,
      all.filter((point) => point.trace === trace),
    );
    await writeFile(join(dirname(values.document), `frontier-${trace}.svg`), picture);
  }
}

async function measureAll(): Promise<void> {
  // oxlint-disable-next-line node/no-process-env -- a benchmark is its own host
  const folder = process.env['PENSTOCK_TRACES'] ?? join('..', 'shared', 'traces');
  const scratch = await mkdtemp(join(tmpdir(), 'penstock-frontier-'));
  // Into a folder of its own, because another build takes parts away that a thread loads later.
  const outDir = join('dist', 'bench', 'frontier');
  const workerFile = new URL('./replay-worker.mjs', pathToFileURL(await buildCli({ outDir })));
  const wanted = values.traces.split(',');
  try {
    const cases = await casesIn(folder, { wanted, scratch });
    const inOrder = cases.toSorted((one, other) => wanted.indexOf(one.name) - wanted.indexOf(other.name));
    for (const one of inOrder) {
      for (const leadTimeSec of values['lead-times'].split(',').map(Number)) {
        await measure(one, { leadTimeSec, workerFile });
      }
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Cells of a trace and lead time that are not there yet. */
function missingOf({ name, sloWaitSec = 10 }: Case, leadTimeSec: number): Asked[] {
  const known = new Set([...qualityKeys, ...(values.again ? [] : points.map(keyOf))]);
  const policies = values.policies === 'all' ? ['optimum', 'penstock', ...PEERS] : values.policies.split(',');
  return askedOf({ policies, sloWaitSec, isThinned: values.thin, byCore: values.core }).filter(
    ({ policy, setting }) => !known.has(keyOf({ trace: name, leadTimeSec, policy, setting })),
  );
}

async function measure(
  one: Case,
  { leadTimeSec, workerFile }: { readonly leadTimeSec: number; readonly workerFile: URL },
): Promise<void> {
  const startedMs = systemClock.nowMs();
  const missing = missingOf(one, leadTimeSec);
  if (missing.length === 0) return;
  const spentSec = (): string => ((systemClock.nowMs() - startedMs) / 1000).toFixed(0);
  const keep = ({ policy, setting }: Asked, { gpuHours, sloMissCount, requestCount }: Measured, core?: true): void => {
    const cell = { trace: one.name, leadTimeSec, policy, setting };
    const point = { ...cell, gpuHours, sloMissCount, requestCount, measured: today(), ...(core && { core }) };
    points = withPoint(points, point);
    writePoints(values.results, points);
    process.stderr.write(`${spentSec()} s: ${keyOf(point)}\n`);
  };
  const ground = groundOf(await preparedCase(one, leadTimeSec));
  const isByCore = ({ policy, setting }: Asked): boolean => values.core && policy === 'penstock' && setting !== null;
  for (const asked of missing.filter(isByCore)) keep(asked, await coreFigures(ground, asked), true);
  const whole = missing.filter((asked) => !isByCore(asked));
  await runTasks({
    ground,
    tasks: whole.map(({ task }) => task),
    workerFile: existsSync(workerFile) ? workerFile : null,
    ...(values.threads === undefined ? {} : { threads: Number(values.threads) }),
    onStart: () => {},
    onOutcome: (index, { totals }) => {
      const asked = whole[index];
      if (asked !== undefined) keep(asked, totals);
    },
  });
  process.stderr.write(`${one.name} at ${leadTimeSec} s: ${missing.length} cells in ${spentSec()} s\n`);
}

function coreFigures(ground: Ground, { task }: Asked): Promise<Measured> {
  const { tickMs, count } = ground.ticks;
  const policy = replayPolicy(ground, task.kind === 'penstock' ? task.spec : null);
  return runPolicy({
    plant: plantOf(ground),
    scaler: coreScaler(policy, { startMs: START_MS, tickMs }),
    tickMs,
    endMs: START_MS + count * tickMs,
    replicas: ground.replicas,
  });
}

function today(): string {
  return new Date(systemClock.nowMs()).toISOString().slice(0, 10);
}
