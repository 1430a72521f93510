/** `penstock demo` as a process, as people run it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buildCli } from '../../infra/local/build.mjs';
import type { DemoReport } from '../../lib/cli/demo/report/report.ts';

export type Demo = {
  readonly child: ChildProcess;
  output(): string;
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
};

export type DemoBuild = { readonly script: string; readonly remove: () => Promise<void> };

/** What the demo says when its burst was over before anybody had to be told. */
const TOO_SHORT = 'no alert reached the receiver';

/**
 * Plays one day after the other, each three times as long as the one before, until one was long enough for this machine: on a busy one the burst of a short day
 * is over before its replicas and nodes are there. `play` resolves when the demo has ended, which has written its report to `file`. Gives the last report.
 */
export async function playLongEnough(
  file: string,
  days: { readonly shortestSec: number; readonly play: (durationSec: number) => Promise<void> },
): Promise<DemoReport> {
  for (let day = 0; ; day++) {
    await days.play(days.shortestSec * 3 ** day);
    const report = JSON.parse(await readFile(file, 'utf8')) as DemoReport;
    const isTooShort = report.problems.length === 1 && report.problems[0] === TOO_SHORT;
    if (!isTooShort || day === LONGER_MAX) return report;
  }
}

/** Nine times the shortest: more is no busy machine. */
const LONGER_MAX = 2;

/** A build of the CLI of its own. */
export async function buildDemo(): Promise<DemoBuild> {
  // The demo finds its policies above its bundle; npm starts everything in the project's folder.
  const dist = join(process.cwd(), 'dist');
  await mkdir(dist, { recursive: true });
  const outDir = await mkdtemp(join(dist, 'test-'));
  return { script: await buildCli({ outDir }), remove: () => rm(outDir, { recursive: true, force: true }) };
}

/** Starts it with lines of text instead of the live view. What it leaves behind in the temporary folder shows in `folder`. */
export function startDemo(of: {
  readonly script: string;
  readonly folder: string;
  readonly args: readonly string[];
}): Demo {
  const { args, folder, script } = of;
  const child = spawn(process.execPath, [script, 'demo', '--plain', ...args], {
    cwd: folder,
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += String(chunk)));
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return { child, output: () => output, ended };
}
