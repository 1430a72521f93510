/** Python packages in a private folder, without touching the machine's own Python. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runOrThrow } from './fetch.ts';
import type { Machine } from './machine.ts';

export type PythonOptions = {
  readonly python: NonNullable<Machine['python']>;
  /** Where the packages go; importable with `PYTHONPATH`. */
  readonly target: string;
  /** Leaves out what the packages depend on, where only a binary in them is wanted. */
  readonly alone?: boolean;
  readonly signal?: AbortSignal | undefined;
};

/** Installs exact versions (`name==1.2.3`) into `target`. A folder made by `pip --target` can be renamed, a venv can't:
 *  where pip is missing, a venv is only made to borrow its pip. */
export async function installPython(packages: readonly string[], options: PythonOptions): Promise<void> {
  const { python, target, signal } = options;
  const venv = join(target, '.venv');
  if (python === 'venv') await runOrThrow(['python3', '-m', 'venv', venv], { signal });
  const interpreter = python === 'venv' ? join(venv, 'bin', 'python') : 'python3';
  const quiet = [
    '-q',
    '--disable-pip-version-check',
    '--no-input',
    '--no-compile',
    ...(options.alone === true ? ['--no-deps'] : []),
  ];
  await runOrThrow([interpreter, '-m', 'pip', 'install', ...quiet, '--target', target, ...packages], { signal });
  await rm(venv, { recursive: true, force: true });
}
