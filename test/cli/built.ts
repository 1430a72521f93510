/** The built CLI as people start it. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

export type Ran = {
  /** Null when it was still running at the deadline. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
};

export type RunOptions = {
  readonly script: string;
  /** Nothing else of our own environment but PATH is passed on. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Longest time until it must have ended by itself [ms]; then it is killed and `code` is null. */
  readonly msMax?: number;
};

/** The example policies, wherever the tests were started. */
export const POLICIES = join(import.meta.dirname, '..', '..', 'infra', 'policies');

/** A port on which nobody listens: connections are refused at once. */
export const NOBODY = '127.0.0.1:1';

/** Runs `penstock ARGS` until it ends. */
export function penstock(
  args: readonly string[],
  { script, env = {}, cwd = '.', msMax = 120_000 }: RunOptions,
): Promise<Ran> {
  const child = spawn(process.execPath, [script, ...args], {
    env: { PATH: process.env.PATH ?? '', PENSTOCK_POLICIES: POLICIES, ...env },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err, isLate] = ['', '', false];
  child.stdout.on('data', (chunk) => (out += String(chunk)));
  child.stderr.on('data', (chunk) => (err += String(chunk)));
  const timer = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
  }, msMax);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code: isLate ? null : code, out, err });
    });
  });
}
