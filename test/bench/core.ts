/**
 * Speed and size of the decision core, without Kafka, Redis and a cluster: processor time of `decideWorkload` for 10,000 workloads whose memory is full, of
 * `planPool` for 1,000 workloads and 2,000 nodes, and the bytes one workload takes in Redis. Run: npm run bench -- core [--json] [--workloads 10000] [--rounds 15].
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { decideAll, fullMemories, readAll } from './core-workloads.ts';
import { POOL_CASES, poolOf } from './core-pool.ts';
import { hotBytes } from './core-bytes.ts';
import { planPool } from '../../lib/core/plan-pool.ts';
import { machine } from './rig.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    workloads: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '15' },
  },
});
const [workloads, rounds] = [Number(values.workloads), Number(values.rounds)];

export type Timed = { readonly minMs: number; readonly medianMs: number; readonly maxMs: number };

/** Processor time of this process [ms], over several rounds; the first three warm the compiler up and are not counted. */
function timed(run: () => unknown): Timed {
  const spent: number[] = [];
  for (let round = 0; round < rounds + 3; round++) {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    if (round >= 3) spent.push((user + system) / 1_000);
  }
  const sorted = spent.toSorted((a, b) => a - b);
  const at = (index: number): number => Math.round((sorted[index] ?? Number.NaN) * 10) / 10;
  return { minMs: at(0), medianMs: at(Math.floor(sorted.length / 2)), maxMs: at(sorted.length - 1) };
}

const inputs = fullMemories(workloads);
const figures = {
  machine: machine(),
  loadAverage: loadavg().map((load) => Math.round(load * 10) / 10),
  workloads,
  decide: timed(() => decideAll(inputs)),
  read: timed(() => readAll(inputs)),
  pool: Object.fromEntries(
    POOL_CASES.map((name) => {
      const pool = poolOf({ name, workloads: 1_000, nodes: 2_000 });
      return [name, timed(() => planPool(pool))];
    }),
  ),
  bytes: [5, 40, 512].map((sources) => hotBytes(inputs, sources)),
};

if (values.json) process.stdout.write(`${JSON.stringify(figures)}\n`);
else {
  const line = (name: string, { minMs, medianMs, maxMs }: Timed): string =>
    `  ${name.padEnd(52)} ${medianMs.toFixed(1).padStart(8)} (${minMs.toFixed(1)} to ${maxMs.toFixed(1)})`;
  const lines = [
    `${figures.machine}; load average ${figures.loadAverage.join(' ')}`,
    `Processor time [ms], median of ${rounds} rounds (least to most):`,
    line(`decideWorkload, ${workloads} workloads with full memory`, figures.decide),
    line(`readingsOf, ${workloads} full windows of 5 sources`, figures.read),
    ...Object.entries(figures.pool).map(([name, spent]) =>
      line(`planPool, 1,000 workloads, 2,000 nodes, ${name}`, spent),
    ),
    'Bytes of one workload in Redis, field names included:',
    ...figures.bytes.map(
      ({ sources, window, control }) =>
        `  ${sources} sources: window ${window}, memory of the core ${control}, together ${window + control}`,
    ),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
