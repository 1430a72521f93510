/** The part of a page that a bench writes. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';

/** Everything between the two is written by a bench. */
const MARKS = ['<!-- bench: begin -->', '<!-- bench: end -->'] as const;

/** Writes `text` between the two marks of a page; a page that is not there, or has no marks, is left alone. */
export async function writeBetweenMarks(file: string, text: string): Promise<void> {
  if (!existsSync(file)) return;
  const document = await readFile(file, 'utf8');
  const [begin, end] = MARKS.map((mark) => document.indexOf(mark));
  if (begin === undefined || end === undefined || begin < 0 || end < begin) return;
  await writeFile(file, `${document.slice(0, begin + MARKS[0].length)}\n\n${text}\n${document.slice(end)}`);
}
