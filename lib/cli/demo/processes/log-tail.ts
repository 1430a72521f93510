/** The end of a log file, for a person who wants to know why. */
import { readFile } from 'node:fs/promises';

/** The last `lines` lines; empty when the file cannot be read. */
export async function tailOf(file: string, lines: number): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}
