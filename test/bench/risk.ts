/**
 * What the risk, and a price in its place, do: GPU-hours over the exact optimum and requests in time, and GPU-hours and misses in dollars over the best risk in hindsight.
 * The core on the fluid plant, without the stages around it (`core-scaler.ts`). Traces as in `quality.ts`.
 * Run: npm run bench -- risk [--traces T1,T3,T4] [--priced T1] [--lead-times 60,180,420].
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { PlantTotals } from '../../lib/simulator/plant/contract.ts';
import { START_MS, groundOf, plantOf } from '../../lib/simulator/replay/ground.ts';
import type { Ground } from '../../lib/simulator/replay/ground.ts';
import { replayPolicy } from '../../lib/simulator/replay/plain-policy.ts';
import { runPolicy } from '../../lib/simulator/replay/run-policy.ts';
import { runTask } from '../../lib/simulator/replay/tasks.ts';
import { coreScaler } from './core-scaler.ts';
import { casesIn, preparedCase } from './quality-cases.ts';
import type { Case } from './quality-cases.ts';

const { values } = parseArgs({
  options: {
    traces: { type: 'string', default: 'T1,T2r,T3,T4' },
    priced: { type: 'string', default: 'T1,T2r' },
    'lead-times': { type: 'string', default: '60,180,420' },
  },
});

const RISKS = ['low', 'balanced', 'cheap'] as const;
const USD_PER_REPLICA_HOUR = 3.6;
const MISS_USD = [0.001, 0.003, 0.01, 0.03, 0.1] as const;

type Cell = {
  readonly trace: string;
  readonly leadTimeSec: number;
  readonly ground: Ground;
  readonly optimumHours: number;
};
type Figures = Pick<PlantTotals, 'gpuHours' | 'sloMissCount' | 'requestCount'>;

const cells = await prepareAll();
const byRisk = new Map<string, Figures>();
await risks();
await prices();

async function prepareAll(): Promise<readonly Cell[]> {
  // oxlint-disable-next-line node/no-process-env -- a benchmark is its own host
  const folder = process.env['PENSTOCK_TRACES'] ?? join('..', 'shared', 'traces');
  const scratch = await mkdtemp(join(tmpdir(), 'penstock-risk-'));
  try {
    const found: Cell[] = [];
    for (const one of await casesIn(folder, { wanted: values.traces.split(','), scratch }))
      for (const leadTimeSec of values['lead-times'].split(',').map(Number)) found.push(await cellOf(one, leadTimeSec));
    return found;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function cellOf(one: Case, leadTimeSec: number): Promise<Cell> {
  // Ticks of five seconds and the fluid for all: a setting costs seconds.
  const prepared = await preparedCase({ ...one, engine: 'fluid', tickSec: 5, sloWaitSec: 10 }, leadTimeSec);
  const ground = groundOf(prepared);
  const { totals } = await runTask(ground, { kind: 'optimum' });
  return { trace: one.name, leadTimeSec, ground, optimumHours: totals.gpuHours };
}

async function figuresOf({ ground }: Cell, spec: Readonly<Record<string, unknown>>): Promise<Figures> {
  const plain = replayPolicy(ground, null).spec;
  const { tickMs, count } = ground.ticks;
  return runPolicy({
    plant: plantOf(ground),
    scaler: coreScaler(replayPolicy(ground, { ...plain, ...spec }), { startMs: START_MS, tickMs }),
    tickMs,
    endMs: START_MS + count * tickMs,
    replicas: ground.replicas,
  });
}

async function risks(): Promise<void> {
  const rows: string[] = [];
  for (const risk of RISKS) {
    const texts: string[] = [];
    for (const cell of cells) {
      const figures = await figuresOf(cell, { risk });
      byRisk.set(keyOf(cell, risk), figures);
      texts.push(shown(figures, cell));
    }
    rows.push(`| ${risk} | ${texts.join(' | ')} |`);
  }
  const interactive: string[] = [];
  for (const cell of cells) {
    const options = { ...cell.ground.options, sloWaitSec: 2 };
    const strict = { ...cell, ground: { ...cell.ground, options } };
    interactive.push(shown(await figuresOf(strict, {}), cell));
  }
  rows.push(`| balanced, wait limit 2 s | ${interactive.join(' | ')} |`);
  table('', cells, rows);
}

async function prices(): Promise<void> {
  const priced = cells.filter(({ trace }) => values.priced.split(',').includes(trace));
  const rows: string[] = [];
  for (const usdPerMiss of MISS_USD) {
    const texts: string[] = [];
    for (const cell of priced) {
      const price = { usdPerMiss, usdPerReplicaHour: USD_PER_REPLICA_HOUR };
      const usd = usdOf(await figuresOf(cell, { price }), { cell, usdPerMiss });
      const others = RISKS.map((risk) => usdOf(byRisk.get(keyOf(cell, risk)), { cell, usdPerMiss }));
      texts.push(`${(usd / Math.min(...others)).toFixed(2)}, ${(usd / (others[1] ?? Number.NaN)).toFixed(2)}`);
    }
    rows.push(`| ${usdPerMiss} | ${texts.join(' | ')} |`);
  }
  table('a miss costs [USD]', priced, rows);
}

function table(head: string, of: readonly Cell[], rows: readonly string[]): void {
  const heads = of.map(({ trace, leadTimeSec }) => `${trace} ${leadTimeSec} s`);
  const lines = [`| ${head} | ${heads.join(' | ')} |`, `|---|${heads.map(() => '---|').join('')}`, ...rows];
  process.stdout.write(`${lines.join('\n')}\n\n`);
}

function keyOf({ trace, leadTimeSec }: Cell, risk: string): string {
  return `${trace} ${leadTimeSec} ${risk}`;
}

/** GPU-hours over the optimum, and requests in time [%], cut to hundredths. */
function shown({ gpuHours, sloMissCount, requestCount }: Figures, { optimumHours }: Cell): string {
  const inTime = Math.floor((1 - sloMissCount / requestCount) * 1e4) / 1e2;
  return `${(gpuHours / optimumHours).toFixed(2)} / ${inTime.toFixed(2)}`;
}

function usdOf(
  figures: Figures | undefined,
  { cell, usdPerMiss }: { readonly cell: Cell; readonly usdPerMiss: number },
): number {
  if (figures === undefined) return Number.NaN;
  const replicaHours = figures.gpuHours / cell.ground.level.replicaClass.gpusPerReplica;
  return replicaHours * USD_PER_REPLICA_HOUR + figures.sloMissCount * usdPerMiss;
}
