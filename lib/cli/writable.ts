/** Files that a command writes at its end. */
import { open } from 'node:fs/promises';
import { ConfigError, messageOf } from '../base/errors.ts';

/** Finds out before the work whether `file` can be written after it. Throws ConfigError when not; makes the file when there is none. */
export async function checkWritable(what: string, file: string): Promise<void> {
  try {
    await (await open(file, 'a')).close();
  } catch (cause) {
    throw new ConfigError(
      `Cannot write the ${what} "${file}": expected a file in a folder that exists, ${messageOf(cause)}`,
      { cause },
    );
  }
}
