/**
 * Bundle size and cold init of every function: how long a fresh process takes to load the bundle, as Lambda's init phase does (Lambda adds its own runtime
 * and, below 1769 MB, has less than one processor; init gets a whole one). Run: npm run bench -- lambda [--json].
 */
import { execFile } from 'node:child_process';
import { arch, cpus } from 'node:os';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { readFile } from 'node:fs/promises';
import { build } from '../../infra/local/build.mjs';

export type LambdaFigure = {
  readonly name: string;
  readonly bytes: number;
  readonly gzipBytes: number;
  /** Time of `require` in a fresh process [ms]. */
  readonly initMsP50: number;
  readonly initMsMin: number;
  readonly initMsMax: number;
};

/** Fresh processes per function: the median of eleven does not follow one busy moment of the machine. */
const RUNS = 11;

/** Goals of the project: [ms], [bytes]. */
export const INIT_MS_GOAL = 300;
export const INGEST_BYTES_GOAL = 1_500_000;

// The bundle connects to nothing before it is called, and the process ends as soon as the time was taken.
const CHILD = `
const startedMs = performance.now();
require(process.argv[1]);
const ms = performance.now() - startedMs;
process.stdout.write(String(ms), () => process.exit(0));
`;

const run = promisify(execFile);

async function initMs(file: string): Promise<number> {
  const env = { PATH: '/usr/bin:/bin', PENSTOCK_LOG_LEVEL: 'silent', PENSTOCK_KUBERNETES: 'none' };
  const { stdout } = await run(process.execPath, ['-e', CHILD, file], { env, timeout: 30_000 });
  const ms = Number(stdout.split('\n').at(-1));
  if (!(ms > 0)) throw new Error(`Cannot measure "${file}": expected a time, current value is ${stdout.slice(0, 200)}`);
  return ms;
}

async function measure({ name, file, bytes }: { name: string; file: string; bytes: number }): Promise<LambdaFigure> {
  const times: number[] = [];
  for (let round = 0; round < RUNS; round++) times.push(await initMs(file));
  times.sort((a, b) => a - b);
  const at = (index: number): number => Math.round((times[index] ?? Number.NaN) * 10) / 10;
  return {
    name,
    bytes,
    gzipBytes: gzipSync(await readFile(file)).length,
    initMsP50: at((RUNS - 1) / 2),
    initMsMin: at(0),
    initMsMax: at(RUNS - 1),
  };
}

/** Builds the functions and measures each, one after the other. */
export async function measureFunctions(): Promise<readonly LambdaFigure[]> {
  const figures: LambdaFigure[] = [];
  for (const output of await build({ only: ['functions'] })) figures.push(await measure(output));
  return figures;
}

const row = (cells: readonly (string | number)[]): string =>
  cells.map((cell, index) => (index === 0 ? String(cell).padEnd(10) : String(cell).padStart(12))).join('');

const kb = (bytes: number): string => (bytes / 1_000).toFixed(0);

/** The figures as a table for people. */
export function tableOf(figures: readonly LambdaFigure[]): string {
  return [
    row(['function', 'bundle kB', 'gzip kB', 'init p50 ms', 'min ms', 'max ms']),
    ...figures.map((f) => row([f.name, kb(f.bytes), kb(f.gzipBytes), f.initMsP50, f.initMsMin, f.initMsMax])),
  ].join('\n');
}

/** Entry of the bench: prints the table, and JSON with `--json`. Exit code 1 when a goal is missed. */
export async function main(args: readonly string[] = process.argv.slice(2)): Promise<void> {
  const figures = await measureFunctions();
  const missed = figures.filter(
    (f) => f.initMsP50 >= INIT_MS_GOAL || (f.name === 'ingest' && f.bytes >= INGEST_BYTES_GOAL),
  );
  const machine = `Node ${process.versions.node}, ${arch()}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`;
  if (args.includes('--json')) console.log(JSON.stringify({ bench: 'lambda', machine, runs: RUNS, figures }, null, 2));
  else console.log(`${machine}, median of ${RUNS} fresh processes\n${tableOf(figures)}`);
  for (const { name } of missed) console.error(`Goal missed: ${name} (init < ${INIT_MS_GOAL} ms; ingest < 1.5 MB)`);
  if (missed.length > 0) process.exitCode = 1;
}

// Also when this is part of a larger bench, only its own bundle runs it.
if (basename(process.argv[1] ?? '') === 'lambda.mjs') await main();
