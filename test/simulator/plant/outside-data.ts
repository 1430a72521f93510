/** Published traces and measurements lie outside of the repository: where they are on this machine, if they are. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder named by the variable, else `../shared/<folder>` beside the repository; undefined when that is not there. Throws when the variable names none. */
export function outsideFolder(variable: 'PENSTOCK_TRACES' | 'PENSTOCK_REFERENCE', folder: string): string | undefined {
  const named = process.env[variable];
  if (named !== undefined) {
    if (existsSync(named)) return named;
    throw new Error(`Cannot read the data: expected ${variable} to name a folder, current value is ${named}`);
  }
  const beside = join(dirname(fileURLToPath(import.meta.url)), '../../../../shared', folder);
  return existsSync(beside) ? beside : undefined;
}
