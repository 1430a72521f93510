/** Mappings by name or from a user's YAML file, with every problem and its line. */
import { readFile } from 'node:fs/promises';
import { isMap, LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { ConfigError, messageOf } from '../base/errors.ts';
import { mappingSchema } from './mapping.ts';
import type { Mapping } from './mapping.ts';
import { presets } from './presets/index.ts';

/** A mapping has about twenty lines [characters]. */
const TEXT_LENGTH_MAX = 100_000;

/** The preset of this name, or the mapping in the file when it ends in `.yaml` or `.yml` (relative to the working folder). Throws ConfigError with all problems. */
export async function loadMapping(preset: string): Promise<Mapping> {
  if (/\.ya?ml$/.test(preset)) return parseMapping(await read(preset), preset);
  const found = Object.hasOwn(presets, preset) ? presets[preset] : undefined;
  if (found !== undefined) return found;
  const names = Object.keys(presets).map((name) => `"${name}"`);
  throw new ConfigError(
    `Cannot use the bridge preset "${preset}": expected ${names.join(', ')} or a path that ends in .yaml`,
  );
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new ConfigError(`Cannot read the mapping "${path}": ${messageOf(error)}`, { cause: error });
  }
}

/** Throws ConfigError, one problem a line. */
export function parseMapping(text: string, file: string): Mapping {
  if (text.length > TEXT_LENGTH_MAX) {
    throw problemsError(file, [`expected at most ${TEXT_LENGTH_MAX} characters, current value is ${text.length}`]);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  if (document.errors.length > 0) {
    throw problemsError(
      file,
      document.errors.map((error) => `${firstLine(error.message)} (line ${lines.linePos(error.pos[0]).line})`),
    );
  }
  const parsed = mappingSchema.safeParse(dataOf(document, file));
  if (parsed.success) return parsed.data;
  throw problemsError(
    file,
    parsed.error.issues.map((issue) => {
      const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path;
      const name = path.map(String).join('.') || 'the mapping';
      return `${name}: ${issue.message} (line ${lineOf(document, { lines, path })})`;
    }),
  );
}

function dataOf(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 20 });
  } catch (error) {
    throw problemsError(file, [messageOf(error)]);
  }
}

/** Line of the key at `path`, or of the nearest part above it that exists. */
function lineOf(
  document: Document,
  at: { readonly lines: LineCounter; readonly path: readonly PropertyKey[] },
): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const part of at.path) {
    if (!isMap(node)) break;
    const pair = node.items.find(({ key }) => String(key) === String(part));
    if (pair === undefined) break;
    const { key } = pair as { key: { range?: readonly number[] | null } };
    offset = key.range?.[0] ?? offset;
    node = pair.value;
  }
  return at.lines.linePos(offset).line;
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');
}

function problemsError(file: string, problems: readonly string[]): ConfigError {
  return new ConfigError(`Cannot load the mapping "${file}":\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
}
