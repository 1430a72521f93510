/** `penstock demo` as a process, as people run it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buildCli } from '../../infra/local/build.mjs';

export type Demo = {
  readonly child: ChildProcess;
  output(): string;
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
};

export type DemoBuild = { readonly script: string; readonly remove: () => Promise<void> };

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
