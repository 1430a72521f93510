/**
 * The picture of the README: two made days of office traffic replayed under Penstock and under an HPA, the second day drawn against what was needed.
 * Run: npm run bench -- picture. Writes docs/examples/office-days.csv (the trace, for whoever has none at hand) and docs/images/office-day.svg, and prints the figures that the README quotes.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { seededRandom } from '../../lib/base/random.ts';
import type { Random } from '../../lib/base/random.ts';
import { runReplay } from '../../lib/simulator/replay/run.ts';
import type { ReplayReport } from '../../lib/simulator/report/types.ts';
import { officeDay } from '../../lib/simulator/traffic/day-shape.ts';
import { renderTable } from '../../lib/simulator/report/table.ts';
import { drawDay } from './picture-svg.ts';
import pico from 'picocolors';

const TRACE = join('docs', 'examples', 'office-days.csv');
const PICTURE = join('docs', 'images', 'office-day.svg');
/** Five times the traffic of the demo's chat model. */
const PEAK_PER_SEC = 210;
/** Each day is a little unlike the one before. */
const DAY_FACTORS = [1, 0.94];
const DAY_SEC = 86_400;

await mkdir(join('docs', 'examples'), { recursive: true });
await mkdir(join('docs', 'images'), { recursive: true });
await writeFile(TRACE, traceText());
const { report, series } = await runReplay(optionsOf());
process.stdout.write(`${renderTable(report, { colors: pico.createColors(false) }).join('\n')}\n`);
await writeFile(PICTURE, drawDay({ series, notes: notesOf(report) }));

/** Requests per second by the minute, as a gateway would have counted them. */
function traceText(): string {
  const random = seededRandom(7);
  const shape = officeDay(PEAK_PER_SEC);
  const lines = DAY_FACTORS.flatMap((factor, day) =>
    Array.from({ length: 1_440 }, (_, minute) => {
      const perMinute = shape(minute / 60) * factor * 60;
      const counted = Math.max(0, Math.round(perMinute + Math.sqrt(perMinute) * normal(random)));
      return `${day * DAY_SEC + minute * 60},${(counted / 60).toFixed(2)}`;
    }),
  );
  return ['t,rps', ...lines, ''].join('\n');
}

/** Standard normal. Source: Box and Muller. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** As `penstock simulate --trace docs/examples/office-days.csv --lead-time 180 --warmup 86400 --against hpa`. */
function optionsOf(): Parameters<typeof runReplay>[0] {
  return {
    file: TRACE,
    trace: { format: 'auto', skipBadLines: false },
    engine: 'fluid',
    replicaClass: 'auto',
    leadTimeSec: 180,
    leadTimeSigma: 0,
    capacityWait: null,
    failedStartRatio: 0,
    peerNodes: 'none',
    sloWaitSec: 10,
    scale: 1,
    overlay: 1,
    warmupSec: DAY_SEC,
    seed: 1,
    tickSec: 5,
    replicas: null,
    maxReplicas: null,
    lengthsFile: null,
    against: ['hpa'],
    tunePeers: false,
    policySpec: null,
    version: 'bench',
    progress: () => {},
  };
}

function notesOf({ policies }: ReplayReport): Parameters<typeof drawDay>[0]['notes'] {
  const hours = (name: string): number => policies[name]?.gpuHours ?? Number.NaN;
  return { needed: hours('optimum'), penstock: hours('penstock'), hpa: hours('hpa') };
}
