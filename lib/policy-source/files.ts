/** Policies in YAML files: a git checkout, or a mounted ConfigMap. */
import type { PolicySource } from './contract.ts';
import { keepLastGood } from './last-good.ts';
import { loadPolicyTexts } from './policy-set.ts';
import type { Loaded } from './policy-set.ts';
import { findPolicyFiles, readPolicyFiles } from './read-files.ts';
import type { Found } from './read-files.ts';

/** Reads all `*.yaml` and `*.yml` under `paths` (files or folders); read again when times, size or inode of any of them differ. */
export function createFilesPolicySource(options: { readonly paths: readonly string[] }): PolicySource {
  let mark: string | null = null;
  return keepLastGood(async () => {
    const found = await findPolicyFiles(options.paths);
    const seen = markOf(found);
    if (seen === mark) return null;
    const loaded = await loadFound(found);
    // A file that could not be read is tried again, although nothing changed.
    mark = found.problems.length > 0 ? null : seen;
    return loaded;
  });
}

/** Policies of all YAML files under `paths`, once. */
export async function loadPolicyFiles(
  paths: readonly string[],
): Promise<Loaded & { readonly files: readonly string[] }> {
  const found = await findPolicyFiles(paths);
  return { ...(await loadFound(found)), files: found.files.map(({ file }) => file) };
}

async function loadFound(found: Found): Promise<Loaded> {
  const { texts, problems } = await readPolicyFiles(found);
  const loaded = loadPolicyTexts(texts);
  if (problems.length === 0) return loaded;
  return { policies: null, problems: [...problems, ...loaded.problems] };
}

function markOf(found: Found): string {
  return [...found.files.map((file) => file.mark), ...found.problems.map((problem) => problem.current)].join('\n');
}
