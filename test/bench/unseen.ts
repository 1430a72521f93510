/**
 * Traffic nobody has seen: Penstock with its defaults, some peers as recommended and the optimum on made-up services of many kinds (`unseen-families.ts`), some seeds of each.
 * The core on the plant without the stages around it (`core-scaler.ts`; where reports are not whole, on the window: `gappy-scaler.ts`). Results are kept in a file, one line a run;
 * what is measured again takes the place of what was there.
 * Run: npm run bench -- unseen [--families week,api] [--seeds 1,2] [--lead-times 60,180,420] [--against none|NAMES] [--risk low] [--results FILE] [--document FILE] [--all] [--tables].
 * Two seeds and three lead times; `--all`: three seeds. Writes docs/benchmarks/unseen.jsonl and the tables of docs/benchmarks/unseen.md between its two marks.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../../lib/base/clock.ts';
import type { PlantTotals } from '../../lib/simulator/plant/contract.ts';
import { START_MS, plantOf } from '../../lib/simulator/replay/ground.ts';
import { replayPolicy } from '../../lib/simulator/replay/plain-policy.ts';
import { runPolicy } from '../../lib/simulator/replay/run-policy.ts';
import { runTask } from '../../lib/simulator/replay/tasks.ts';
import { coreScaler } from './core-scaler.ts';
import { gappyScaler } from './gappy-scaler.ts';
import { writeBetweenMarks } from './marks.ts';
import { readRows, withRow, writeRows } from './quality-results.ts';
import type { Run } from './quality-results.ts';
import { FAMILIES } from './unseen-families.ts';
import { serviceOf } from './unseen-ground.ts';
import type { Service } from './unseen-ground.ts';
import { unseenTables } from './unseen-tables.ts';

const { values } = parseArgs({
  options: {
    families: { type: 'string' },
    seeds: { type: 'string' },
    'lead-times': { type: 'string', default: '60,180,420' },
    against: { type: 'string', default: 'hpa,knative,dynamo,keda-prometheus' },
    risk: { type: 'string', default: 'balanced' },
    results: { type: 'string', default: join('docs', 'benchmarks', 'unseen.jsonl') },
    document: { type: 'string', default: join('docs', 'benchmarks', 'unseen.md') },
    all: { type: 'boolean', default: false },
    tables: { type: 'boolean', default: false },
  },
});

let rows = await readRows(values.results);
if (!values.tables) await measureAll();
const tables = unseenTables(rows);
process.stdout.write(`${tables}\n`);
await writeBetweenMarks(values.document, tables);

async function measureAll(): Promise<void> {
  const names = values.families?.split(',') ?? FAMILIES.map(({ name }) => name);
  const seeds = (values.seeds ?? (values.all ? '1,2,3' : '1,2')).split(',').map(Number);
  for (const family of FAMILIES.filter(({ name }) => names.includes(name))) {
    for (const seed of seeds) {
      for (const leadTimeSec of values['lead-times'].split(',').map(Number)) {
        const startedMs = systemClock.nowMs();
        const service = await serviceOf(family, { seed, leadTimeSec });
        const runs = await measured(service, seed);
        const [first] = runs;
        const took = ((systemClock.nowMs() - startedMs) / 1000).toFixed(1);
        process.stderr.write(
          `${family.name}/${seed} at ${leadTimeSec} s: ${first?.gpuHours.toFixed(1)} h, ${took} s\n`,
        );
        rows = withRow(rows, { trace: `${family.name}/${seed}`, leadTimeSec, measured: today(), runs });
      }
    }
    await writeRows(values.results, rows);
  }
}

async function measured(service: Service, seed: number): Promise<readonly Run[]> {
  const { ground } = service;
  const runs = [runOf('penstock', await penstock(service, seed))];
  if (values.against === 'none') return runs;
  runs.push(runOf('optimum', (await runTask(ground, { kind: 'optimum' })).totals));
  for (const name of values.against.split(','))
    runs.push(runOf(name, (await runTask(ground, { kind: 'baseline', name, tuning: {} })).totals));
  return runs;
}

function penstock({ course, ground }: Service, seed: number): Promise<PlantTotals> {
  const { tickMs, count } = ground.ticks;
  const plain = replayPolicy(ground, null).spec;
  const policy = replayPolicy(ground, { ...plain, risk: values.risk });
  const at = { startMs: START_MS, tickMs };
  return runPolicy({
    plant: plantOf(ground),
    scaler:
      course.gappy === true ? gappyScaler(policy, { ...at, seed, byGateway: seed % 2 === 0 }) : coreScaler(policy, at),
    tickMs,
    endMs: START_MS + count * tickMs,
    replicas: ground.replicas,
  });
}

function runOf(policy: string, { gpuHours, sloMissCount, requestCount, directionChanges, waitSec }: PlantTotals): Run {
  return { policy, tuning: null, gpuHours, sloMissCount, requestCount, directionChanges, waitSecMax: waitSec.max };
}

function today(): string {
  return new Date(systemClock.nowMs()).toISOString().slice(0, 10);
}
