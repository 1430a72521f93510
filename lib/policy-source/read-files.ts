/** Policy files of files and folders, as texts. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../base/errors.ts';
import type { PolicyProblem } from '../core/policy.ts';
import type { PolicyText } from './yaml-documents.ts';

/** Largest policy file [bytes]: some thousands of policies. */
const FILE_BYTES_MAX = 1_048_576;
/** Most policy files: beyond that, the path points at something else. */
const FILES_MAX = 1_000;
/** Deepest folder below a given path: a loop of symbolic links ends there. */
const DEPTH_MAX = 8;

/** A file and what tells that it changed (also a swapped symbolic link of a mounted ConfigMap: inode and times are those of the new file). */
export type FoundFile = { readonly file: string; readonly mark: string; readonly bytes: number };

export type Found = { readonly files: readonly FoundFile[]; readonly problems: readonly PolicyProblem[] };

/** `*.yaml` and `*.yml` under the paths, sorted; names that start with a dot are skipped (ConfigMap mounts keep their versions there). */
export async function findPolicyFiles(paths: readonly string[]): Promise<Found> {
  const found = await Promise.all(paths.map((path) => walk(path, 0)));
  const files = [...new Map(found.flatMap((each) => each.files).map((file) => [file.file, file])).values()];
  const problems = found.flatMap((each) => each.problems);
  if (files.length > FILES_MAX) {
    problems.push(
      fileProblem(paths.join(', '), { current: `${files.length} files`, expected: `at most ${FILES_MAX}` }),
    );
  }
  if (files.length === 0 && problems.length === 0) {
    problems.push(
      fileProblem(paths.join(', '), { current: 'without policies', expected: 'at least one .yaml or .yml file' }),
    );
  }
  return { files: files.toSorted((a, b) => (a.file < b.file ? -1 : 1)).slice(0, FILES_MAX), problems };
}

async function walk(path: string, depth: number): Promise<Found> {
  try {
    const info = await stat(path, { bigint: true });
    if (!info.isDirectory()) {
      const mark = `${path}:${info.ino}:${info.mtimeNs}:${info.ctimeNs}:${info.size}`;
      return { files: [{ file: path, mark, bytes: Number(info.size) }], problems: [] };
    }
    if (depth >= DEPTH_MAX) return { files: [], problems: [] };
    const entries = await readdir(path, { withFileTypes: true });
    const wanted = entries.filter(
      (entry) => !entry.name.startsWith('.') && (/\.ya?ml$/i.test(entry.name) || !entry.isFile()),
    );
    const below = await Promise.all(wanted.map((entry) => walkEntry(join(path, entry.name), depth + 1)));
    return { files: below.flatMap((each) => each.files), problems: below.flatMap((each) => each.problems) };
  } catch (error) {
    return { files: [], problems: [unreadable(path, error)] };
  }
}

/** A link to a file that is no YAML is not ours. */
async function walkEntry(path: string, depth: number): Promise<Found> {
  const found = await walk(path, depth);
  return { ...found, files: found.files.filter(({ file }) => file !== path || /\.ya?ml$/i.test(file)) };
}

/** Reads what was found. */
export async function readPolicyFiles(found: Found): Promise<{
  readonly texts: readonly PolicyText[];
  readonly problems: readonly PolicyProblem[];
}> {
  const problems = [...found.problems];
  const texts = await Promise.all(
    found.files.map(async ({ file, bytes }) => {
      if (bytes > FILE_BYTES_MAX) {
        problems.push(
          fileProblem(file, { current: `${bytes} bytes long`, expected: `at most ${FILE_BYTES_MAX} bytes` }),
        );
        return [];
      }
      try {
        return [{ file, text: await readFile(file, 'utf8') }];
      } catch (error) {
        problems.push(unreadable(file, error));
        return [];
      }
    }),
  );
  return { texts: texts.flat(), problems };
}

function unreadable(file: string, error: unknown): PolicyProblem {
  return fileProblem(file, {
    current: `not readable (${messageOf(error).replace(/, .*$/, '')})`,
    expected: 'a file or a folder',
  });
}

function fileProblem(file: string, of: { readonly current: string; readonly expected: string }): PolicyProblem {
  return { file, line: null, path: 'the file', ...of };
}
