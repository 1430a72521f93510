/** What the demo cannot show in two minutes: days of such traffic at the pace of life, under Penstock and under an HPA, replayed as `penstock simulate` does it. */
import { join } from 'node:path';
import { groundOf } from '../../../simulator/replay/ground.ts';
import { prepare } from '../../../simulator/replay/prepare.ts';
import type { ReplayOptions } from '../../../simulator/replay/prepare.ts';
import { runTasks } from '../../../simulator/replay/workers.ts';
import { workerFile } from '../../simulate/worker-file.ts';
import type { Colors } from '../view/view.ts';

/** Two made days of office traffic (npm run bench -- picture). */
export const TRACE = 'docs/examples/office-days.csv';
const DAY_SEC = 86_400;
/** Three times that of `penstock simulate`: the figures differ by 1 %, and nobody waits for long. */
const TICK_SEC = 15;

export type Beside = Readonly<Record<'penstock' | 'hpa', Figures>>;
export type Figures = { readonly gpuHours: number; readonly costUsd: number; readonly inTimeRatio: number };

/** Some seconds on two processors. `root`: the folder that has `docs`. Throws ConfigError when the trace is not there. */
export async function besideHpa(root: string): Promise<Beside> {
  const ground = groundOf(await prepare(optionsOf(join(root, TRACE))));
  const [penstock, hpa] = await runTasks({
    ground,
    tasks: [
      { kind: 'penstock', spec: null },
      { kind: 'baseline', name: 'hpa', tuning: {} },
    ],
    workerFile: workerFile(),
    onStart: () => {},
  });
  return { penstock: figuresOf(penstock), hpa: figuresOf(hpa) };
}

function optionsOf(file: string): ReplayOptions {
  return {
    file,
    trace: { format: 'auto', skipBadLines: false },
    engine: 'fluid',
    replicaClass: 'auto',
    leadTimeSec: 180,
    leadTimeSigma: 0,
    failedStartRatio: 0,
    sloWaitSec: 10,
    scale: 1,
    warmupSec: DAY_SEC,
    seed: 1,
    tickSec: TICK_SEC,
    replicas: null,
    lengthsFile: null,
  };
}

function figuresOf(outcome: Awaited<ReturnType<typeof runTasks>>[number] | undefined): Figures {
  const { gpuHours = 0, costUsd = 0, requestCount = 0, sloMissCount = 0 } = outcome?.totals ?? {};
  return { gpuHours, costUsd, inTimeRatio: requestCount === 0 ? 1 : 1 - sloMissCount / requestCount };
}

/** Lines for a terminal of 80 columns, whichever way it went. */
export function renderBeside({ penstock, hpa }: Beside, colors: Colors): string[] {
  return [
    '',
    ` ${colors.bold('Beside a plain HPA')}: an office day at the pace of life, replayed`,
    '',
    row('Penstock', penstock),
    row('HPA', hpa),
    ` ${difference(penstock.gpuHours, hpa.gpuHours)}`,
    '',
    ' On your own traffic, beside eight autoscalers and the optimum:',
    ` ${colors.cyan('npx penstock simulate --trace FILE --against all --html report.html')}`,
    colors.dim(` The trace above: ${TRACE}; yours: docs/replay-traces.md`),
    '',
  ];
}

/** Shares are rounded down: 100.00 is said only when nobody was late. */
function row(name: string, { gpuHours, costUsd, inTimeRatio }: Figures): string {
  const percent = (Math.floor(inTimeRatio * 10_000) / 100).toFixed(2);
  return ` ${name.padEnd(18)}${gpuHours.toFixed(0).padStart(4)} GPU-hours   ${costUsd.toFixed(0).padStart(5)} USD   ${percent} % in time`;
}

function difference(own: number, other: number): string {
  if (other <= 0) return '';
  const percent = Math.round((1 - own / other) * 100);
  if (percent === 0) return 'As many GPU-hours.';
  return percent > 0 ? `${percent} % fewer GPU-hours.` : `${-percent} % more GPU-hours.`;
}
