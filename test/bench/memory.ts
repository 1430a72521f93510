/**
 * Memory and processor time of the process host with many workloads: each gets an event every few seconds for ten minutes, the load rises and falls.
 * Read from the controller's own `/metrics` (resident set, processor seconds, heap). Run: npm run bench -- memory [--workloads N] [--minutes N] [--json].
 */
import { parseArgs } from 'node:util';
import { systemClock } from '../../lib/base/clock.ts';
import { DEFAULT_TOPICS } from '../../lib/loop/deps.ts';
import { benchPolicy, machine, startRig } from './rig.ts';

const { values } = parseArgs({
  options: {
    workloads: { type: 'string', default: '1000' },
    minutes: { type: 'string', default: '10' },
    json: { type: 'boolean', default: false },
  },
});
const count = Number(values.workloads);
const minutes = Number(values.minutes);
/** Every workload reports once in this time [ms]. */
const PERIOD_MS = 5_000;
const SLICES = 50;
const READ_EVERY_MS = 30_000;

const names = Array.from({ length: count }, (_, index) => `model-${index}`);
const rig = await startRig(
  {
    world: {
      deployments: names.map((name) => ({ name, replicas: 1, gpusPerPod: 0, modelLoadSec: 2, imagePullSec: 0.1 })),
    },
    policies: names.map((name) => benchPolicy(name, 6)).join('---\n'),
    partitions: 4,
  },
  // oxlint-disable-next-line node/no-process-env -- a benchmark is its own host
  process.env,
);

type Reading = { readonly minute: number; readonly rssMb: number; readonly heapMb: number; readonly cpuSec: number };

try {
  const producer = rig.stream.producer();
  const readings: Reading[] = [];
  const startMs = systemClock.monotonicMs();
  let nextReadMs = 0;
  let slice = 0;
  let events = 0;
  for (;;) {
    const elapsedMs = systemClock.monotonicMs() - startMs;
    if (elapsedMs >= nextReadMs) {
      nextReadMs += READ_EVERY_MS;
      const reading = await read(elapsedMs / 60_000);
      if (reading !== undefined) {
        readings.push(reading);
        process.stderr.write(`${JSON.stringify(reading)}\n`);
      }
    }
    if (elapsedMs >= minutes * 60_000) break;
    const due = names.filter((_, index) => index % SLICES === slice % SLICES);
    await producer.send(
      due.map((name, index) => ({
        topic: DEFAULT_TOPICS.inferenceLoad,
        key: name,
        value: eventOf(name, index, elapsedMs),
      })),
    );
    events += due.length;
    slice += 1;
    await systemClock.sleep(Math.max(0, slice * (PERIOD_MS / SLICES) - (systemClock.monotonicMs() - startMs)));
  }
  await producer.close();
  const [first, last] = [readings[1] ?? readings[0], readings.at(-1)];
  if (first === undefined || last === undefined) throw new Error('the controller never answered');
  const figures = {
    workloads: count,
    minutes,
    events,
    rssMb: last.rssMb,
    rssMaxMb: Math.max(...readings.map((reading) => reading.rssMb)),
    heapMb: last.heapMb,
    cpuShareOfOneCore: Math.round(((last.cpuSec - first.cpuSec) / ((last.minute - first.minute) * 60)) * 1000) / 1000,
    machine: machine(),
  };
  process.stdout.write(
    values.json
      ? `${JSON.stringify(figures)}\n`
      : `${count} workloads, ${minutes} min, ${events} events: resident ${figures.rssMb} MB at the end (largest ${figures.rssMaxMb} MB), heap ${figures.heapMb} MB, ` +
          `${(figures.cpuShareOfOneCore * 100).toFixed(1)} % of one core\n${figures.machine}\n`,
  );
} finally {
  await rig.close();
}

async function read(minute: number): Promise<Reading | undefined> {
  const metrics = (await rig.view())?.metrics;
  const mb = (name: string): number => Math.round((metrics?.get(name) ?? Number.NaN) / 1e5) / 10;
  if (metrics === undefined) return undefined;
  return {
    minute: Math.round(minute * 10) / 10,
    rssMb: mb('process_resident_memory_bytes'),
    heapMb: mb('nodejs_heap_size_used_bytes'),
    cpuSec: metrics.get('process_cpu_seconds_total') ?? Number.NaN,
  };
}

function eventOf(name: string, index: number, elapsedMs: number): string {
  const nowMs = systemClock.nowMs();
  // One wave in four minutes, shifted per workload: counts go up and come down again.
  const wave = 0.5 + 0.5 * Math.sin((elapsedMs / 240_000 + index / 50) * 2 * Math.PI);
  return JSON.stringify({
    schema: 'penstock.inference-load/1',
    workload: name,
    source: 'gateway/bench',
    intervalStartMs: nowMs - PERIOD_MS,
    intervalEndMs: nowMs,
    inFlight: 2 + 22 * wave,
    queued: 0,
    requests: { arrived: Math.round(10 * wave), completed: Math.round(10 * wave) },
  });
}
