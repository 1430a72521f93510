/**
 * Speed of a replay: a week of a rate trace (121 thousand ticks of 5 s), Penstock, all peers and the optimum, fluid engine. First on worker threads as the CLI does it, then on
 * one thread with the CPU time of each policy, and what keeping state as objects instead of text saves. Wall-clock times depend on what else the machine does; CPU times and
 * ratios within one run much less. The trace is read from the folder named by PENSTOCK_TRACES, or `../shared/traces` beside the checkout; without it a generated week is
 * replayed, and the output says so. Run: npm run bench -- replay-speed [--days 7] [--skip-single].
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { buildCli } from '../../infra/local/build.mjs';
import { seededRandom } from '../../lib/base/random.ts';
import { baselines } from '../../lib/simulator/baselines/index.ts';
import { START_MS, groundOf, plantOf } from '../../lib/simulator/replay/ground.ts';
import { penstockScaler } from '../../lib/simulator/replay/penstock.ts';
import { replayPolicy } from '../../lib/simulator/replay/plain-policy.ts';
import { prepare } from '../../lib/simulator/replay/prepare.ts';
import { runPolicy } from '../../lib/simulator/replay/run-policy.ts';
import { runReplay } from '../../lib/simulator/replay/run.ts';
import type { RunOptions } from '../../lib/simulator/replay/run-options.ts';
import { renderJson } from '../../lib/simulator/report/json.ts';
import { memoryStateStores } from '../../lib/state/memory.ts';
import type { StateStores } from '../../lib/state/contract.ts';
import { machine } from './rig.ts';

const { values } = parseArgs({
  options: { days: { type: 'string', default: '7' }, 'skip-single': { type: 'boolean', default: false } },
});
const days = Number(values.days);

// oxlint-disable-next-line node/no-process-env -- a benchmark is its own host
const folder = process.env['PENSTOCK_TRACES'] ?? join('..', 'shared', 'traces');
const scratch = await mkdtemp(join(tmpdir(), 'penstock-replay-speed-'));

/** A week with days, minute noise and a burst an hour. */
async function generatedWeek(file: string): Promise<string> {
  const random = seededRandom(42);
  const lines = ['t,rps'];
  for (let minute = 0; minute < 7 * 1_440; minute++) {
    const day = 60 - 45 * Math.cos((minute / 1_440) * 2 * Math.PI);
    const burst = minute % 60 < 3 ? 1.8 : 1;
    lines.push(`${minute * 60},${(day * burst * (0.9 + 0.2 * random())).toFixed(3)}`);
  }
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}

async function traceOptions(): Promise<Pick<RunOptions, 'file' | 'lengthsFile' | 'scale'>> {
  const [file, lengthsFile] = [join(folder, 'azure2024_code_week.csv.gz'), join(folder, 'azure2023_code.csv.gz')];
  if (existsSync(file) && existsSync(lengthsFile)) return { file, lengthsFile, scale: 3 };
  say(`No trace in "${folder}": a generated week is replayed instead.`);
  return { file: await generatedWeek(join(scratch, 'week.csv')), lengthsFile: null, scale: 1 };
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

type Spent = { readonly wallSec: number; readonly cpuSec: number };

/** Wall-clock and CPU time of all threads since it was made. */
function stopwatch(): () => Spent {
  const [fromMs, cpu] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return { wallSec: (performance.now() - fromMs) / 1_000, cpuSec: (user + system) / 1e6 };
  };
}

const shown = ({ wallSec, cpuSec }: Spent): string => `${wallSec.toFixed(1)} s, CPU ${cpuSec.toFixed(1)} s`;
const peakMb = (): string => `${Math.round(process.resourceUsage().maxRSS / 1024)} MB`;

/** Penstock alone on the first day, with these stores. */
async function penstockDay(options: RunOptions, state?: StateStores): Promise<Spent> {
  const ground = groundOf(await prepare({ ...options, warmupSec: 0, trace: { ...options.trace, to: 86_400 } }));
  const watch = stopwatch();
  await runPolicy({
    plant: plantOf(ground),
    scaler: penstockScaler({
      policy: replayPolicy(ground, null),
      startMs: START_MS,
      evaluateEveryMs: ground.ticks.tickMs,
      replicas: ground.initialReplicas,
      ...(state === undefined ? {} : { state }),
    }),
    tickMs: ground.ticks.tickMs,
    endMs: START_MS + ground.ticks.count * ground.ticks.tickMs,
    replicas: ground.replicas,
  });
  return watch();
}

/** One thread: the time between two lines of progress is that of the policy of the first one. */
async function single(options: RunOptions): Promise<{ readonly spent: Spent; readonly json: string }> {
  let [line, watch] = ['', stopwatch()];
  const next = (name: string): void => {
    if (line !== '') say(`  ${line.replace(/…$/, '').padEnd(50)} ${shown(watch())}`);
    [line, watch] = [name, stopwatch()];
  };
  const whole = stopwatch();
  const { report } = await runReplay({ ...options, progress: next, workerFile: null });
  next('');
  return { spent: whole(), json: renderJson(report) };
}

try {
  const options: RunOptions = {
    ...(await traceOptions()),
    trace: days < 7 ? { to: days * 86_400 } : {},
    engine: 'fluid',
    replicaClass: 'B',
    leadTimeSec: 180,
    leadTimeSigma: 0,
    failedStartRatio: 0,
    sloWaitSec: 10,
    warmupSec: days > 1 ? 86_400 : 0,
    seed: 1,
    tickSec: 5,
    replicas: null,
    against: Object.keys(baselines),
    tunePeers: false,
    policySpec: null,
    version: 'bench',
    progress: () => {},
  };
  const worker = pathToFileURL(join(dirname(await buildCli({ outDir: join(scratch, 'dist') })), 'replay-worker.mjs'));
  say(
    `${machine()}; load average ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}`,
  );
  say(`${options.file}, ${days} days, ${options.against.length + 2} policies`);

  const watch = stopwatch();
  const threaded = await runReplay({ ...options, workerFile: worker });
  const together = watch();
  say(`On ${availableParallelism()} threads: ${shown(together)}; peak memory ${peakMb()}`);
  const { gpuHours, sloMissCount, ratioToOptimum } = threaded.report.policies['penstock'] ?? {};
  say(
    `  (Penstock: ${gpuHours?.toFixed(0)} GPU-hours, ${ratioToOptimum?.toFixed(3)} × optimum, ${sloMissCount?.toFixed(0)} misses)`,
  );

  if (!values['skip-single']) {
    say('On one thread:');
    const { spent, json } = await single(options);
    say(`  ${'all'.padEnd(50)} ${shown(spent)}; ${(spent.wallSec / together.wallSec).toFixed(2)} × as long`);
    say(`  the same bytes: ${json === renderJson(threaded.report) ? 'yes' : 'NO'}`);
    if (json !== renderJson(threaded.report)) process.exitCode = 1;
  }

  const [objects, text] = [await penstockDay(options), await penstockDay(options, memoryStateStores())];
  say(
    `Penstock, one day, state as objects: ${shown(objects)}; as text: ${shown(text)} (${(text.cpuSec / objects.cpuSec).toFixed(2)} ×)`,
  );
} finally {
  await rm(scratch, { recursive: true, force: true });
}
